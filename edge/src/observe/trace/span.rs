//! What a sampled request leaves: one span, with OpenTelemetry's names for what they name.

use std::time::Duration;

use common::clock::UnixMillis;

use super::Trace;

#[derive(Clone, Debug)]
pub struct Span {
    pub trace: Trace,
    /// `tracestate` of a caller that was believed.
    pub state: Option<String>,
    pub name: String,
    pub start: UnixMillis,
    pub spent: Duration,
    /// The edge or the upstream failed; a refusal is no failure (semantic conventions for HTTP spans of servers).
    pub failed: bool,
    pub attributes: Vec<(&'static str, Value)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Number(i64),
}

impl Span {
    pub fn new(trace: Trace, name: String, start: UnixMillis, spent: Duration) -> Self {
        Self { trace, state: None, name, start, spent, failed: false, attributes: Vec::new() }
    }

    pub fn text(&mut self, key: &'static str, value: impl Into<String>) {
        self.attributes.push((key, Value::Text(value.into())));
    }

    pub fn number(&mut self, key: &'static str, value: u64) {
        self.attributes.push((key, Value::Number(i64::try_from(value).unwrap_or(i64::MAX))));
    }
}
