//! `[[issuer]]`: token issuers that do not come by the feed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::jose::{Alg, KeyType};
use common::refresh::{Plan, PlanError};
use common::settings::{Section, SettingError};
use common::verify::{Leeway, Profile};

use crate::config::{Around, introspection, text_of};
use crate::outbound::{Address, AddressError, Authorities};
use crate::snapshot::issuer::Trust;
use crate::snapshot::picture::ConfiguredIssuer;
use crate::snapshot::source::{FetchedKeys, KeySource, Place, Reading};

/// A file of keys; bytes. Its parser takes no more than a quarter of that.
const MAX_KEY_BYTES: u64 = 1 << 20;
/// What the names of issuers that come by the feed begin with.
pub const POOL_PREFIX: &str = "pool:";

const REFRESH: Duration = Duration::from_secs(600);
/// A file is on this machine: looking at it costs next to nothing.
const FILE_REFRESH: Duration = Duration::from_secs(10);
const COOL_DOWN: Duration = Duration::from_secs(30);
const MAX_STALE: Duration = Duration::from_secs(24 * 3_600);
const TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Settings that say nothing where there are no keys.
const OF_KEYS: [&str; 3] = ["profile", "algorithms", "rsa_alg"];
const MOST_GROUP_CLAIMS: usize = 16;

pub fn configured(sections: Vec<Section>, around: &Around<'_>) -> Result<Vec<ConfiguredIssuer>, SettingError> {
    let mut issuers: Vec<ConfiguredIssuer> = Vec::new();
    for section in sections {
        let place = section.place("name");
        let issuer = issuer(section, around)?;
        if issuers.iter().any(|other| other.name == issuer.name) {
            return Err(SettingError::new(place, format!("there are two issuers called \"{}\"", issuer.name)));
        }
        issuers.push(issuer);
    }
    Ok(issuers)
}

/// What is said of an issuer, whichever way its tokens are checked.
pub(super) struct Common {
    pub iss: Arc<str>,
    pub leeway: Leeway,
    pub groups: Option<Arc<[Box<str>]>>,
    pub authorities: Authorities,
    pub allow_http: bool,
}

fn issuer(mut section: Section, around: &Around<'_>) -> Result<ConfiguredIssuer, SettingError> {
    let name = section.required_text("name")?;
    if name.starts_with(POOL_PREFIX) {
        return Err(section.error("name", "pools come by the feed: name them in routes only"));
    }
    let common = Common {
        iss: section.required_text("iss")?.into(),
        leeway: leeway(&mut section)?,
        groups: groups(&mut section)?,
        authorities: authorities(&mut section, around.folder)?,
        allow_http: section.flag("allow_http")?.unwrap_or(false),
    };
    match (section.section("jwks")?, section.section("introspection")?) {
        (Some(jwks), None) => by_keys(name, section, jwks, common, around),
        (None, Some(asked)) => {
            if let Some(key) = OF_KEYS.into_iter().find(|key| section.has(key)) {
                return Err(section
                    .error(key, "goes with `jwks`: the issuer checks the token, and its answers have one reading"));
            }
            section.finish()?;
            let settings = introspection::read(asked, common, around)?;
            Ok(ConfiguredIssuer { introspection: Some(Arc::new(settings)), ..ConfiguredIssuer::awaited(name) })
        }
        (None, None) => Err(section.missing("jwks")),
        (Some(_), Some(_)) => {
            Err(section
                .error("introspection", "cannot stand beside `jwks`: make two issuers, and name both in the route"))
        }
    }
}

fn by_keys(
    name: String,
    mut section: Section,
    mut jwks: Section,
    common: Common,
    around: &Around<'_>,
) -> Result<ConfiguredIssuer, SettingError> {
    let profile = profile(&mut section)?;
    let algorithms = algorithms(&mut section)?;
    let rsa_alg = rsa_alg(&mut section, &algorithms)?;
    section.finish()?;
    let place = place(&mut jwks, &common, around.folder)?;
    let file_place = jwks.place("file");
    let (plan, timeout) = (plan(&mut jwks, &place)?, timeout(&mut jwks)?);
    jwks.finish()?;
    let Common { iss, leeway, groups, authorities, .. } = common;
    let reading = Reading { iss, profile, leeway, rsa_alg, algorithms, groups };
    let source = KeySource { place, plan, timeout, authorities, reading };
    let unknown = around.metrics.issuers.unknown_kids(&name);
    // A bad file is told at once; what a URL has is the fetcher's to find out.
    let (trust, keys) = match &source.place {
        Place::File(file) => {
            let trust = given(&source.reading, file).map_err(|problem| SettingError::new(file_place, problem))?;
            (Some(trust), FetchedKeys::given(source, unknown))
        }
        Place::Url(_) | Place::Discovery(_) => (None, FetchedKeys::awaited(source, unknown)),
    };
    Ok(ConfiguredIssuer { trust, keys: Some(keys), ..ConfiguredIssuer::awaited(name) })
}

fn given(reading: &Reading, file: &Path) -> Result<Trust, String> {
    let text = text_of(file, MAX_KEY_BYTES).map_err(|error| format!("{}: {error}", file.display()))?;
    reading.trust(&text).map_err(|problem| format!("{}: {problem}", file.display()))
}

