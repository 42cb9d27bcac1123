//! Metrics, all registered here. Labels are route names, reasons and status classes: none comes from a request.

use common::reject::Reject;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::snapshot::route::Meter;

/// The edge's metrics. Cloning the handles inside is cheap; the registry is read by the admin listener only.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabel, Counter<f64, std::sync::atomic::AtomicU64>>,
    refusals: Family<RefusalLabel, Counter>,
    pub unrouted: Counter,
    pub in_flight: Gauge,
    pub connections: Gauge,
    pub connections_refused: Counter,
    pub heads_overdue: Counter,
    pub log_lines_dropped: Counter,
    pub generation: Gauge,
    pub reloads_failed: Counter,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabel {
    route: String,
}

/// Why requests were refused.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RefusalLabel {
    reason: &'static str,
}

const CLASSES: [&str; 6] = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"];

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("tollgate_edge"),
            requests: Family::default(),
            seconds: Family::default(),
            refusals: Family::default(),
            unrouted: Counter::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            heads_overdue: Counter::default(),
            log_lines_dropped: Counter::default(),
            generation: Gauge::default(),
            reloads_failed: Counter::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    /// The counters of one route, looked up once, when the route is made.
    pub fn meter(&self, route: &str) -> Meter {
        let class = |status| self.requests.get_or_create_owned(&RequestLabels { route: route.to_owned(), status });
        Meter {
            by_class: CLASSES.map(class),
            seconds: self.seconds.get_or_create_owned(&RouteLabel { route: route.to_owned() }),
        }
    }

    pub fn refused(&self, reject: Reject) {
        self.refusals.get_or_create(&RefusalLabel { reason: reject.metric() }).inc();
    }

    /// The OpenMetrics text.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Requests by route and status class", self.requests.clone());
        let seconds = self.seconds.clone();
        registry.register_with_unit("request_time", "Time spent on requests, by route", Unit::Seconds, seconds);
        registry.register("refusals", "Requests refused, by reason", self.refusals.clone());
        registry.register("unrouted_requests", "Requests that no route took", self.unrouted.clone());
        registry.register("in_flight", "Requests being served", self.in_flight.clone());
        registry.register("connections", "Open client connections", self.connections.clone());
        registry.register("connections_refused", "Connections over a limit", self.connections_refused.clone());
        registry.register("heads_overdue", "Connections closed before a whole head came", self.heads_overdue.clone());
        registry.register("log_lines_dropped", "Log lines that found the queue full", self.log_lines_dropped.clone());
        registry.register("generation", "The configuration that serves", self.generation.clone());
        registry.register("reloads_failed", "Configurations that were not taken", self.reloads_failed.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_route_counts_by_class() {
        let metrics = Metrics::default();
        let meter = metrics.meter("orders /orders/*");
        meter.count(200, Duration::from_millis(1));
        meter.count(404, Duration::from_millis(1));
        meter.count(999, Duration::from_millis(1));
        metrics.refused(Reject::Expired);
        let text = metrics.text().unwrap();
        assert!(text.contains("tollgate_edge_requests_total{route=\"orders /orders/*\",status=\"2xx\"} 1"), "{text}");
        assert!(text.contains("tollgate_edge_requests_total{route=\"orders /orders/*\",status=\"other\"} 1"));
        assert!(text.contains("tollgate_edge_refusals_total{reason=\"expired\"} 1"));
    }
}
