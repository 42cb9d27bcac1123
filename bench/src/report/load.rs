//! The report of one load: a table, or one JSON object.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::load::{Plan, Protocol};
use crate::measure::Quantiles;
use crate::scenario::load::Loaded;

/// What `tollgate bench load` says. Its JSON has these fields.
#[derive(Debug, Serialize)]
pub struct LoadReport {
    url: String,
    /// `http/1.1` or `h2`.
    protocol: &'static str,
    tls: bool,
    /// In words.
    arrival: String,
    connections: usize,
    /// Requests under way at once on one connection.
    streams: usize,
    /// From the first start to the last end.
    seconds: f64,
    requests: u64,
    succeeded: u64,
    failed: u64,
    /// Successes a second.
    per_second: f64,
    /// Of successes; `null` without one.
    latency: Option<Quantiles>,
    /// How late the generator released requests; `null` in the closed loop.
    lag: Option<Quantiles>,
    /// Whole answers.
    statuses: BTreeMap<u16, u64>,
    failures: BTreeMap<String, u64>,
    /// Bytes of HTTP, before encryption.
    sent_bytes: u64,
    received_bytes: u64,
    connections_opened: u64,
    /// Processor time of the generator's process a request, user and kernel; `null` without a request.
    generator_us: Option<f64>,
    /// Seconds since the beginning and successes a second, for each tenth of a second.
    course: Vec<(f64, f64)>,
}

impl LoadReport {
    pub(crate) fn new<R>(url: &str, plan: &Plan<R>, found: &Loaded) -> Self {
        let outcome = &found.outcome;
        let requests = outcome.requests();
        let (protocol, streams) = match plan.target.protocol {
            Protocol::Http1 => ("http/1.1", 1),
            Protocol::Http2 => ("h2", plan.streams),
        };
        Self {
            url: url.to_owned(),
            protocol,
            tls: plan.target.tls.is_some(),
            arrival: plan.arrival.to_string(),
            connections: plan.connections,
            streams,
            seconds: outcome.elapsed.as_secs_f64(),
            requests,
            succeeded: outcome.succeeded,
            failed: outcome.failed(),
            per_second: outcome.per_second(),
            latency: outcome.latency.quantiles(),
            lag: outcome.lag.quantiles(),
            statuses: outcome.statuses.clone(),
            failures: outcome.failures.iter().map(|(failure, count)| (failure.to_string(), *count)).collect(),
            sent_bytes: outcome.sent_bytes,
            received_bytes: outcome.received_bytes,
            connections_opened: outcome.connections,
            generator_us: (requests > 0).then(|| found.generator.total_ns as f64 / 1000.0 / requests as f64),
            course: outcome.course.successes_per_second(),
        }
    }

    /// Requests answered in full with an expected status.
    pub fn succeeded(&self) -> u64 {
        self.succeeded
    }

    /// # Errors
    /// Never with these fields; the serialiser cannot say so in its type.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.tls { " over TLS" } else { "" };
        let (connections, streams) = (self.connections, self.streams);
        writeln!(f, "{}", self.url)?;
        write!(f, "{}{tls}, {}, connections: {connections}", self.protocol, self.arrival)?;
        if streams > 1 {
            write!(f, ", streams of each: {streams}")?;
        }
        writeln!(f, "\n")?;
        let mut row = |name: &str, text: &str| writeln!(f, "{name:<18}{text}");
        row("requests", &format!("{} in {:.2} s", self.requests, self.seconds))?;
        row("succeeded", &format!("{}, {:.1} a second", self.succeeded, self.per_second))?;
        row("statuses", &counts(&self.statuses))?;
        row("failures", &counts(&self.failures))?;
        row("", "     p50      p90      p99    p99.9      max")?;
        row("latency, ms", &quantiles(self.latency.as_ref()))?;
        if self.lag.is_some() {
            row("generator's lag", &quantiles(self.lag.as_ref()))?;
        }
        row("bytes", &format!("{} sent, {} received", self.sent_bytes, self.received_bytes))?;
        row("connections", &format!("{} opened", self.connections_opened))?;
        let generator = self.generator_us.map_or_else(|| "-".into(), |us| format!("{us:.1} µs of processor a request"));
        write!(f, "{:<18}{generator}", "generator")
    }
}

fn counts<K: fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    counts.iter().map(|(key, count)| format!("{key}: {count}")).collect::<Vec<_>>().join(", ")
}

/// In milliseconds.
fn quantiles(found: Option<&Quantiles>) -> String {
    let Some(found) = found else { return "       -".into() };
    let all = [found.p50_us, found.p90_us, found.p99_us, found.p999_us, found.max_us];
    all.map(|us| format!("{:>8.3}", us as f64 / 1000.0)).join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::{Arrival, Failure, Outcome, Same, Target};
    use crate::measure::CpuTime;

    fn report() -> LoadReport {
        let mut outcome = Outcome::empty().unwrap();
        for _ in 0..3 {
            outcome.succeeded += 1;
            outcome.latency.record(Duration::from_micros(1500));
            outcome.lag.record(Duration::from_micros(20));
        }
        outcome.statuses.insert(200, 3);
        outcome.failures.insert(Failure::Unsent, 1);
        outcome.elapsed = Duration::from_secs(2);
        let target = Target::plain(([127, 0, 0, 1], 80).into(), "a.test");
        let new = Plan::new(target, Same::get("/").unwrap());
        let plan = Plan { arrival: Arrival::Constant { rate: 2.0 }, ..new };
        let generator = CpuTime { total_ns: 40_000, ..CpuTime::default() };
        LoadReport::new("http://a.test/", &plan, &Loaded { outcome, generator })
    }

    #[test]
    fn the_table() {
        let wanted = "\
http://a.test/
http/1.1, 2 a second, connections: 1

requests          4 in 2.00 s
succeeded         3, 1.5 a second
statuses          200: 3
failures          unsent: 1
                       p50      p90      p99    p99.9      max
latency, ms          1.500    1.500    1.500    1.500    1.500
generator's lag      0.020    0.020    0.020    0.020    0.020
bytes             0 sent, 0 received
connections       0 opened
generator         10.0 µs of processor a request";
        assert_eq!(report().to_string(), wanted);
    }

    #[test]
    fn the_json() {
        let json: serde_json::Value = serde_json::from_str(&report().to_json().unwrap()).unwrap();
        assert_eq!(json["latency"]["p99_us"], 1500);
        assert_eq!(json["failures"], serde_json::json!({"unsent": 1}));
        assert_eq!(json["statuses"], serde_json::json!({"200": 3}));
        assert_eq!((&json["per_second"], &json["generator_us"]), (&1.5.into(), &10.0.into()));
    }
}
