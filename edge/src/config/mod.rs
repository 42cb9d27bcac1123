//! Assembles the settings of all modules into one validated [`Config`]. Nothing here starts, listens or connects.

mod introspection;
mod issuers;
mod listen;
mod log;
mod routes;
mod sign_in;
mod trace;
mod waf_log;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::challenge::config::{self as challenge, KeySource};
use crate::gates::acl::Terms;
use crate::gates::limits::config::Settings as LimitSettings;
use crate::gates::proof::config as proofs;
use crate::observe::Metrics;
use crate::observe::trace::Accept;
use crate::samples::Room;
use crate::snapshot::picture::ConfiguredIssuer;
use crate::snapshot::route::{Route, RouteTable};
use crate::waf::Locate;
use crate::{gates, geo};
use common::settings::{Section, SettingError, folder_of, parse};

pub use self::listen::{Listen, Places};
pub use self::log::LogSettings;
use self::routes::Surroundings;
pub use self::trace::TraceSettings;
pub use self::waf_log::WafLogSettings;

/// The sections whose scalars the environment may set.
const SECTIONS: &[&str] = &["listen", "feed", "log", "trace", "cache", "dpop", "limits", "challenge", "geo", "waf_log"];
/// A configuration file; bytes.
const MAX_BYTES: u64 = 16 << 20;
/// About 15,000 tokens of 1 KB that take turns: each is accounted at some 2 KB, and only one of two generations is sure to stay.
const DEFAULT_VERDICT_BYTES: u64 = 64 << 20;

/// A validated configuration.
#[derive(Debug)]
pub struct Config {
    pub listen: Listen,
    pub feed: Option<FeedSettings>,
    pub log: LogSettings,
    pub waf_log: Option<WafLogSettings>,
    pub trace: Option<TraceSettings>,
    /// Memory for known tokens, for each issuer; bytes.
    pub verdict_bytes: usize,
    /// Where key sets that were fetched are kept over a restart.
    pub state_dir: Option<PathBuf>,
    /// Memory for used proofs; bytes.
    pub replay_bytes: usize,
    pub limits: LimitSettings,
    pub challenge: challenge::Settings,
    /// For web ACLs, those that the feed brings too.
    pub acl_terms: Terms,
    /// Something asks what the hellos of TLS clients look like.
    pub fingerprints: bool,
    pub routes: RouteTable,
    pub issuers: Vec<ConfiguredIssuer>,
}

/// `[feed]`: where pools come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    /// `host:port` of the issuer's feed.
    pub issuer: String,
    /// Needed at the first start only.
    pub join_token_file: Option<PathBuf>,
    pub state_dir: PathBuf,
}

/// Why there is no configuration: one line, with the file it is about.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{file}: {source}", file = file.display())]
    Read { file: PathBuf, source: std::io::Error },
    #[error("{file}: {source}", file = file.display())]
    Setting { file: PathBuf, source: SettingError },
}

/// Reads a configuration file and the environment over it. Relative paths in it are relative to its folder.
pub fn load(path: &Path, environment: &[(String, String)], metrics: &Metrics) -> Result<Config, ConfigError> {
    let text = text_of(path, MAX_BYTES).map_err(|source| ConfigError::Read { file: path.to_owned(), source })?;
    let folder = folder_of(path);
    read_text(&text, environment, folder, metrics)
        .map_err(|source| ConfigError::Setting { file: path.to_owned(), source })
}

/// The same for a text. Relative paths in it are relative to `folder`.
pub fn read_text(
    text: &str,
    environment: &[(String, String)],
    folder: &Path,
    metrics: &Metrics,
) -> Result<Config, SettingError> {
    let overrides = environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    parse(text, overrides, SECTIONS).and_then(|root| read(root, &Around { folder, environment, metrics }))
}

/// The text in a file of at most so many bytes.
fn text_of(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most { Err(io::Error::other(format!("is larger than {most} bytes"))) } else { Ok(text) }
}

/// This process's environment, for [`load`]. Names or values that are not UTF-8 are no settings.
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// What settings refer to besides each other.
struct Around<'a> {
    /// Relative paths are relative to it.
    folder: &'a Path,
    environment: &'a [(String, String)],
    metrics: &'a Metrics,
}

