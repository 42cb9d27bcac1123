//! What edges report of the requests that a pool's web ACL judged. Nothing of it is secret: edges have left that out.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::clock::UnixMillis;
use crate::ids::PoolId;

/// Requests of one web ACL since the edge last reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    /// One that the web ACL stands before at this edge.
    pub pool: PoolId,
    /// Its ARN.
    pub web_acl: String,
    /// Those of which there are samples, each once.
    pub requests: Vec<SampledRequest>,
    pub metrics: Vec<SampledMetric>,
}

/// What is told of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledRequest {
    pub at: UnixMillis,
    pub client: Option<IpAddr>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<[u8; 2]>,
    pub method: String,
    /// Path and query.
    pub uri: String,
    /// `HTTP/1.1`
    pub version: String,
    pub headers: Vec<(String, String)>,
    pub labels: Vec<String>,
    /// Headers that went upstream by the rules' word.
    pub inserted: Vec<(String, String)>,
    /// The status of what the web ACL itself answered.
    pub status: Option<u16>,
    pub captcha: Option<Solving>,
    pub challenge: Option<Solving>,
}

/// What came of a captcha or a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Solving {
    /// 0: it was solved.
    pub status: u16,
    /// Seconds since the epoch; 0: never.
    pub solved_at: u64,
    /// AWS's `FailureReason`.
    pub failure: Option<String>,
}

/// The requests that count under one metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledMetric {
    pub metric: String,
    /// How many there were.
    pub requests: u64,
    pub samples: Vec<MetricSample>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricSample {
    /// Which of the list's requests.
    pub request: u16,
    /// How many it stands for.
    pub weight: u64,
    /// What the rule did: `BLOCK`.
    pub action: String,
    /// What it would have done, had it not been overridden.
    pub overridden: Option<String>,
    /// The rule of the group, where that of the web ACL refers to one.
    pub within: Option<String>,
}

/// All addresses that one rate-based rule holds back at this edge now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// As in [`Samples`].
    pub pool: PoolId,
    pub web_acl: String,
    /// The rule of the web ACL.
    pub rule: String,
    /// The rule of the group, where that one refers to one.
    pub within: Option<String>,
    /// Of an IPv6 client the first of its /64.
    pub addresses: Vec<IpAddr>,
}
