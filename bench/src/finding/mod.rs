//! What a run has found: the data that scenarios fill, reports print and `compare` reads back.
//!
//! Everything here is a serde type, and its JSON is the file format of `tollgate bench`, version [`SCHEMA`]. A figure carries its unit
//! and says which way is better, so that a reader needs no table of names.

mod figure;
#[cfg(test)]
pub mod sample;
mod scenario;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use figure::{Better, Figure, Unit};
pub use scenario::{Curve, Point, Row, ScenarioFinding, Series};

pub use crate::measure::Build;
use crate::measure::Machine;

/// Version of the file format. A reader refuses another one.
pub const SCHEMA: u32 = 2;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    pub schema: u32,
    /// Subcommand that made it: `edge` or `issuer`.
    pub command: String,
    pub tollgate: Build,
    pub machine: Machine,
    pub run: Run,
    /// Everything that was started and measured, in the order of the report.
    pub systems: Vec<System>,
    /// What the arithmetic or the disk alone costs on this machine, in the same run.
    pub limits: Vec<Limit>,
    pub scenarios: Vec<ScenarioFinding>,
    pub budgets: Vec<Budget>,
    /// Systems and scenarios without figures, and why.
    pub missing: BTreeMap<String, String>,
}

impl Findings {
    pub fn scenario(&self, name: &str) -> Option<&ScenarioFinding> {
        self.scenarios.iter().find(|scenario| scenario.name == name)
    }

    pub fn limit(&self, name: &str) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.name == name)
    }

    /// The system's name for readers; its own name where it is not listed.
    pub fn title<'a>(&'a self, system: &'a str) -> &'a str {
        self.systems.iter().find(|known| known.name == system).map_or(system, |known| &known.title)
    }
}

/// How it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// RFC 3339, UTC.
    pub started_at: String,
    pub seconds: f64,
    /// Rounds over all systems that were completed.
    pub rounds: u32,
    /// Connections of the load generator in the closed loop.
    pub connections: usize,
    pub known_tokens: usize,
    /// Bytes of one token.
    pub token_bytes: usize,
    /// What every request is, in words.
    pub workload: String,
    /// Processors of the measured systems and of the generator with its upstream, as lists of Linux; `None` when not pinned.
    pub pinned: Option<Pinned>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    pub measured: String,
    pub generator_and_upstream: String,
}

/// A product in one configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// Name in rows: `tollgate`, `haproxy_jwt`, …
    pub name: String,
    /// Name for readers: "HAProxy, jwt_verify".
    pub title: String,
    /// First line that the program says about its version.
    pub version: String,
    /// What a reader must know to judge it fairly (a debug build, a cache, what it does not check); may be empty.
    pub note: String,
    /// Whether it is a build of Tollgate.
    pub ours: bool,
}

/// A floor under the figures: bare work without a server around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// `ring_rs256_verify`, `sqlite_commit`, …
    pub name: String,
    pub title: String,
    pub figure: Figure,
}

/// A promise beside its figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// The promise in words.
    pub promise: String,
    pub unit: Unit,
    pub figure: Option<f64>,
    /// The most that it may be.
    pub limit: Option<f64>,
    pub verdict: Verdict,
}

/// Whether a budget holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Met,
    Missed,
    /// One of the two was not measured.
    Unknown,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Unknown => "unknown: not measured",
        }
    }
}
