//! Counts that operators watch, in Prometheus' text form. Labels are closed sets: operation and exception names.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// One answered operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Answered {
    pub operation: &'static str,
    /// `ok`, or the exception.
    pub result: &'static str,
}

/// The issuer's counters.
pub struct Metrics {
    registry: Registry,
    pub operations: Family<Answered, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let operations = Family::default();
        registry.register("tollgate_issuer_operations", "Operations answered", operations.clone());
        Self { registry, operations }
    }
}

impl Metrics {
    /// The exposition text (OpenMetrics 1.0).
    pub fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}
