//! `[listen]`: addresses, certificates, bounds on connections, and whose word on clients counts.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use common::secret::SecretString;
use common::settings::{Section, SettingError};

use crate::front::Bounds;
use crate::tls::{self, Loaded, TlsFiles};
use common::networks::Networks;

/// Bytes of an admin token, so that none can be guessed.
const SHORTEST_TOKEN: usize = 16;

/// Where and how the edge listens.
#[derive(Clone, Debug)]
pub struct Listen {
    pub places: Places,
    /// What was read of the certificate files, for the TLS listener.
    pub tls: Option<Loaded>,
    pub bounds: Bounds,
    /// HTTP/2 with prior knowledge on the plain listener.
    pub h2c: bool,
    /// Who begins connections with a PROXY header.
    pub balancers: Networks,
    /// Whose `X-Forwarded-For` counts.
    pub proxies: Arc<Networks>,
}

/// What a running edge can't change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    pub http: Option<SocketAddr>,
    pub https: Option<SocketAddr>,
    pub admin: Option<SocketAddr>,
    /// Demanded on the admin listener.
    pub admin_token: Option<SecretString>,
    /// Threads that serve requests.
    pub threads: usize,
    /// How long requests in flight may go on after a stop was asked for.
    pub drain: Duration,
    /// The operator's name for what is protected, in challenges.
    pub realm: String,
    /// Where a successor asks for the listeners; without it there is none.
    pub upgrade: Option<PathBuf>,
}

pub fn read(mut section: Section, folder: &Path) -> Result<Listen, SettingError> {
    let http = address(&mut section, "http")?;
    let https = address(&mut section, "https")?;
    let admin = address(&mut section, "admin")?;
    let admin_token = admin_token(&mut section, folder, admin.is_some())?;
    let files = section.section("tls")?.map(|section| tls::config::files(section, folder)).transpose()?;
    let tls = match (https, files) {
        (Some(_), Some(files)) => Some(load(&files, &section)?),
        (Some(_), None) => return Err(section.error("tls", "is missing: `https` needs a certificate and a key")),
        (None, Some(_)) => return Err(section.error("https", "is missing: `tls` needs an address to listen on")),
        (None, None) => None,
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let listen = Listen {
        places: Places {
            http,
            https,
            admin,
            admin_token,
            threads: count(&mut section, "threads", 1_024, cores)?,
            drain: section.duration("drain_timeout")?.unwrap_or(Duration::from_secs(30)),
            realm: section.text("realm")?.unwrap_or_else(|| "api".to_owned()),
            upgrade: section.file("upgrade_sock")?.map(|file| folder.join(file)),
        },
        tls,
        bounds: Bounds {
            connections: count(&mut section, "max_connections", 1_000_000, 10_000)?,
            connections_per_client: count(&mut section, "max_connections_per_client", 1_000_000, 1_000)?,
            head: header_timeout(&mut section)?,
            keepalive: keepalive_timeout(&mut section)?,
        },
        h2c: section.flag("h2c")?.unwrap_or(false),
        balancers: balancers(&mut section)?,
        proxies: Arc::new(Networks::read(&mut section, "trusted_proxies")?),
    };
    let nowhere = section.error("http", "is missing: there must be `http` or `https`");
    let no_cleartext = section.error("h2c", "needs `http`: with TLS, HTTP/2 is there without it");
    section.finish()?;
    match (http, https) {
        (None, None) => Err(nowhere),
        (None, Some(_)) if listen.h2c => Err(no_cleartext),
        _ => Ok(listen),
    }
}

fn header_timeout(section: &mut Section) -> Result<Duration, SettingError> {
    let span = section.duration("header_timeout")?.unwrap_or(Duration::from_secs(10));
    if span.is_zero() { Err(section.error("header_timeout", "must be more than nothing")) } else { Ok(span) }
}

/// pingora takes whole seconds.
fn keepalive_timeout(section: &mut Section) -> Result<Duration, SettingError> {
    let span = section.duration("keepalive_timeout")?.unwrap_or(Duration::from_secs(60));
    if span.is_zero() || span.subsec_nanos() != 0 {
        return Err(section.error("keepalive_timeout", "must be whole seconds, at least one"));
    }
    Ok(span)
}

/// The first line of a file that others can't read.
fn admin_token(section: &mut Section, folder: &Path, has_admin: bool) -> Result<Option<SecretString>, SettingError> {
    let Some(file) = section.file("admin_token_file")?.map(|file| folder.join(file)) else { return Ok(None) };
    let wrong = |problem: String| section.error("admin_token_file", format!("{}: {problem}", file.display()));
    if !has_admin {
        return Err(section.error("admin_token_file", "needs `admin`"));
    }
    let mode = std::fs::metadata(&file).map_err(|error| wrong(error.to_string()))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(wrong(format!("has mode {:03o}: others could read it", mode & 0o777)));
    }
    let text = std::fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
    let token = text.lines().next().unwrap_or_default().trim();
    if token.len() < SHORTEST_TOKEN {
        return Err(wrong(format!("its first line is shorter than {SHORTEST_TOKEN} bytes")));
    }
    Ok(Some(SecretString::new(token)))
}

fn load(files: &TlsFiles, section: &Section) -> Result<Loaded, SettingError> {
    files.load().map_err(|error| section.error("tls", error.to_string()))
}

/// `proxy_protocol = { from = ["10.0.0.0/8"] }`.
fn balancers(section: &mut Section) -> Result<Networks, SettingError> {
    let Some(mut settings) = section.section("proxy_protocol")? else { return Ok(Networks::default()) };
    let from = Networks::read(&mut settings, "from")?;
    if from.is_empty() {
        return Err(settings.error("from", "needs the networks of the load balancers"));
    }
    settings.finish()?;
    Ok(from)
}

fn address(section: &mut Section, key: &'static str) -> Result<Option<SocketAddr>, SettingError> {
    let Some(text) = section.text(key)? else { return Ok(None) };
    let problem = || section.error(key, format!("\"{text}\" is no address such as \"127.0.0.1:8800\""));
    text.parse().map(Some).map_err(|_| problem())
}

fn count(section: &mut Section, key: &'static str, most: u64, default: usize) -> Result<usize, SettingError> {
    let number = section.integer(key, 1..=most)?;
    Ok(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(default))
}
