//! What one scenario has found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Figure, Unit};

/// Rows, curves and courses of one scenario; each may be empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScenarioFinding {
    /// `known_tokens`, `overload`, …
    pub name: String,
    pub title: String,
    /// What is done and what the figures mean, in a sentence or two.
    pub about: String,
    /// Measure of the rows that a report draws; empty stands for `cpu_us`. A latency is drawn with its other quantiles.
    #[serde(default)]
    pub headline: String,
    /// Names of the limits that belong beside its rows; empty stands for ring's verification beside processor time. Rows with
    /// limits of their own are no requests that a proxy passes on: they are not put in relation to nginx.
    #[serde(default)]
    pub limits: Vec<String>,
    pub rows: Vec<Row>,
    pub curves: Vec<Curve>,
    pub series: Vec<Series>,
}

impl ScenarioFinding {
    /// The row of a system; of several variants the first.
    pub fn row(&self, system: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.system == system)
    }

    /// Whether its processor times are those of requests that a proxy passes on.
    pub fn is_like_a_pass(&self) -> bool {
        self.limits.is_empty()
    }

    /// The row of a system under one variant.
    pub fn variant(&self, system: &str, variant: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.system == system && row.variant == variant)
    }
}

/// One system under one variant of the scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub system: String,
    /// What distinguishes rows of one system ("idle", "10 x its capacity"); empty when there is one only.
    pub variant: String,
    /// By measure: `cpu_us`, `user_us`, `kernel_us`, `per_second`, `p50_us`, `p90_us`, `p99_us`, `p999_us`, `generator_share`,
    /// `pss_bytes`, `sent_bytes`, `received_bytes`, and what a scenario adds. A row in which too much failed has none.
    pub figures: BTreeMap<String, Figure>,
    /// Requests sent in all rounds.
    pub requests: u64,
    /// Answers by status, in all rounds.
    pub statuses: BTreeMap<u16, u64>,
    /// Failed requests by reason, in all rounds.
    pub failures: BTreeMap<String, u64>,
}

impl Row {
    pub fn figure(&self, measure: &str) -> Option<&Figure> {
        self.figures.get(measure)
    }

    /// Failed requests for all reasons.
    pub fn failed(&self) -> u64 {
        self.failures.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// How measures of one system change as something is turned up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    pub system: String,
    /// What is turned up ("offered load").
    pub x_title: String,
    pub x_unit: Unit,
    pub points: Vec<Point>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub x: f64,
    /// By measure, as in [`Row::figures`].
    pub figures: BTreeMap<String, Figure>,
}

/// A measure of one system over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub system: String,
    /// `pss_bytes`, `per_second`, …
    pub measure: String,
    pub unit: Unit,
    /// Seconds since the scenario began, and the value.
    pub points: Vec<(f64, f64)>,
}
