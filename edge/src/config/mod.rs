//! Assembles the settings of all modules into one validated [`Config`]. Nothing here starts, listens or connects.

mod issuers;
mod listen;
mod routes;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::observe::{LogLevel, Metrics};
use crate::snapshot::picture::ConfiguredIssuer;
use crate::snapshot::route::RouteTable;
use common::settings::{Section, SettingError, parse};

pub use self::listen::{Listen, Places};
use self::routes::Surroundings;

/// The sections whose scalars the environment may set.
const SECTIONS: &[&str] = &["listen", "feed", "log", "cache"];
/// About 15,000 tokens of 1 KB that take turns: each is accounted at some 2 KB, and only one of two generations is sure to stay.
const DEFAULT_VERDICT_BYTES: u64 = 64 << 20;

/// A validated configuration.
#[derive(Debug)]
pub struct Config {
    pub listen: Listen,
    pub feed: Option<FeedSettings>,
    pub log: LogLevel,
    /// Memory for known tokens, for each issuer; bytes.
    pub verdict_bytes: usize,
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
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { file: path.to_owned(), source })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let environment = environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    parse(&text, environment, SECTIONS)
        .and_then(|root| read(root, folder, metrics))
        .map_err(|source| ConfigError::Setting { file: path.to_owned(), source })
}

/// This process's environment, for [`load`]. Names or values that are not UTF-8 are no settings.
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn read(mut root: Section, folder: &Path, metrics: &Metrics) -> Result<Config, SettingError> {
    let listen = root.section("listen")?.ok_or_else(|| root.missing("listen"))?;
    let mut listen = listen::read(listen, folder)?;
    let feed = root.section("feed")?.map(|section| feed(section, folder)).transpose()?;
    let beside_the_feed = || feed.as_ref().map(|feed| feed.state_dir.join("upgrade.sock"));
    listen.places.upgrade = listen.places.upgrade.or_else(beside_the_feed);
    let log = match root.section("log")? {
        None => LogLevel::All,
        Some(section) => log_level(section)?,
    };
    let verdict_bytes = match root.section("cache")? {
        None => DEFAULT_VERDICT_BYTES,
        Some(section) => verdict_bytes(section)?,
    };
    if root.text("routes")?.is_some_and(|routes| routes != "local") {
        return Err(root.error("routes", "only \"local\" is supported yet"));
    }
    if !root.sections("acl")?.is_empty() {
        return Err(root.error("acl", "is not supported yet"));
    }
    let mut issuers = issuers::configured(root.sections("issuer")?, folder)?;
    let upstreams = routes::upstreams(root.sections("upstream")?, folder, metrics)?;
    let surroundings =
        Surroundings { has_feed: feed.is_some(), asks_certificates: listen.tls.as_ref().is_some_and(|tls| tls.asks) };
    let routes = routes::table(root.sections("route")?, upstreams, &mut issuers, surroundings, metrics)?;
    root.finish()?;
    Ok(Config {
        listen,
        feed,
        log,
        verdict_bytes: usize::try_from(verdict_bytes).unwrap_or(usize::MAX),
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

fn log_level(mut section: Section) -> Result<LogLevel, SettingError> {
    let level = match section.text("access")?.as_deref() {
        None | Some("all") => LogLevel::All,
        Some("refused") => LogLevel::Refused,
        Some("off") => LogLevel::Off,
        Some(_) => return Err(section.error("access", "must be \"all\", \"refused\" or \"off\"")),
    };
    section.finish()?;
    Ok(level)
}

fn verdict_bytes(mut section: Section) -> Result<u64, SettingError> {
    let bytes = section.size("verdicts")?.unwrap_or(DEFAULT_VERDICT_BYTES);
    section.finish()?;
    Ok(bytes)
}

/// In the order of the file; their names are unique.
type Upstreams = Vec<Arc<crate::snapshot::upstream::Upstream>>;

#[cfg(test)]
mod tests;
