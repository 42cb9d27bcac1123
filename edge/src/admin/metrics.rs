//! `GET /metrics`: what the edge has counted, and what it looks at for each scrape. The latter is made anew each time, so that an issuer or a
//! feed that is gone leaves no series.

use std::sync::atomic::AtomicU64;
use std::time::Instant;

use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::State;
use super::http::Answer;
use super::overview::{FeedLine, IssuerLine, Overview};
use crate::observe::{Format, PREFIX, Process};
use crate::rates::{self, Limits};
use crate::snapshot::upstream::condition::Health;

type Whole = Family<Label, Gauge>;
type Real = Family<Label, Gauge<f64, AtomicU64>>;
type Count = Family<Label, Counter>;

/// One label, whose name is one of a few and whose value the operator has chosen.
type Label = [(&'static str, String); 1];

pub fn answer(state: &State, accept: Option<&str>) -> Answer {
    let format = Format::accepted(accept);
    let overview = Overview::of(state);
    key_ages(state);
    let limits = &state.parts.limits;
    let more = [looked_at(&overview), counted(limits.table.health()), shared(limits), process(&overview)];
    match state.parts.metrics.text(&more, format) {
        Ok(body) => Answer::new("200 OK", format.content_type(), body),
        Err(_) => Answer::error("500 Internal Server Error", "server_error"),
    }
}

fn key_ages(state: &State) {
    let (snapshot, now) = (state.parts.picture.load(), state.parts.clock.now());
    let aged = snapshot.issuers.iter().filter_map(|issuer| Some((&*issuer.name, issuer.keys.as_ref()?.age(now)?)));
    state.parts.metrics.issuers.ages(aged);
}

fn looked_at(overview: &Overview) -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    let build = [("version", overview.version), ("commit", overview.commit.unwrap_or("unknown"))];
    registry.register("build", "What this edge is", Info::new(build.to_vec()));
    registry.register("ready", "1 while /readyz says so", gauge(i64::from(overview.ready)));
    let in_flight = i64::try_from(overview.traffic.in_flight).unwrap_or(i64::MAX);
    registry.register("in_flight", "Requests being served", gauge(in_flight));
    issuers(&mut registry, &overview.issuers);
    if let Some(line) = &overview.feed {
        feed(&mut registry, line);
    }
    servers(&mut registry, overview);
    let expiry = Real::default();
    for certificate in &overview.certificates {
        let name = certificate.names.first().map_or("(no name)", String::as_str);
        set_real(&expiry, "certificate", name, certificate.expires.0 as f64 / 1000.0);
    }
    registry.register_with_unit("certificate_expiry_timestamp", "When a certificate ends", Unit::Seconds, expiry);
    let built = Real::default();
    for database in &overview.databases {
        set_real(&built, "database", database.name, overview.now.since(database.built).as_secs_f64());
    }
    registry.register_with_unit("geo_age", "Since a database of addresses was built", Unit::Seconds, built);
    registry
}

/// The memory of the limits.
fn counted(health: rates::Health) -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register("limit_keys", "Keys that limits hold, idle ones too", gauge(whole(health.used)));
    let displaced = Count::default();
    for (kind, count) in [("single", health.displaced - health.displaced_busy), ("busy", health.displaced_busy)] {
        displaced.get_or_create(&label("requests", kind)).inc_by(count);
    }
    registry.register("limit_keys_displaced", "Keys that had to make room and begin anew", displaced);
    let merged = ConstCounter::new(health.merged);
    registry.register("limit_merges", "Times that a busy key was counted less finely for lack of memory", merged);
    registry
}

