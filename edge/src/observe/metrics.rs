//! Metrics, all registered here. Labels are route names, reasons and status classes: none comes from a request.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use common::reject::Reject;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::observe::issuers::IssuerMetrics;
use crate::snapshot::authorization::PolicyMeter;
use crate::snapshot::route::Meter;
use crate::snapshot::upstream::condition::Health;
use crate::snapshot::upstream::{Outcome, UpstreamMeter, View};

/// The edge's metrics. Cloning the handles inside is cheap; the registry is read by the admin listener only.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabel, Counter<f64, AtomicU64>>,
    refusals: Family<RefusalLabel, Counter>,
    policies: Family<PolicyLabels, Counter>,
    upstream_tries: Family<UpstreamOutcome, Counter>,
    upstream_retries: Family<UpstreamLabel, Counter>,
    upstream_ejections: Family<UpstreamLabel, Counter>,
    upstream_connections: Family<UpstreamLabel, Counter>,
    upstream_servers: Family<UpstreamHealth, Gauge>,
    /// Requests that were ended from outside: their deadline had passed.
    pub cut: Counter,
    pub unrouted: Counter,
    pub in_flight: Gauge,
    pub connections: Gauge,
    pub connections_refused: Counter,
    pub heads_overdue: Counter,
    pub proxy_headers_refused: Counter,
    pub handshakes_failed: Counter,
    pub log_lines_dropped: Counter,
    pub generation: Gauge,
    pub reloads_failed: Counter,
    pub feed_alarms: Counter,
    pub feed_connected: Gauge,
    feed_lag: Family<PoolLabel, Gauge>,
    feed_age: Family<PoolLabel, Gauge<f64, AtomicU64>>,
    /// Of issuers of others.
    pub issuers: IssuerMetrics,
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

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PoolLabel {
    pool: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct UpstreamLabel {
    upstream: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct UpstreamOutcome {
    upstream: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct UpstreamHealth {
    upstream: String,
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PolicyLabels {
    route: String,
    verdict: &'static str,
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
            policies: Family::default(),
            upstream_tries: Family::default(),
            upstream_retries: Family::default(),
            upstream_ejections: Family::default(),
            upstream_connections: Family::default(),
            upstream_servers: Family::default(),
            cut: Counter::default(),
            unrouted: Counter::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            heads_overdue: Counter::default(),
            proxy_headers_refused: Counter::default(),
            handshakes_failed: Counter::default(),
            log_lines_dropped: Counter::default(),
            generation: Gauge::default(),
            reloads_failed: Counter::default(),
            feed_alarms: Counter::default(),
            feed_connected: Gauge::default(),
            feed_lag: Family::default(),
            feed_age: Family::default(),
            issuers: IssuerMetrics::default(),
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

    /// The counters of one upstream, looked up once, when it is made.
    pub fn upstream(&self, name: &str) -> UpstreamMeter {
        let label = UpstreamLabel { upstream: name.to_owned() };
        let outcome = |outcome: Outcome| {
            let label = UpstreamOutcome { upstream: name.to_owned(), outcome: outcome.as_str() };
            self.upstream_tries.get_or_create_owned(&label)
        };
        UpstreamMeter {
            outcomes: Outcome::ALL.map(outcome),
            repeated: self.upstream_retries.get_or_create_owned(&label),
            ejected: self.upstream_ejections.get_or_create_owned(&label),
            connected: self.upstream_connections.get_or_create_owned(&label),
        }
    }

    /// How the servers of the upstreams are, as of now.
    pub fn servers(&self, upstreams: &[View]) {
        self.upstream_servers.clear(); // what a reload has taken away
        for upstream in upstreams {
            for health in Health::ALL {
                let label = UpstreamHealth { upstream: upstream.name.to_string(), state: health.as_str() };
                let count = upstream.servers.iter().filter(|server| server.health == health).count();
                self.upstream_servers.get_or_create(&label).set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
    }

    /// The counters of one route's policies.
    pub fn policy_meter(&self, route: &str) -> PolicyMeter {
        let counter = |verdict| self.policies.get_or_create_owned(&PolicyLabels { route: route.to_owned(), verdict });
        PolicyMeter { permitted: counter("permit"), denied: counter("deny"), failed: counter("error") }
    }

    pub fn refused(&self, reject: Reject) {
        self.refusals.get_or_create(&RefusalLabel { reason: reject.metric() }).inc();
    }

    /// How far behind the issuer a feed is.
    pub fn feed(&self, pool: &str, lag: u64, age: Duration) {
        let label = PoolLabel { pool: pool.to_owned() };
        self.feed_lag.get_or_create(&label).set(i64::try_from(lag).unwrap_or(i64::MAX));
        self.feed_age.get_or_create(&label).set(age.as_secs_f64());
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
        let policies = self.policies.clone();
        registry.register("policy_evaluations", "Evaluations of Cedar policies, by route and verdict", policies);
        let tries = self.upstream_tries.clone();
        registry.register("upstream_requests", "Requests to servers, by upstream and how they ended", tries);
        let retries = self.upstream_retries.clone();
        registry.register("upstream_retries", "Requests to servers that repeat one that failed", retries);
        let ejections = self.upstream_ejections.clone();
        registry.register("upstream_ejections", "Servers taken out because requests failed", ejections);
        let connections = self.upstream_connections.clone();
        registry.register("upstream_connections", "Connections made to servers", connections);
        registry.register("upstream_servers", "Servers by their health", self.upstream_servers.clone());
        registry.register("requests_cut", "Requests ended because their time was over", self.cut.clone());
        registry.register("unrouted_requests", "Requests that no route took", self.unrouted.clone());
        registry.register("in_flight", "Requests being served", self.in_flight.clone());
        registry.register("connections", "Open client connections", self.connections.clone());
        registry.register("connections_refused", "Connections over a limit", self.connections_refused.clone());
        registry.register("heads_overdue", "Connections closed before a whole head came", self.heads_overdue.clone());
        let refused = self.proxy_headers_refused.clone();
        registry.register("proxy_headers_refused", "Connections without the PROXY header that was due", refused);
        registry.register("handshakes_failed", "TLS handshakes that came to nothing", self.handshakes_failed.clone());
        registry.register("log_lines_dropped", "Log lines that found the queue full", self.log_lines_dropped.clone());
        registry.register("generation", "The configuration that serves", self.generation.clone());
        registry.register("reloads_failed", "Configurations that were not taken", self.reloads_failed.clone());
        registry.register("feed_alarms", "Frames, states or certificates that were refused", self.feed_alarms.clone());
        registry.register("feed_connected", "1 while the issuer is connected", self.feed_connected.clone());
        registry.register("feed_lag", "Records that the issuer has and this edge has not", self.feed_lag.clone());
        let age = self.feed_age.clone();
        registry.register_with_unit("feed_age", "Since all was known, by the issuer's clock", Unit::Seconds, age);
        self.issuers.register(registry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