fn profile(section: &mut Section) -> Result<Profile, SettingError> {
    let name = section.required_text("profile")?;
    Profile::OF_TOKENS.into_iter().find(|profile| profile.as_str() == name).ok_or_else(|| {
        let known: Vec<String> = Profile::OF_TOKENS.iter().map(|profile| format!("\"{}\"", profile.as_str())).collect();
        section.error("profile", format!("\"{name}\" is none of {}", known.join(", ")))
    })
}

fn leeway(section: &mut Section) -> Result<Leeway, SettingError> {
    match section.duration("leeway")? {
        None => Ok(Leeway::default()),
        Some(span) => {
            Leeway::new(span).ok_or_else(|| section.error("leeway", format!("is over {:?}", Duration::from_secs(60))))
        }
    }
}

fn groups(section: &mut Section) -> Result<Option<Arc<[Box<str>]>>, SettingError> {
    let (is_given, paths) = (section.has("groups"), section.texts("groups")?);
    if !is_given {
        return Ok(None);
    }
    if paths.len() > MOST_GROUP_CLAIMS || paths.iter().any(String::is_empty) {
        return Err(section.error("groups", format!("must be at most {MOST_GROUP_CLAIMS} names of claims")));
    }
    Ok(Some(paths.into_iter().map(Box::from).collect()))
}

pub(super) fn authorities(section: &mut Section, folder: &Path) -> Result<Authorities, SettingError> {
    let read = match section.file("ca")? {
        None => Authorities::public().map_err(|problem| problem.to_string()),
        Some(file) => {
            let file = folder.join(file);
            Authorities::read(&file).map_err(|problem| format!("{}: {problem}", file.display()))
        }
    };
    read.map_err(|problem| section.error("ca", problem))
}

fn algorithms(section: &mut Section) -> Result<Vec<Alg>, SettingError> {
    let (is_given, names) = (section.has("algorithms"), section.texts("algorithms")?);
    if !is_given {
        return Ok(Alg::ALL.to_vec());
    }
    if names.is_empty() {
        return Err(section.error("algorithms", "needs at least one algorithm"));
    }
    names.iter().map(|name| alg(section, "algorithms", name)).collect()
}

/// Without the setting: RS256, or what comes first in a list of algorithms that lacks it.
fn rsa_alg(section: &mut Section, algorithms: &[Alg]) -> Result<Alg, SettingError> {
    let Some(name) = section.text("rsa_alg")? else {
        let mut rsa = algorithms.iter().copied().filter(|alg| alg.key_type() == KeyType::Rsa);
        return Ok(if algorithms.contains(&Alg::RS256) { Alg::RS256 } else { rsa.next().unwrap_or(Alg::RS256) });
    };
    let alg = alg(section, "rsa_alg", &name)?;
    if alg.key_type() != KeyType::Rsa {
        return Err(section.error("rsa_alg", format!("\"{name}\" is no algorithm of RSA keys")));
    }
    if !algorithms.contains(&alg) {
        return Err(section.error("rsa_alg", format!("\"{name}\" is not among `algorithms`")));
    }
    Ok(alg)
}

fn alg(section: &Section, key: &str, name: &str) -> Result<Alg, SettingError> {
    let known = || Alg::ALL.map(Alg::name).join(", ");
    name.parse().map_err(|_| section.error(key, format!("\"{name}\" is none of {}", known())))
}

fn place(jwks: &mut Section, common: &Common, folder: &Path) -> Result<Place, SettingError> {
    let (url, file) = (jwks.text("url")?, jwks.file("file")?);
    let discovery = jwks.flag("discovery")?.unwrap_or(false);
    match (url, file, discovery) {
        (Some(url), None, false) => {
            let address = Address::parse(&url, common.allow_http);
            Ok(Place::Url(address.map_err(|error| jwks.error("url", format!("\"{url}\" {error}")))?))
        }
        (None, Some(file), false) => Ok(Place::File(folder.join(file))),
        (None, None, true) => metadata(common)
            .map(Place::Discovery)
            .map_err(|error| jwks.error("discovery", format!("the issuer's `iss`, \"{}\", {error}", common.iss))),
        _ => {
            Err(jwks
                .error("url", "must be the only one of `url`, `file` and `discovery = true`, and one must be there"))
        }
    }
}

fn metadata(common: &Common) -> Result<[Address; 2], AddressError> {
    let openid = Address::of_openid_configuration(&common.iss, common.allow_http)?;
    Ok([openid, Address::of_authorization_server(&common.iss, common.allow_http)?])
}

fn plan(jwks: &mut Section, place: &Place) -> Result<Plan, SettingError> {
    let is_file = matches!(place, Place::File(_));
    let refresh = jwks.duration("refresh")?.unwrap_or(if is_file { FILE_REFRESH } else { REFRESH });
    let cool_down = jwks.duration("cool_down")?.unwrap_or(COOL_DOWN.min(refresh));
    let max_stale = jwks.duration("max_stale")?.unwrap_or(MAX_STALE.max(refresh));
    Plan::new(refresh, cool_down, max_stale).map_err(|error| {
        let key = match error {
            PlanError::CoolDown => "cool_down",
            PlanError::Refresh => "refresh",
            PlanError::MaxStale => "max_stale",
        };
        jwks.error(key, error.to_string())
    })
}

fn timeout(jwks: &mut Section) -> Result<Duration, SettingError> {
    let timeout = jwks.duration("timeout")?.unwrap_or(TIMEOUT);
    if (Duration::from_millis(100)..=LONGEST_TIMEOUT).contains(&timeout) {
        Ok(timeout)
    } else {
        Err(jwks.error("timeout", "must be between 100ms and 30s"))
    }
}