fn read(mut root: Section, around: &Around<'_>) -> Result<Config, SettingError> {
    let (folder, metrics) = (around.folder, around.metrics);
    let listen = root.section("listen")?.ok_or_else(|| root.missing("listen"))?;
    let mut listen = listen::read(listen, folder)?;
    let feed = root.section("feed")?.map(|section| feed(section, folder)).transpose()?;
    let beside_the_feed = || feed.as_ref().map(|feed| feed.state_dir.join("upgrade.sock"));
    listen.places.upgrade = listen.places.upgrade.or_else(beside_the_feed);
    let log = root.section("log")?.map(|section| log::read(section, folder)).transpose()?.unwrap_or_default();
    let waf_log = root.section("waf_log")?.map(|section| waf_log::read(section, folder)).transpose()?;
    let trace = root.section("trace")?.map(|section| trace::read(section, folder)).transpose()?;
    if trace.as_ref().is_some_and(|trace| trace.accept == Accept::Trusted) && listen.proxies.is_empty() {
        return Err(SettingError::new("trace.accept", "\"trusted\" needs `listen.trusted_proxies`"));
    }
    let cache = root.section("cache")?.map(|section| cache(section, folder)).transpose()?;
    let cache = cache.unwrap_or(Cache { verdict_bytes: DEFAULT_VERDICT_BYTES, state_dir: None });
    if root.text("routes")?.is_some_and(|routes| routes != "local") {
        return Err(root.error("routes", "only \"local\" is supported yet"));
    }
    let databases = Arc::new(geo::config::databases(root.section("geo")?, folder)?);
    let locate: Arc<dyn Locate> = databases.clone();
    let state_dir = cache.state_dir.or_else(|| feed.as_ref().map(|feed| feed.state_dir.clone()));
    let mut challenge = challenge::settings(root.section("challenge")?, folder, state_dir.as_deref())?;
    let usual = (challenge.difficulty, challenge.captcha_difficulty);
    let acls = root.sections("acl")?;
    let acl_terms = Terms { usual, locate, logs: waf_log.is_some(), room: Room::default() };
    let acls = gates::acl::config::acls(acls, folder, &acl_terms, |name, acl| metrics.acl_meter(name, acl))?;
    let mut issuers = issuers::configured(root.sections("issuer")?, around)?;
    let proofs = proofs::settings(root.section("dpop")?, folder)?;
    let limits = gates::limits::config::settings(root.section("limits")?)?;
    let upstreams = routes::upstreams(root.sections("upstream")?, folder, metrics)?;
    let mut policies = gates::policy::config::library(root.sections("policy")?, folder)?;
    let sign_ins = sign_in::all(root.sections("sign_in")?, &issuers, around, state_dir.as_deref())?;
    let surroundings = Surroundings {
        sign_ins: &sign_ins,
        upstreams,
        policies: &mut policies,
        acls: &acls,
        proofs: &proofs,
        has_feed: feed.is_some(),
        asks_certificates: listen.tls.as_ref().is_some_and(|tls| tls.asks),
        metrics,
    };
    let routes = routes::table(root.sections("route")?, &mut issuers, surroundings)?;
    let warnings = gates::acl::config::warnings(&acls, &databases, listen.tls.is_some());
    let asks_hello =
        |route: &Arc<Route>| route.attest || route.acl.as_ref().is_some_and(|rule| rule.acl.reads_fingerprints);
    let fingerprints = log.rules.fingerprints || routes.routes.iter().any(asks_hello);
    let routes = RouteTable { databases, warnings, ..routes };
    root.finish()?;
    let may_ask = routes.asks || routes.routes.iter().any(|route| route.attest); // web ACLs of pools may
    if !may_ask && matches!(challenge.keys, KeySource::State(_)) {
        challenge.keys = KeySource::Own; // no file for what nobody uses
    }
    Ok(Config {
        listen,
        feed,
        log,
        waf_log,
        trace,
        verdict_bytes: usize::try_from(cache.verdict_bytes).unwrap_or(usize::MAX),
        state_dir,
        replay_bytes: usize::try_from(proofs.replay_bytes).unwrap_or(usize::MAX),
        limits,
        challenge,
        acl_terms,
        fingerprints,
        routes,
        issuers,
    })
}

fn feed(mut section: Section, folder: &Path) -> Result<FeedSettings, SettingError> {
    let settings = FeedSettings {
        issuer: section.required_text("issuer")?,
        join_token_file: section.file("join_token_file")?.map(|file| folder.join(file)),
        state_dir: folder.join(section.required_text("state_dir")?),
    };
    section.finish()?;
    Ok(settings)
}

/// `[cache]`.
struct Cache {
    verdict_bytes: u64,
    state_dir: Option<PathBuf>,
}

fn cache(mut section: Section, folder: &Path) -> Result<Cache, SettingError> {
    let cache = Cache {
        verdict_bytes: section.size("verdicts")?.unwrap_or(DEFAULT_VERDICT_BYTES),
        state_dir: section.file("state_dir")?.map(|dir| folder.join(dir)),
    };
    section.finish()?;
    Ok(cache)
}

/// In the order of the file; their names are unique.
type Upstreams = Vec<Arc<crate::snapshot::upstream::Upstream>>;

#[cfg(test)]
mod tests;
