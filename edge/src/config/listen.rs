//! `[listen]`: addresses, certificates, bounds on connections.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::gateway::Bounds;
use common::settings::{Section, SettingError};

/// Where and how the edge listens. It is read at the start; a reload does not touch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    pub http: Option<SocketAddr>,
    pub https: Option<(SocketAddr, Tls)>,
    pub admin: Option<SocketAddr>,
    pub bounds: Bounds,
    /// Threads that serve requests.
    pub threads: usize,
    /// How long requests in flight may go on after a stop was asked for.
    pub drain: Duration,
    /// The operator's name for what is protected, in challenges.
    pub realm: String,
}

/// PEM files: the certificate chain and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
}

pub fn read(mut section: Section, folder: &Path) -> Result<Listen, SettingError> {
    let http = address(&mut section, "http")?;
    let https = address(&mut section, "https")?;
    let admin = address(&mut section, "admin")?;
    let tls = section.section("tls")?.map(|section| tls(section, folder)).transpose()?;
    let https = match (https, tls) {
        (Some(address), Some(tls)) => Some((address, tls)),
        (Some(_), None) => return Err(section.error("tls", "is missing: `https` needs a certificate and a key")),
        (None, Some(_)) => return Err(section.error("https", "is missing: `tls` needs an address to listen on")),
        (None, None) => None,
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let listen = Listen {
        http,
        https,
        admin,
        bounds: Bounds {
            connections: count(&mut section, "max_connections", 1_000_000, 10_000)?,
            connections_per_client: count(&mut section, "max_connections_per_client", 1_000_000, 1_000)?,
            head: section.duration("header_timeout")?.unwrap_or(Duration::from_secs(10)),
            keepalive: section.duration("keepalive_timeout")?.unwrap_or(Duration::from_secs(60)),
        },
        threads: count(&mut section, "threads", 1_024, cores)?,
        drain: section.duration("drain_timeout")?.unwrap_or(Duration::from_secs(30)),
        realm: section.text("realm")?.unwrap_or_else(|| "api".to_owned()),
    };
    let nowhere = section.error("http", "is missing: there must be `http` or `https`");
    section.finish()?;
    if listen.http.is_none() && listen.https.is_none() {
        return Err(nowhere);
    }
    Ok(listen)
}

fn address(section: &mut Section, key: &'static str) -> Result<Option<SocketAddr>, SettingError> {
    let Some(text) = section.text(key)? else { return Ok(None) };
    let problem = || section.error(key, format!("\"{text}\" is no address such as \"127.0.0.1:8800\""));
    text.parse().map(Some).map_err(|_| problem())
}

fn tls(mut section: Section, folder: &Path) -> Result<Tls, SettingError> {
    let tls =
        Tls { cert: folder.join(section.required_text("cert")?), key: folder.join(section.required_text("key")?) };
    for (key, file) in [("cert", &tls.cert), ("key", &tls.key)] {
        if let Err(error) = std::fs::metadata(file) {
            return Err(section.error(key, format!("{}: {error}", file.display())));
        }
    }
    section.finish()?;
    Ok(tls)
}

fn count(section: &mut Section, key: &'static str, most: u64, default: usize) -> Result<usize, SettingError> {
    let number = section.integer(key, 1..=most)?;
    Ok(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(default))
}
