//! The issuer's settings: what each module needs, assembled from one TOML file (docs/CONFIG.md).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use common::ids::EdgeId;
use common::settings::{self, SettingsError};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub listen: Listen,
    pub issuer: Deployment,
    pub storage: Storage,
    pub secrets: Secrets,
    #[serde(default)]
    pub messages: Messages,
    #[serde(default)]
    pub passwords: Passwords,
    pub feed: Feed,
    #[serde(default)]
    pub ready: Ready,
}

/// Sockets. Public traffic, the admin surface and the feed have one each.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    pub http: SocketAddr,
    pub admin: SocketAddr,
    /// UDP: the feed speaks QUIC.
    pub feed: SocketAddr,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Where clients reach this issuer, without a trailing slash. A pool's `iss` is `<public_url>/<pool>` unless it is set.
    pub public_url: String,
    #[serde(default = "default_region")]
    pub region: String,
    /// Twelve digits; appears in ARNs.
    #[serde(default = "default_account")]
    pub account_id: String,
}

/// Exactly one engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Path of the SQLite database.
    pub sqlite: Option<PathBuf>,
    /// File that holds a `postgres://` URL (the URL has a password, so it is not written here).
    pub postgres_url_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// 32 bytes in hex or base64, mode 0600 or 0400.
    pub root_key_file: PathBuf,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// Folder that gets one JSON file a message, for development.
    pub outbox: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passwords {
    /// Threads that hash; each needs 19 MiB while it works. 0: one a core.
    #[serde(default)]
    pub threads: usize,
    /// Hashes that may wait; past it sign-ins are shed with `TooManyRequestsException`.
    #[serde(default = "default_hash_queue")]
    pub queue: usize,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { threads: 0, queue: default_hash_queue() }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Where edges reach the feed; goes into join tokens.
    pub public_address: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    /// Edges that must be connected and ready before `/readyz` answers 200.
    #[serde(default)]
    pub edges: Vec<String>,
}

impl Ready {
    pub fn edges(&self) -> Result<Vec<EdgeId>, SettingsError> {
        let parse = |name: &String| {
            EdgeId::parse(name.as_str())
                .map_err(|_| SettingsError::new(format!("ready.edges: '{name}' is not an edge's name")))
        };
        self.edges.iter().map(parse).collect()
    }
}

/// Which database to open.
#[derive(Clone, Debug)]
pub enum Engine {
    Sqlite(PathBuf),
    Postgres { url_file: PathBuf },
}

impl Config {
    /// Reads and checks a settings file; the error is one line that names the file.
    pub fn load(path: &Path, env: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| SettingsError::new(format!("{}: cannot be read: {e}", path.display())))?;
        Self::parse(&text, env).map_err(|e| SettingsError::new(format!("{}: {e}", path.display())))
    }

    pub fn parse(text: &str, env: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let config: Self = settings::parse(text, env)?;
        config.storage.engine()?;
        config.issuer.check()?;
        config.ready.edges()?;
        Ok(config)
    }
}

impl Storage {
    pub fn engine(&self) -> Result<Engine, SettingsError> {
        match (&self.sqlite, &self.postgres_url_file) {
            (Some(path), None) => Ok(Engine::Sqlite(path.clone())),
            (None, Some(url_file)) => Ok(Engine::Postgres { url_file: url_file.clone() }),
            _ => Err(SettingsError::new("storage: set exactly one of 'sqlite' and 'postgres_url_file'")),
        }
    }
}

impl Deployment {
    fn check(&self) -> Result<(), SettingsError> {
        let url = url::Url::parse(&self.public_url)
            .map_err(|e| SettingsError::new(format!("issuer.public_url: '{}': {e}", self.public_url)))?;
        if !matches!(url.scheme(), "http" | "https") || self.public_url.ends_with('/') || url.query().is_some() {
            return Err(SettingsError::new(
                "issuer.public_url: an http or https URL without a trailing slash or query",
            ));
        }
        if self.account_id.len() != 12 || !self.account_id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(SettingsError::new("issuer.account_id: twelve digits"));
        }
        let region_ok = self.region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if self.region.is_empty() || self.region.len() > 32 || !region_ok {
            return Err(SettingsError::new("issuer.region: 1 to 32 of a-z, 0-9 and '-'"));
        }
        Ok(())
    }
}

fn default_region() -> String {
    "us-east-1".into()
}

fn default_account() -> String {
    "000000000000".into()
}

fn default_hash_queue() -> usize {
    64
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

    #[test]
    fn a_small_file_is_enough() {
        let config = Config::parse(GOOD, []).unwrap();
        assert_eq!(config.issuer.region, "us-east-1");
        assert!(matches!(config.storage.engine(), Ok(Engine::Sqlite(_))));
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("sqlite = \"tollgate.db\"", "", "exactly one of 'sqlite'"),
            ("public_url = \"http://127.0.0.1:8700\"", "public_url = \"http://h/\"", "trailing slash"),
            ("public_url = \"http://127.0.0.1:8700\"", "public_url = \"nonsense\"", "issuer.public_url"),
            ("[secrets]", "[secrts]", "did you mean 'secrets'?"),
        ];
        for (from, to, want) in cases {
            let got = Config::parse(&GOOD.replace(from, to), []).unwrap_err().to_string();
            assert!(got.contains(want), "{got}");
        }
    }
}