/// What other edges and this one know of each other's counts; nothing where no limit is shared.
fn shared(limits: &Limits) -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    if !limits.shares() {
        return registry;
    }
    let sharing = &limits.sharing;
    let connected = gauge(i64::from(sharing.is_connected()));
    registry.register("shared_limits_connected", "1 while shared limits count together with other edges", connected);
    registry.register("shared_limit_keys", "Keys of shared limits that are in use", gauge(whole(sharing.keys())));
    let lost = ConstCounter::new(sharing.lost());
    registry.register("shared_limit_requests_lost", "Requests that others were not told of for lack of memory", lost);
    let way = ConstGauge::new(sharing.way().as_secs_f64());
    registry.register_with_unit("shared_limit_delay", "Until counts of others are known here", Unit::Seconds, way);
    if let Some(age) = sharing.heard_ago(limits.moment(Instant::now())) {
        let age = ConstGauge::new(age.as_secs_f64());
        registry.register_with_unit("shared_limit_heard_age", "Since others were heard of last", Unit::Seconds, age);
    }
    registry
}

fn issuers(registry: &mut Registry, lines: &[IssuerLine]) {
    let (keys, revocations, known, bytes) = (Whole::default(), Whole::default(), Whole::default(), Whole::default());
    let (hits, misses) = (Count::default(), Count::default());
    for line in lines {
        let label = label("issuer", &line.name);
        keys.get_or_create(&label).set(whole(line.keys.len()));
        revocations.get_or_create(&label).set(whole(line.revocations));
        known.get_or_create(&label).set(whole(line.known_tokens));
        bytes.get_or_create(&label).set(whole(line.known_bytes));
        hits.get_or_create(&label).inc_by(line.hits);
        misses.get_or_create(&label).inc_by(line.misses);
    }
    registry.register("issuer_keys", "Keys that verify tokens of an issuer; 0 while none have come", keys);
    registry.register("revocations", "Revocations that are in force", revocations);
    registry.register("known_tokens", "Good tokens that are remembered", known);
    registry.register_with_unit("known_tokens_memory", "Memory for them, as accounted", Unit::Bytes, bytes);
    registry.register("known_tokens_hits", "Requests whose token was known", hits);
    registry.register("known_tokens_misses", "Good tokens that were not known and had to be verified", misses);
}

