//! Metrics that the edge counts as it goes, all registered here. Labels are names of routes, reasons, classes of status and versions of
//! TLS: none comes from a request, so no client makes a series. What is only looked at when somebody scrapes is added by `admin`.

mod acls;
mod attempts;
mod limits;
mod panics;
mod policies;
mod routes;
mod text;
mod upstreams;

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;

use common::clock::UnixMillis;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use self::acls::AclMetrics;
use self::attempts::AttemptMetrics;
use self::limits::LimitMetrics;
pub use self::limits::SharingMeter;
use self::panics::Panics;
use self::policies::PolicyMetrics;
use self::routes::Meters;
pub use self::text::Format;
use self::upstreams::UpstreamMetrics;
use crate::challenge::Meter as ChallengeMeter;
use crate::observe::issuers::IssuerMetrics;
use crate::observe::sign_ins::SignInMetrics;
use crate::snapshot::acl::AclMeter;
use crate::snapshot::authorization::PolicyMeter;
use crate::snapshot::limit::LimitMeter;
use crate::snapshot::meter::{Meter, Reading};
use crate::snapshot::route::RouteTable;
use crate::snapshot::upstream::UpstreamMeter;
use crate::uplink::UplinkMeter;
use crate::waf::Acl;

/// What the names of all metrics of ours begin with.
pub const PREFIX: &str = "tollgate_edge";
/// Stands for a route where a request has none: its head was refused, or no route is for it. Names of routes have a slash.
pub const NO_ROUTE: &str = "(none)";

/// The edge's metrics. Cloning the handles inside is cheap; the registry is read by the admin listener only.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    meters: Meters,
    policies: PolicyMetrics,
    acls: AclMetrics,
    pub attempts: AttemptMetrics,
    limits: LimitMetrics,
    upstreams: UpstreamMetrics,
    /// Of issuers of others.
    pub issuers: IssuerMetrics,
    pub sign_ins: SignInMetrics,
    /// Requests that no route took.
    pub unrouted: Meter,
    /// Requests that were ended from outside: their deadline had passed.
    pub cut: Counter,
    pub connections: Gauge,
    pub connections_accepted: Counter,
    pub connections_refused: Counter,
    pub tls: TlsHandshakes,
    pub heads_overdue: Counter,
    pub proxy_headers_refused: Counter,
    pub handshakes_failed: Counter,
    pub log_lines_dropped: Counter,
    pub waf_log_lines_dropped: Counter,
    pub spans_exported: Counter,
    pub spans_dropped: Counter,
    pub replay_proofs: Gauge,
    pub challenges: ChallengeMeter,
    pub feed_alarms: Counter,
    /// Of what is told to the issuer and heard of it, besides the feed.
    pub uplink: UplinkMeter,
    pub sharing: SharingMeter,
    reloads: Reloads,
}

/// Connections that came by TLS, by its version.
#[derive(Debug, Default)]
pub struct TlsHandshakes {
    v1_2: Counter,
    v1_3: Counter,
}

impl TlsHandshakes {
    /// `version` as rustls names it.
    pub fn count(&self, version: &str) {
        if version.ends_with('3') {
            self.v1_3.inc()
        } else {
            self.v1_2.inc()
        };
    }
}

