//! The issuer's settings: what each module needs, assembled from one TOML file (docs/CONFIG.md).

mod dev_mode;
mod domains;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::feed::LONGEST_TOKEN_LIFE;
use common::ids::EdgeId;
use common::networks::Networks;
use common::settings::{Section, SettingError, folder_of, parse};

use self::dev_mode::Around;
pub use self::dev_mode::DevMode;
pub use self::domains::DomainSettings;
use crate::keys::{MAX_PER_PURPOSE, RotationPolicy};
use crate::limits::quotas::{Category, Settings as Quotas};
use crate::{messages, outbound};

/// The sections whose scalars the environment may set.
const SECTIONS: &[&str] = &[
    "listen",
    "issuer",
    "storage",
    "secrets",
    "messages",
    "passwords",
    "feed",
    "keys",
    "quotas",
    "domains",
    "outbound",
];

/// Keys of one purpose are bounded in number, and each stays for a day.
const SHORTEST_ROTATION: Duration = Duration::from_secs(3_600);

#[derive(Clone, Debug)]
pub struct Config {
    pub listen: Listen,
    pub public: Public,
    pub issuer: Deployment,
    pub storage: Engine,
    /// 32 bytes in hex or base64, mode 0600 or 0400.
    pub root_key_file: PathBuf,
    pub messages: messages::Config,
    /// What may be asked of the URLs that clients name.
    pub outbound: outbound::Config,
    pub passwords: Passwords,
    pub keys: RotationPolicy,
    /// `host:port` under which edges reach the feed; goes into join tokens.
    pub feed_address: String,
    /// Edges that must be connected and ready before `/readyz` answers 200.
    pub ready_edges: Vec<EdgeId>,
    /// Requests a second and pool.
    pub quotas: Quotas,
    /// Every access key is taken, codes are 123456, and a reset is one request. For test suites on this machine.
    pub dev_mode: Option<DevMode>,
}

/// Sockets. Public traffic, the admin surface and the feed have one each.
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    pub http: SocketAddr,
    pub admin: SocketAddr,
    /// UDP: the feed speaks QUIC.
    pub feed: SocketAddr,
}

/// Who may send public traffic, and who may speak for others.
#[derive(Clone, Debug, Default)]
pub struct Public {
    pub from: From,
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: Networks,
}

/// Whose calls the public listener takes that nobody signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    #[default]
    Anyone,
    /// Only those that an edge vouches for.
    Edges,
}

#[derive(Clone, Debug)]
pub struct Deployment {
    /// Where clients reach this issuer, without a trailing slash. A pool's `iss` is `<public_url>/<pool>`.
    pub public_url: String,
    pub region: String,
    /// Twelve digits; appears in ARNs.
    pub account_id: String,
    /// Where pools' domains answer.
    pub domains: DomainSettings,
}

/// Which database to open.
#[derive(Clone, Debug)]
pub enum Engine {
    Sqlite(PathBuf),
    /// The file holds a `postgres://` URL: it has a password, so it is not written into the settings.
    Postgres {
        url_file: PathBuf,
        /// PEM certificates that may vouch for the server; needed where the URL says `sslmode=require`.
        ca_file: Option<PathBuf>,
    },
}

#[derive(Clone, Debug)]
pub struct Passwords {
    /// Threads that hash; each needs 19 MiB while it works. `None`: one a core.
    pub threads: Option<usize>,
    /// Hashes that may wait; past it sign-ins are shed with `TooManyRequestsException`.
    pub queue: usize,
    /// Hashes of passwords that others know.
    pub compromised_file: Option<PathBuf>,
}

/// Why there is no configuration: one line, with the file it is about.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{file}: {source}", file = file.display())]
    Read { file: PathBuf, source: std::io::Error },
    #[error("{file}: {source}", file = file.display())]
    Setting { file: PathBuf, source: SettingError },
}

