//! How often a route may be used, and by what its requests are told apart.

use std::fmt;
use std::sync::Arc;

use common::verify::ClaimPath;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use prometheus_client::metrics::counter::Counter;

use crate::rates::Quota;

/// So many limits a route has at most: there is a bit for each.
pub const MOST: usize = 32;

/// All limits of a route.
#[derive(Debug)]
pub struct RouteLimits {
    /// At least one, in the order of the file.
    pub limits: Box<[Limit]>,
    /// The `RateLimit-Policy` of its answers. None where all limits are dry runs.
    pub policy: Option<HeaderValue>,
}

/// At most so many requests with one key.
#[derive(Debug)]
pub struct Limit {
    pub name: Arc<str>,
    pub quota: Quota,
    pub key: Box<[Part]>,
    /// What tells this limit from all others: route, name, key and rate. It is part of every key.
    pub identity: Box<str>,
    pub stage: Stage,
    /// Empty: all.
    pub methods: Vec<Method>,
    /// Of refusals.
    pub status: StatusCode,
    /// It counts, and says what it would do, and refuses nobody.
    pub dry_run: bool,
    pub missing: Missing,
    /// Other edges that have the same limit count together with this one.
    pub shared: bool,
    pub meter: LimitMeter,
}

/// When a limit is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before the token is looked at.
    Request,
    /// When it has been found good and alive: the key has something of it.
    Identity,
}

/// What becomes of a request that lacks a part of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is not counted by this limit, as with AWS WAF.
    Skip,
    Refuse,
}

/// Something that requests with one key have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The client's network, by the bits of its address.
    Address {
        v4: u8,
        v6: u8,
    },
    /// A claim of the verified token, and the issuer that says so.
    Claim(ClaimPath),
    /// The app client of the verified token, and the issuer that says so.
    ClientId,
    Header(HeaderName),
    /// The canonical path.
    Path,
    Host,
    Method,
    /// The same for all requests of the route.
    Route,
}

impl Part {
    pub const fn stage(&self) -> Stage {
        match self {
            Self::Claim(_) | Self::ClientId => Stage::Identity,
            Self::Address { .. } | Self::Header(_) | Self::Path | Self::Host | Self::Method | Self::Route => {
                Stage::Request
            }
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { v4, v6 } => write!(f, "address/{v4}/{v6}"),
            Self::Claim(path) => write!(f, "claim:{path}"),
            Self::ClientId => f.write_str("client_id"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Path => f.write_str("path"),
            Self::Host => f.write_str("host"),
            Self::Method => f.write_str("method"),
            Self::Route => f.write_str("route"),
        }
    }
}

impl Limit {
    pub fn is_for(&self, method: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|named| named.as_str() == method)
    }
}

/// What became of requests at a limit.
#[derive(Clone, Debug, Default)]
pub struct LimitMeter {
    pub admitted: Counter,
    pub refused: Counter,
    /// By a dry run.
    pub would_refuse: Counter,
    /// They lacked a part of the key.
    pub skipped: Counter,
}