#[derive(Debug, Default)]
struct Reloads {
    all: Counter,
    failed: Counter,
    last_succeeded: Gauge,
    loaded_at: Gauge<f64, AtomicU64>,
    generation: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TlsLabel {
    version: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let meters = Meters::default();
        let mut metrics = Self {
            registry: Registry::with_prefix(PREFIX),
            unrouted: meters.meter(NO_ROUTE),
            meters,
            policies: PolicyMetrics::default(),
            acls: AclMetrics::default(),
            attempts: AttemptMetrics::default(),
            limits: LimitMetrics::default(),
            upstreams: UpstreamMetrics::default(),
            issuers: IssuerMetrics::default(),
            sign_ins: SignInMetrics::default(),
            cut: Counter::default(),
            connections: Gauge::default(),
            connections_accepted: Counter::default(),
            connections_refused: Counter::default(),
            tls: TlsHandshakes::default(),
            heads_overdue: Counter::default(),
            proxy_headers_refused: Counter::default(),
            handshakes_failed: Counter::default(),
            log_lines_dropped: Counter::default(),
            waf_log_lines_dropped: Counter::default(),
            spans_exported: Counter::default(),
            spans_dropped: Counter::default(),
            replay_proofs: Gauge::default(),
            challenges: ChallengeMeter::default(),
            feed_alarms: Counter::default(),
            uplink: UplinkMeter::default(),
            sharing: SharingMeter::default(),
            reloads: Reloads::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    /// The counters of one route, looked up once, when the route is made.
    pub fn meter(&self, route: &str) -> Meter {
        self.meters.meter(route)
    }

    /// The counters of one upstream, looked up once, when it is made.
    pub fn upstream(&self, name: &str) -> UpstreamMeter {
        self.upstreams.meter(name)
    }

    /// The counters of one route's policies.
    pub fn policy_meter(&self, route: &str) -> PolicyMeter {
        self.policies.meter(route)
    }

    /// The counters of one web ACL.
    pub fn acl_meter(&self, name: &str, acl: &Acl) -> AclMeter {
        self.acls.meter(name, acl)
    }

    /// The counters of one route's limit.
    pub fn limit_meter(&self, route: &str, limit: &str) -> LimitMeter {
        self.limits.meter(route, limit)
    }

    /// Forgets routes and upstreams that this table does not have, so that reloads leave no series behind.
    pub fn keep(&self, table: &RouteTable) {
        let mut routes: HashSet<&str> = table.routes.iter().map(|route| &*route.name).collect();
        self.policies.keep(&routes);
        let rules = table.routes.iter().filter_map(|route| route.acl.as_ref());
        self.acls.keep(&rules.map(|rule| &*rule.name).collect());
        self.limits.keep(table);
        routes.insert(NO_ROUTE);
        self.meters.keep(&routes);
        self.upstreams.keep(&table.upstreams.iter().map(|upstream| &*upstream.name).collect());
    }

    /// Forgets web ACLs that no pool has any more.
    pub fn keep_acls_of_pools(&self, names: &HashSet<&str>) {
        self.acls.keep_of_pools(names);
    }

    /// What was counted, by route.
    pub fn readings(&self) -> Vec<(String, Reading)> {
        self.meters.readings()
    }

    /// This configuration serves from now on.
    pub fn configured(&self, generation: u64, now: UnixMillis) {
        self.reloads.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.reloads.loaded_at.set(now.0 as f64 / 1000.0);
        self.reloads.last_succeeded.set(1);
    }

    /// The configuration was read again, and taken or not.
    pub fn reloaded(&self, taken: bool) {
        self.reloads.all.inc();
        if !taken {
            self.reloads.failed.inc();
            self.reloads.last_succeeded.set(0);
        }
    }

    /// Everything that was counted, and what `more` adds, in one of the two text formats.
    pub fn text(&self, more: &[Registry], format: Format) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        for registry in std::iter::once(&self.registry).chain(more) {
            encode_registry(&mut text, registry)?;
        }
        encode_eof(&mut text)?;
        Ok(format.of(text))
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register_collector(Box::new(self.meters.clone()));
        registry.register("requests_cut", "Requests ended because their time was over", self.cut.clone());
        self.policies.register(registry);
        self.acls.register(registry);
        self.attempts.register(registry);
        self.limits.register(registry);
        self.upstreams.register(registry);
        self.issuers.register(registry);
        self.sign_ins.register(registry);
        registry.register("replay_proofs", "DPoP proofs that are remembered", self.replay_proofs.clone());
        self.challenges.register(registry);
        registry.register("connections", "Open client connections", self.connections.clone());
        registry.register("connections_accepted", "Client connections", self.connections_accepted.clone());
        registry.register("connections_refused", "Connections over a limit", self.connections_refused.clone());
        let handshakes: Family<TlsLabel, Counter> = Family::default();
        self.tls.v1_2 = handshakes.get_or_create_owned(&TlsLabel { version: "1.2" });
        self.tls.v1_3 = handshakes.get_or_create_owned(&TlsLabel { version: "1.3" });
        registry.register("tls_handshakes", "TLS handshakes that succeeded, by version", handshakes);
        let failed = self.handshakes_failed.clone();
        registry.register("tls_handshakes_failed", "TLS handshakes that came to nothing", failed);
        registry.register("heads_overdue", "Connections closed before a whole head came", self.heads_overdue.clone());
        let refused = self.proxy_headers_refused.clone();
        registry.register("proxy_headers_refused", "Connections without the PROXY header that was due", refused);
        registry.register(
            "log_lines_dropped",
            "Log lines that found the queue full or could not be written",
            self.log_lines_dropped.clone(),
        );
        registry.register(
            "waf_log_lines_dropped",
            "Records of AWS WAF's log that found the queue full or could not be written",
            self.waf_log_lines_dropped.clone(),
        );
        registry.register("spans_exported", "Spans that the collector took", self.spans_exported.clone());
        let dropped = self.spans_dropped.clone();
        registry.register("spans_dropped", "Spans that found the queue full or no collector", dropped);
        registry.register("generation", "The configuration that serves", self.reloads.generation.clone());
        let loaded_at = self.reloads.loaded_at.clone();
        registry.register_with_unit("config_loaded_timestamp", "When it was taken into use", Unit::Seconds, loaded_at);
        let last = self.reloads.last_succeeded.clone();
        registry.register("config_last_reload_successful", "1 unless the last configuration was not taken", last);
        registry.register("reloads", "Configurations that were read again", self.reloads.all.clone());
        registry.register("reloads_failed", "Configurations that were not taken", self.reloads.failed.clone());
        registry.register("feed_alarms", "Frames, states or certificates that were refused", self.feed_alarms.clone());
        let UplinkMeter { sent, dropped, received } = self.uplink.clone();
        registry.register("reports_sent", "Reports that the issuer was sent", sent);
        registry.register("reports_dropped", "Reports that found the queue full or the connection broken", dropped);
        registry.register("reports_received", "Reports of other edges that the issuer has sent", received);
        self.sharing.register(registry);
        registry.register_collector(Box::new(Panics::watch()));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::reject::Reject;

    use super::*;
    use crate::snapshot::meter::Served;
    use crate::snapshot::route::Route;

    fn served(status: u16) -> Served {
        Served { status, spent: Duration::from_millis(1), received: 7, sent: 9 }
    }

    fn text(metrics: &Metrics) -> String {
        metrics.text(&[], Format::OpenMetrics).unwrap()
    }

    #[test]
    fn a_route_is_counted_under_its_name() {
        let metrics = Metrics::default();
        let meter = metrics.meter("orders /orders/*");
        [200, 404, 999].into_iter().for_each(|status| meter.count(served(status)));
        metrics.meter("orders /orders/*").refused(Reject::Expired);
        let text = text(&metrics);
        for line in [
            "tollgate_edge_requests_total{route=\"orders /orders/*\",status=\"2xx\"} 1",
            "tollgate_edge_requests_total{route=\"orders /orders/*\",status=\"other\"} 1",
            "tollgate_edge_refusals_total{route=\"orders /orders/*\",reason=\"expired\"} 1",
            "tollgate_edge_request_duration_seconds_bucket{le=\"0.001\",route=\"orders /orders/*\"} 3",
            "tollgate_edge_request_duration_seconds_bucket{le=\"+Inf\",route=\"orders /orders/*\"} 3",
            "tollgate_edge_request_duration_seconds_sum{route=\"orders /orders/*\"} 0.003",
            "tollgate_edge_request_body_bytes_total{route=\"orders /orders/*\"} 21",
        ] {
            assert!(text.lines().any(|given| given == line), "{line}\n{text}");
        }
    }

    #[test]
    fn routes_that_are_gone_leave_no_series() {
        let metrics = Metrics::default();
        let kept = metrics.meter("a /a");
        metrics.meter("b /b").count(served(200));
        kept.count(served(200));
        metrics.policy_meter("b /b").denied.inc();
        metrics.upstream("b");
        let route = Route { name: "a /a".into(), ..Route::fixture() };
        metrics.keep(&RouteTable { routes: vec![route.into()], ..RouteTable::default() });
        let text = text(&metrics);
        assert!(
            !text.contains("b /b") && !text.contains("upstream=\"b\"") && text.contains("route=\"(none)\""),
            "{text}"
        );
        assert_eq!(metrics.meter("a /a").reading().requests(), 1, "what stays goes on counting");
    }

    #[test]
    fn a_failed_reload_shows_until_one_succeeds() {
        let metrics = Metrics::default();
        metrics.configured(1, UnixMillis(1_500));
        metrics.reloaded(false);
        let failed = text(&metrics);
        assert!(failed.contains("tollgate_edge_config_last_reload_successful 0\n"));
        assert!(failed.contains("tollgate_edge_config_loaded_timestamp_seconds 1.5\n"), "{failed}");
        metrics.configured(2, UnixMillis(2_500));
        metrics.reloaded(true);
        let succeeded = text(&metrics);
        assert!(succeeded.contains("tollgate_edge_config_last_reload_successful 1\n"));
        assert!(succeeded.contains("tollgate_edge_reloads_total 2\n"));
        assert!(succeeded.contains("tollgate_edge_reloads_failed_total 1\n"));
    }
}