impl Config {
    /// Reads and checks a settings file. Relative paths in it are relative to its folder.
    pub fn load(path: &Path, env: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { file: path.to_owned(), source })?;
        let folder = folder_of(path);
        Self::parse(&text, folder, env).map_err(|source| ConfigError::Setting { file: path.to_owned(), source })
    }

    fn parse(text: &str, folder: &Path, env: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingError> {
        let env: Vec<(String, String)> = env.into_iter().collect();
        let env = env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut root = parse(text, env, SECTIONS)?;
        let (listen, public) = listen(required(&mut root, "listen")?)?;
        let mut issuer = deployment(required(&mut root, "issuer")?)?;
        if let Some(section) = root.section("domains")? {
            issuer.domains = domains::read(section)?;
        }
        let storage = engine(required(&mut root, "storage")?, folder)?;
        let mut secrets = required(&mut root, "secrets")?;
        let root_key_file = folder.join(secrets.required_text("root_key_file")?);
        secrets.finish()?;
        let messages = root.section("messages")?.map(|section| messages::Config::read(section, folder));
        let messages = messages.transpose()?.unwrap_or_default();
        let outbound = root.section("outbound")?.map(|section| outbound::Config::read(section, folder));
        let outbound = outbound.transpose()?.unwrap_or_default();
        let passwords =
            root.section("passwords")?.map(|section| passwords(section, folder)).transpose()?.unwrap_or_default();
        let keys = root.section("keys")?.map(rotation).transpose()?.unwrap_or_default();
        let mut feed = required(&mut root, "feed")?;
        let feed_address = feed.required_text("public_address")?;
        feed.finish()?;
        let ready_edges = root.section("ready")?.map(ready_edges).transpose()?.unwrap_or_default();
        let quotas = root.section("quotas")?.map(quotas).transpose()?.unwrap_or_default();
        let around = Around { listen: &listen, public: &public, storage: &storage, messages: &messages };
        let dev_mode = root.section("dev_mode")?.map(|section| dev_mode::read(section, folder, &around)).transpose()?;
        root.finish()?;
        Ok(Self {
            listen,
            public,
            issuer,
            storage,
            root_key_file,
            messages,
            outbound,
            passwords,
            keys,
            feed_address,
            ready_edges,
            quotas,
            dev_mode,
        })
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self { threads: None, queue: 64, compromised_file: None }
    }
}

fn required(root: &mut Section, key: &'static str) -> Result<Section, SettingError> {
    root.section(key)?.ok_or_else(|| root.missing(key))
}

fn listen(mut section: Section) -> Result<(Listen, Public), SettingError> {
    let listen = Listen {
        http: address(&mut section, "http")?,
        admin: address(&mut section, "admin")?,
        feed: address(&mut section, "feed")?,
    };
    let from = match section.text("public")?.as_deref() {
        None | Some("anyone") => From::Anyone,
        Some("edges") => From::Edges,
        Some(_) => return Err(section.error("public", "must be \"anyone\" or \"edges\"")),
    };
    let trusted_proxies = Networks::read(&mut section, "trusted_proxies")?;
    section.finish()?;
    Ok((listen, Public { from, trusted_proxies }))
}

fn address(section: &mut Section, key: &'static str) -> Result<SocketAddr, SettingError> {
    let text = section.required_text(key)?;
    text.parse().map_err(|_| section.error(key, format!("\"{text}\" is no address such as \"127.0.0.1:8700\"")))
}

