//! How an upstream is asked, as data. A value of these types is one that can be carried out.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::HeaderName;

use crate::snapshot::upstream::tls::Tls;

/// All that an `[[upstream]]` says besides its name and its servers.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub protocol: Protocol,
    /// None: plain TCP.
    pub tls: Option<Tls>,
    pub host: HostHeader,
    pub timeouts: Timeouts,
    pub h2: Http2,
    pub balance: Balance,
    /// How often names are resolved again; `None`: only when the file is read.
    pub resolve: Option<Duration>,
    pub health: Option<HealthCheck>,
    pub outlier: Option<Outlier>,
    pub limits: Limits,
    pub retries: Retries,
    /// What happens when active checks have found every server down.
    pub when_none_healthy: WhenNoneHealthy,
}

/// What is spoken to the servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    #[default]
    Http1,
    /// By ALPN over TLS, with prior knowledge without (RFC 9113 §3.3).
    Http2,
    /// HTTP/2 where ALPN offers it, else HTTP/1.1. Needs TLS.
    Auto,
}

/// Which `Host` (`:authority`) the servers see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HostHeader {
    /// The canonical one of the request.
    #[default]
    Pass,
    /// The server's, as it stands in the list of servers.
    Server,
    Fixed(http::HeaderValue),
}

/// How long each step may take; `None`: as long as it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection, with its TLS handshake.
    pub connect: Duration,
    /// Between two pieces of an answer, and before the first.
    pub read: Option<Duration>,
    /// For each write.
    pub write: Option<Duration>,
    /// How long an unused connection is kept.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self { connect: Duration::from_secs(3), read: Some(minute), write: Some(minute), idle: minute }
    }
}

/// HTTP/2 towards servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Http2 {
    /// Requests at a time on one connection; a server may allow fewer.
    pub max_streams: usize,
    /// Bytes that a server may send ahead on one stream: what a client that reads slowly makes the edge hold. The window of the
    /// connection is this times `max_streams`, so that no slow reader holds up another's answer.
    pub stream_window: u32,
    /// How often an idle connection is probed.
    pub ping: Option<Duration>,
}

impl Http2 {
    pub const MOST_STREAMS: u64 = 1_000;
    /// RFC 9113 §6.9.1.
    const MOST_WINDOW: u32 = (1 << 31) - 1;

    pub fn connection_window(&self) -> u32 {
        let streams = u32::try_from(self.max_streams).unwrap_or(u32::MAX);
        self.stream_window.saturating_mul(streams).min(Self::MOST_WINDOW)
    }
}

impl Default for Http2 {
    fn default() -> Self {
        Self { max_streams: 64, stream_window: 256 << 10, ping: None }
    }
}

/// Which server is asked next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    #[default]
    RoundRobin,
    /// The one of two random servers that has fewer requests in flight (power of two choices).
    LeastRequests,
    /// Always the same one for the same key, as long as it is there (rendezvous hashing).
    Hash(HashKey),
}

/// What requests have in common that should go to one server. A request without it goes by turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashKey {
    Header(HeaderName),
    /// A claim of the verified token.
    Claim(String),
    /// The client's address.
    Client,
}

/// Active checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// None: that a connection can be made is enough.
    pub path: Option<String>,
    pub interval: Duration,
    pub timeout: Duration,
    /// Good checks in a row that bring a server back.
    pub healthy_after: u32,
    /// Bad checks in a row that take it out.
    pub unhealthy_after: u32,
    pub expect_status: Vec<RangeInclusive<u16>>,
    /// An upstream without a healthy server makes this edge unready.
    pub required: bool,
}

/// Passive checks: what requests meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlier {
    /// Failures in a row that eject a server.
    pub consecutive: u32,
    /// How long the first ejection lasts; each one after it takes twice as long.
    pub base: Duration,
    /// The longest one.
    pub most: Duration,
    /// Of all servers, percent: more are never ejected at once.
    pub max_ejected: u8,
}

/// Requests in flight; over it they are refused at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub requests: Option<usize>,
    pub requests_per_server: Option<usize>,
}

impl Limits {
    pub fn any(&self) -> bool {
        self.requests.is_some() || self.requests_per_server.is_some()
    }
}

/// When another server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Tries after the first.
    pub attempts: usize,
    /// The connection could not be made, or the server says that it has not begun: safe for every method.
    pub on_connect: bool,
    /// The connection broke, or the server was silent for too long; idempotent methods only.
    pub on_reset: bool,
    /// The server answered 502, 503 or 504; idempotent methods only.
    pub on_status: bool,
    /// Of the requests in flight, percent that may be further tries; `None`: as many as there are.
    pub budget: Option<u8>,
    /// The longest silence of a server while another try is left.
    pub per_try_timeout: Option<Duration>,
}

impl Retries {
    /// Further tries that a budget always leaves: a percentage of nearly nothing would be none.
    pub const FREE: usize = 3;
    /// As many as the server's loop makes.
    pub const MOST: usize = 7;

    /// Where nothing is said: each of `servers` is connected to once, four at most.
    pub fn usual(servers: usize) -> Self {
        Self {
            attempts: servers.saturating_sub(1).min(3),
            on_connect: true,
            on_reset: false,
            on_status: false,
            budget: None,
            per_try_timeout: None,
        }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self::usual(1)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenNoneHealthy {
    /// 503 at once.
    #[default]
    Refuse,
    /// As if all were healthy: checks may be wrong.
    TryAll,
}