fn servers(registry: &mut Registry, overview: &Overview) {
    let servers: Family<[(&'static str, String); 2], Gauge> = Family::default();
    for upstream in &overview.upstreams {
        for health in Health::ALL.map(Health::as_str) {
            let count = upstream.servers.iter().filter(|server| server.health == health).count();
            let labels = [("upstream", upstream.name.clone()), ("state", health.to_owned())];
            servers.get_or_create(&labels).set(whole(count));
        }
    }
    registry.register("upstream_servers", "Servers by their health", servers);
}

fn feed(registry: &mut Registry, line: &FeedLine) {
    let (lag, age) = (Whole::default(), Real::default());
    for feed in &line.feeds {
        lag.get_or_create(&label("pool", &feed.name)).set(i64::try_from(feed.lag).unwrap_or(i64::MAX));
        set_real(&age, "pool", &feed.name, feed.age_seconds);
    }
    registry.register("feed_connected", "1 while the issuer is connected", gauge(i64::from(line.connected)));
    registry.register("feed_lag", "Records that the issuer has and this edge has not", lag);
    registry.register_with_unit("feed_age", "Since all was known, by the issuer's clock", Unit::Seconds, age);
}

/// Under the names that every Prometheus client gives to processes.
fn process(overview: &Overview) -> Registry {
    let mut registry = Registry::with_prefix("process");
    let Process { cpu_seconds, resident_bytes, virtual_bytes, open_files, most_files, threads } = overview.process;
    if let Some(seconds) = cpu_seconds {
        registry.register_with_unit("cpu", "User and system time", Unit::Seconds, ConstCounter::new(seconds));
    }
    let bytes =
        [("resident_memory", "Resident memory", resident_bytes), ("virtual_memory", "Virtual memory", virtual_bytes)];
    for (name, help, value) in bytes {
        if let Some(value) = value {
            registry.register_with_unit(name, help, Unit::Bytes, ConstGauge::new(value as f64));
        }
    }
    let files = [("open_fds", "Open file descriptors", open_files), ("max_fds", "Their limit", most_files)];
    for (name, help, value) in files.into_iter().chain([("threads", "Threads", threads)]) {
        if let Some(value) = value {
            registry.register(name, help, ConstGauge::new(value as f64));
        }
    }
    let started = ConstGauge::new(overview.started.0 as f64 / 1000.0);
    registry.register_with_unit("start_time", "When the edge started", Unit::Seconds, started);
    registry
}

fn gauge(value: i64) -> ConstGauge<i64> {
    ConstGauge::new(value)
}

fn label(name: &'static str, value: &str) -> Label {
    [(name, value.to_owned())]
}

fn set_real(family: &Real, name: &'static str, value: &str, to: f64) {
    family.get_or_create(&label(name, value)).set(to);
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use common::feed::{Count, CountedRule, Counts};

    use super::*;
    use crate::challenge::Action;
    use crate::observe::{Asked, Fetched, Metrics};
    use crate::rates::{Quota, RuleId};

    /// The names of all samples that an edge can show, without the endings of histograms.
    fn names() -> BTreeSet<String> {
        let (metrics, overview) = (Metrics::default(), Overview::fixture("x"));
        metrics.upstream("u");
        metrics.policy_meter("r");
        metrics.limit_meter("r", "l");
        metrics.acl_meter("a", &crate::waf::Acl::fixture());
        metrics.attempts.ended(crate::takeover::Kind::SignIn, crate::takeover::Outcome::Failed);
        metrics.challenges.asked(Action::Challenge, "page");
        metrics.challenges.answered(Some(Action::Challenge), "solved");
        metrics.issuers.fetched("i", Fetched::Changed);
        metrics.issuers.asked("i", Asked::Active);
        metrics.issuers.unknown_kids("i");
        metrics.sign_ins.sign_in("s", "begun");
        metrics.sign_ins.refresh("s", "refreshed");
        metrics.sign_ins.sign_out("s", "revoked");
        metrics.issuers.ages([("i", Duration::ZERO)].into_iter());
        let text = metrics
            .text(
                &[looked_at(&overview), counted(rates::Health::default()), shared(&sharing()), process(&overview)],
                Format::Text,
            )
            .unwrap();
        let named = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        named.map(|rest| rest.split(' ').next().unwrap().to_owned()).collect()
    }

    /// With a limit that is shared, of which others have been heard.
    fn sharing() -> Limits {
        let limits = Limits::bounded(4 << 20, [0; 16], [0; 16], Instant::now() - Duration::from_secs(1));
        limits.share(Quota::new(RuleId(7), 10, Duration::from_secs(60)).into_iter());
        let counts = Counts {
            rules: vec![CountedRule { id: 7, window_s: 60 }],
            counts: vec![Count { rule: 0, key: [7; 16], admitted: 1, asked: 1, ago_ms: 0 }],
        };
        assert_eq!(limits.hear(limits.moment(Instant::now()), &counts, Duration::ZERO).counts, 1);
        limits
    }

    fn file(path: &str) -> String {
        std::fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn the_rules_for_prometheus_name_metrics_that_exist() {
        let (names, rules) = (names(), file("deploy/tollgate-edge.rules.yml"));
        let expressions = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
        let mut asked = 0;
        for expression in expressions {
            let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            for word in words.filter(|word| word.starts_with("tollgate_") || word.starts_with("process_")) {
                let name = word.strip_suffix("_bucket").unwrap_or(word);
                assert!(names.contains(name), "{name} in {expression}");
                asked += 1;
            }
        }
        assert!(asked > 15, "{asked}");
    }

    #[test]
    fn the_operators_document_has_a_row_for_each_metric_and_no_other() {
        let document = file("docs/OPERATIONS.md");
        let table =
            document.split("Edge, each beginning with `tollgate_edge_`:").nth(1).unwrap().split("\n\n").nth(1).unwrap();
        let cells = table.lines().skip(2).map(|row| row.split('|').nth(1).unwrap());
        let documented: BTreeSet<String> = cells
            .flat_map(|cell| cell.split('`').skip(1).step_by(2))
            .map(|name| format!("{PREFIX}_{}", name.split('{').next().unwrap()))
            .collect();
        let of_process = |name: &&String| !name.starts_with("process_");
        let there: BTreeSet<String> = names().iter().filter(of_process).cloned().collect();
        assert_eq!(documented, there);
    }
}