fn deployment(mut section: Section) -> Result<Deployment, SettingError> {
    let deployment = Deployment {
        public_url: section.required_text("public_url")?,
        region: section.text("region")?.unwrap_or_else(|| "us-east-1".to_owned()),
        account_id: section.text("account_id")?.unwrap_or_else(|| "000000000000".to_owned()),
        domains: DomainSettings::default(),
    };
    let url = url::Url::parse(&deployment.public_url).map_err(|e| section.error("public_url", e.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || deployment.public_url.ends_with('/') || url.query().is_some() {
        return Err(section.error("public_url", "must be an http or https URL without a trailing slash or query"));
    }
    let region = &deployment.region;
    let region_ok = region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if region.is_empty() || region.len() > 32 || !region_ok {
        return Err(section.error("region", "must be 1 to 32 of a-z, 0-9 and '-'"));
    }
    let account = &deployment.account_id;
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        return Err(section.error("account_id", "must be twelve digits"));
    }
    section.finish()?;
    Ok(deployment)
}

fn engine(mut section: Section, folder: &Path) -> Result<Engine, SettingError> {
    let ca_file = section.file("postgres_ca_file")?.map(|path| folder.join(path));
    let engine = match (section.file("sqlite")?, section.file("postgres_url_file")?) {
        (Some(path), None) => Engine::Sqlite(folder.join(path)),
        (None, Some(url_file)) => Engine::Postgres { url_file: folder.join(url_file), ca_file },
        _ => return Err(section.error("sqlite", "set exactly one of `sqlite` and `postgres_url_file`")),
    };
    section.finish()?;
    Ok(engine)
}

fn passwords(mut section: Section, folder: &Path) -> Result<Passwords, SettingError> {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let passwords = Passwords {
        threads: section.integer("threads", 1..=1_024)?.map(size),
        queue: section.integer("queue", 1..=1_000_000)?.map_or(Passwords::default().queue, size),
        compromised_file: section.file("compromised_file")?.map(|path| folder.join(path)),
    };
    section.finish()?;
    Ok(passwords)
}

fn quotas(mut section: Section) -> Result<Quotas, SettingError> {
    let enabled = section.flag("enabled")?.unwrap_or(Quotas::default().enabled);
    let mut rates = BTreeMap::new();
    for category in Category::ALL {
        // A million a second is as good as none, and still a whole number of nanoseconds each.
        if let Some(rate) = section.integer(category.setting(), 1..=1_000_000)? {
            rates.insert(*category, u32::try_from(rate).unwrap_or(u32::MAX));
        }
    }
    section.finish()?;
    Ok(Quotas { enabled, rates })
}

/// Signing keys: how often they are replaced, and how long before and after they are published.
fn rotation(mut section: Section) -> Result<RotationPolicy, SettingError> {
    let usual = RotationPolicy::default();
    let policy = RotationPolicy {
        publish_ahead: section.duration("publish_ahead")?.unwrap_or(usual.publish_ahead),
        keep_after: section.duration("keep_after")?.unwrap_or(usual.keep_after),
        every: section.duration("rotate_every")?,
    };
    if policy.keep_after < LONGEST_TOKEN_LIFE {
        return Err(section.error("keep_after", "must be at least 24h10m: tokens live that long"));
    }
    if policy.every.is_some_and(|every| every < SHORTEST_ROTATION || every <= policy.publish_ahead) {
        return Err(section.error("rotate_every", "must be at least 1h, and longer than `publish_ahead`"));
    }
    let at_once = policy.every.map_or(0, |every| policy.keep_after.as_secs().div_ceil(every.as_secs()));
    if at_once + 2 >= MAX_PER_PURPOSE as u64 {
        let why = format!("is too short for `keep_after`: {at_once} keys would be published at once");
        return Err(section.error("rotate_every", why));
    }
    section.finish()?;
    Ok(policy)
}

fn ready_edges(mut section: Section) -> Result<Vec<EdgeId>, SettingError> {
    let names = section.texts("edges")?;
    let parse = |name: &String| {
        EdgeId::parse(name.as_str()).map_err(|_| section.error("edges", format!("\"{name}\" is no edge's name")))
    };
    let edges = names.iter().map(parse).collect::<Result<_, _>>()?;
    section.finish()?;
    Ok(edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [listen]
        http = "127.0.0.1:8700"
        admin = "127.0.0.1:8702"
        feed = "127.0.0.1:8701"
        [issuer]
        public_url = "http://127.0.0.1:8700"
        [storage]
        sqlite = "tollgate.db"
        [secrets]
        root_key_file = "root.key"
        [feed]
        public_address = "127.0.0.1:8701"
    "#;

    fn parse_config(text: &str) -> Result<Config, SettingError> {
        Config::parse(text, Path::new("/etc/tollgate"), [])
    }

    #[test]
    fn a_small_file_is_enough() {
        let config = parse_config(GOOD).unwrap();
        assert_eq!(config.issuer.region, "us-east-1");
        assert!(matches!(config.storage, Engine::Sqlite(path) if path == Path::new("/etc/tollgate/tollgate.db")));
    }

    #[test]
    fn quotas_are_cognitos_unless_set() {
        assert_eq!(parse_config(GOOD).unwrap().quotas, Quotas::default());
        let set = |text: &str| parse_config(&format!("{GOOD}\n[quotas]\n{text}"));
        let quotas = set("user_list = 5\nuser_creation = 1000000").unwrap().quotas;
        assert!(quotas.enabled);
        assert_eq!(quotas.rates, [(Category::UserList, 5), (Category::UserCreation, 1_000_000)].into());
        assert!(!set("enabled = false").unwrap().quotas.enabled);
        for (text, want) in [
            ("user_list = 0", "quotas.user_list: must be between 1 and 1000000"),
            ("user_lists = 5", "did you mean `user_list`?"),
            ("enabled = 1", "quotas.enabled: must be true or false"),
        ] {
            let got = set(text).unwrap_err().to_string();
            assert!(got.contains(want), "{got}");
        }
    }

    #[test]
    fn developer_mode_is_for_this_machine_alone() {
        let section = "[messages]\noutbox = \"outbox\"\n[dev_mode]\ntoken_file = \"dev.token\"\nbaseline = \"first\"\n";
        let good = format!("{GOOD}\n{section}");
        assert!(parse_config(GOOD).unwrap().dev_mode.is_none());
        let mode = parse_config(&good).unwrap().dev_mode.unwrap();
        assert_eq!(mode.outbox, Path::new("/etc/tollgate/outbox"));
        let outside = ["0.0.0.0:8700", "10.0.0.1:8700", "[::]:8700"]
            .map(|to| ("http = \"127.0.0.1:8700\"", format!("http = \"{to}\"")));
        let others = [
            ("admin = \"127.0.0.1:8702\"", "admin = \"192.168.0.1:8702\"".to_owned()),
            ("feed = \"127.0.0.1:8701\"", "feed = \"[2001:db8::1]:8701\"".to_owned()),
            ("[issuer]", "public = \"edges\"\n[issuer]".to_owned()),
            ("[issuer]", "trusted_proxies = [\"127.0.0.1\"]\n[issuer]".to_owned()),
            ("sqlite = \"tollgate.db\"", "postgres_url_file = \"url\"".to_owned()),
            ("outbox = \"outbox\"", String::new()),
            ("token_file = \"dev.token\"", String::new()),
        ];
        for (from, to) in outside.iter().chain(&others) {
            assert!(good.contains(from));
            let refused = parse_config(&good.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(refused.starts_with("dev_mode.token_file: "), "{to}: {refused}");
        }
        // No environment switches it on: nobody inherits it.
        let env = ["TOKEN_FILE", "BASELINE"].map(|key| (format!("TOLLGATE_DEV_MODE__{key}"), "dev.token".to_owned()));
        let text = format!("{GOOD}\n[messages]\noutbox = \"outbox\"");
        assert!(Config::parse(&text, Path::new("/etc"), env).unwrap().dev_mode.is_none());
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("sqlite = \"tollgate.db\"", "", "exactly one of `sqlite`"),
            ("public_url = \"http://127.0.0.1:8700\"", "public_url = \"http://h/\"", "trailing slash"),
            ("public_url = \"http://127.0.0.1:8700\"", "public_url = \"nonsense\"", "issuer.public_url"),
            ("[issuer]", "public = \"nobody\"\n[issuer]", "listen.public: must be \"anyone\" or \"edges\""),
            (
                "[issuer]",
                "trusted_proxies = [\"10.0.0.0/40\"]\n[issuer]",
                "listen.trusted_proxies: \"10.0.0.0/40\" is no network",
            ),
            ("[secrets]", "[secrts]", "secrts: unknown key; did you mean `secrets`?"),
        ];
        for (from, to, want) in cases {
            let got = parse_config(&GOOD.replace(from, to)).unwrap_err().to_string();
            assert!(got.contains(want), "{got}");
        }
    }
}
