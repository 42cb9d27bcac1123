//! One JSON line a decision (SECURITY.md E22): reason, route, path, upstream, times, issuer, hashed subject. Never the token, a cookie, the
//! query or a header, and every text is escaped, so that no request writes its own lines.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use common::clock::UnixMillis;
use prometheus_client::metrics::counter::Counter;
use ring::digest;
use serde::Serialize;

use crate::observe::lines::{Lines, LogFile};
use crate::observe::sampler::Sampler;

/// Which decisions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Off,
    Refused,
    All,
}

/// What may be changed while the edge runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogRules {
    pub level: LogLevel,
    /// Share of the requests that went well, of which a line is written.
    pub sample: f64,
    /// JA3 and JA4 are written.
    pub fingerprints: bool,
}

/// What is written about one request.
#[derive(Debug, Serialize)]
pub struct Record<'r> {
    /// Milliseconds since the epoch.
    pub at: UnixMillis,
    pub request_id: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The reason of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'r str>,
    /// Which ambiguity made the request unreadable, which policies denied it, or that it is a preflight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'r str>,
    /// What the web ACL said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acl: Option<AclRecord>,
    /// The rate limit that refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<&'r str>,
    /// The first one that would have, if it were no dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_dry_run: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<&'r str>,
    pub method: &'r str,
    /// The canonical host, without the port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<&'r str>,
    /// The canonical path, without the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'r str>,
    pub status: u16,
    pub micros: u64,
    /// Until the head of the upstream's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_micros: Option<u64>,
    /// The server that was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<SocketAddr>,
    /// Servers that were tried.
    pub attempts: usize,
    /// Bytes of the bodies.
    pub received: u64,
    pub sent: u64,
    pub protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<&'r str>,
    /// What the client's hello looks like, where the settings ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ja3: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ja4: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<&'r str>,
    /// First 16 hex digits of SHA-256 over `iss`, a space and `sub`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<&'r str>,
}

/// What a web ACL said of a request. Names are out of the configuration; labels too, but for the codes of countries.
#[derive(Debug, Serialize)]
pub struct AclRecord {
    /// The rule that ended the evaluation: `acl/rule`, `acl/group/rule` or `acl/(default)`.
    pub rule: String,
    pub action: &'static str,
    /// The rules that matched and let it go on; behind a colon what they would have done if they did not only count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

impl<'r> Record<'r> {
    /// A record of a request of which nothing more is known.
    pub fn new(at: UnixMillis, request_id: &'r str, method: &'r str) -> Self {
        Self {
            at,
            request_id,
            trace_id: None,
            reason: None,
            detail: None,
            acl: None,
            limit: None,
            limit_dry_run: None,
            route: None,
            method,
            host: None,
            path: None,
            status: 0,
            micros: 0,
            first_byte_micros: None,
            upstream: None,
            attempts: 0,
            received: 0,
            sent: 0,
            protocol: "HTTP/1.1",
            tls: None,
            ja3: None,
            ja4: None,
            client: None,
            iss: None,
            sub_hash: None,
            client_id: None,
            kid: None,
        }
    }
}

/// The queue to the writer. Clones share it; the writer ends with the last one.
#[derive(Clone, Debug)]
pub struct AccessLog {
    shared: Arc<Shared>,
    lines: Lines,
}

#[derive(Debug)]
struct Shared {
    level: AtomicU8,
    fingerprints: AtomicBool,
    sampler: Sampler,
}

impl AccessLog {
    /// Starts the writer thread. Lines go to `file`, or to `sink` while there is none.
    pub fn start(
        rules: LogRules,
        file: Option<LogFile>,
        dropped: Counter,
        sink: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Shared {
            level: AtomicU8::new(rules.level as u8),
            fingerprints: AtomicBool::new(rules.fingerprints),
            sampler: Sampler::new(rules.sample),
        };
        Ok(Self { shared: Arc::new(shared), lines: Lines::start("access-log", file, dropped, sink)? })
    }

    /// Other rules, and another file or the old one opened anew: whoever rotates logs has renamed it. What waits goes into the new one.
    pub fn change(&self, rules: LogRules, file: Option<LogFile>) {
        self.shared.level.store(rules.level as u8, Ordering::Relaxed);
        self.shared.fingerprints.store(rules.fingerprints, Ordering::Relaxed);
        self.shared.sampler.set(rules.sample);
        self.lines.change(file);
    }

    /// Whether a decision of this kind is written. `well`: the request was neither refused nor answered by 5xx.
    pub fn wants(&self, well: bool) -> bool {
        let level = self.shared.level.load(Ordering::Relaxed);
        if well { level == LogLevel::All as u8 && self.shared.sampler.takes() } else { level != LogLevel::Off as u8 }
    }

    /// Whether a request that is traced gets its line, so that the two can be joined.
    pub fn wants_traced(&self) -> bool {
        self.shared.level.load(Ordering::Relaxed) == LogLevel::All as u8
    }

    pub fn wants_fingerprints(&self) -> bool {
        self.shared.fingerprints.load(Ordering::Relaxed)
    }

    /// Queues a line; never waits.
    pub fn write(&self, record: &Record<'_>) {
        let Ok(mut line) = serde_json::to_vec(record) else { return };
        line.push(b'\n');
        self.lines.write(line);
    }
}

/// Opens a log to append to it. Others rotate it.
pub fn open_log(path: &Path) -> io::Result<LogFile> {
    LogFile::open(path, None)
}

/// Names a subject in logs without saying who it is.
pub fn hash_subject(iss: &str, sub: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [iss, " ", sub] {
        context.update(part.as_bytes());
    }
    context.finish().as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
