//! What a run has found, before it is printed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::measure::{Machine, Spread};

/// A workload on a system: one row of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    EdgePlain,
    /// Token gate only, known tokens.
    EdgeToken,
    /// Whole pipeline, known tokens.
    EdgeKnown,
    /// Token gate only, tokens never seen before.
    EdgeNew,
    NginxPlain,
    HaproxyJwt,
    EnvoyJwtCached,
}

impl Case {
    pub const ALL: [Self; 7] = [
        Self::EdgePlain,
        Self::EdgeToken,
        Self::EdgeKnown,
        Self::EdgeNew,
        Self::NginxPlain,
        Self::HaproxyJwt,
        Self::EnvoyJwtCached,
    ];

    /// Name in the JSON report.
    pub fn name(self) -> &'static str {
        match self {
            Self::EdgePlain => "edge_plain",
            Self::EdgeToken => "edge_token",
            Self::EdgeKnown => "edge_known",
            Self::EdgeNew => "edge_new",
            Self::NginxPlain => "nginx_plain",
            Self::HaproxyJwt => "haproxy_jwt",
            Self::EnvoyJwtCached => "envoy_jwt_cached",
        }
    }

    /// Name in the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::EdgePlain => "tollgate, plain pass",
            Self::EdgeToken => "tollgate, token gate, known tokens",
            Self::EdgeKnown => "tollgate, whole pipeline, known tokens",
            Self::EdgeNew => "tollgate, token gate, never-seen tokens",
            Self::NginxPlain => "nginx, plain pass",
            Self::HaproxyJwt => "HAProxy, jwt_verify",
            Self::EnvoyJwtCached => "Envoy, jwt_authn with its cache",
        }
    }
}

/// A case over all its rounds. Times are microseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CaseFinding {
    /// Processor time of the measured process a request; `None` when too many requests failed to say.
    pub us: Option<Spread>,
    /// Its user and kernel parts, split by the process's ticks.
    pub user_us: Option<f64>,
    pub kernel_us: Option<f64>,
    pub requests_per_second: Option<f64>,
    pub p50_us: Option<f64>,
    pub p99_us: Option<f64>,
    /// Generator and upstream's share of all processor time used, 0 to 1.
    pub generator_share: Option<f64>,
    /// Requests sent in all rounds.
    pub requests: u64,
    /// Failed requests by reason.
    pub failures: BTreeMap<String, u64>,
}

/// Which processors were whose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pinned {
    pub measured: String,
    pub generator_and_upstream: String,
}

/// Everything that a run has found.
#[derive(Debug)]
pub struct Findings {
    pub machine: Machine,
    /// Rounds that were completed.
    pub rounds: u32,
    pub connections: usize,
    pub known_tokens: usize,
    /// Bytes of one token.
    pub token_bytes: usize,
    pub pinned: Option<Pinned>,
    pub cases: BTreeMap<Case, CaseFinding>,
    /// Peers without figures, and why.
    pub without: BTreeMap<String, String>,
    /// First line that each measured program says of its version.
    pub versions: BTreeMap<String, String>,
    /// Bare RS256 verification by ring, in microseconds.
    pub ring_verify_us: Option<Spread>,
    pub elapsed: Duration,
}
