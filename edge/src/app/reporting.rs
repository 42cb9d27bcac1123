//! Tells the issuer, every few seconds, what pools' web ACLs have judged and whom their rate-based rules hold back.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::feed::{HeldBack, MetricSample, Report, SampledMetric, SampledRequest, Samples, Solving};
use common::ids::PoolId;
use tokio::time::{MissedTickBehavior, interval};

use crate::rates::{Limits, MOST_LISTED};
use crate::samples::{Answered, Drained, RateWatch, Taken, Tally, Told};
use crate::snapshot::acl::PoolAcl;
use crate::snapshot::picture::Picture;
use crate::uplink::Uplink;

/// AWS's samples are some minutes late; an issuer forgets in a minute whom an edge holds back that says no more of it.
const EVERY: Duration = Duration::from_secs(3);
/// Rules whose keys are looked through at a time: each look goes through the whole table.
const MOST_LOOKS: usize = 8;

/// Bytes of the names of metrics in one report.
const MAX_NAMES: usize = 64 * 1024;

/// What reports are made of, and where they go.
pub struct Reporting {
    pub picture: Arc<Picture>,
    pub limits: Arc<Limits>,
    pub uplink: Uplink,
}

/// Runs until the runtime ends.
pub async fn run(reporting: Reporting) {
    let reporting = Arc::new(reporting);
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for round in 0.. {
        ticks.tick().await;
        let reporting = Arc::clone(&reporting);
        // Looking through the table takes tens of milliseconds, which the feed does not wait for.
        let _ = tokio::task::spawn_blocking(move || reporting.report(round)).await;
    }
}

/// A pool's web ACL, as a report names it.
#[derive(Clone, Copy)]
struct Subject<'s> {
    pool: &'s PoolId,
    arn: &'s str,
}

impl Reporting {
    fn report(&self, round: usize) {
        let snapshot = self.picture.load();
        let mut seen = HashSet::new();
        let mut hits = Vec::new();
        for (pool, acl) in snapshot.tenants.web_acls() {
            let PoolAcl::Of(of) = acl else { continue };
            let (Some(tally), Some(arn)) = (&of.rule.tells.samples, &of.rule.acl.arn) else { continue };
            if seen.insert(Arc::as_ptr(of)) {
                let subject = Subject { pool, arn };
                self.samples(subject, tally);
                hits.extend(tally.hits().map(|watch| (subject, watch)));
            }
        }
        self.held_back(round, hits);
    }

    fn samples(&self, subject: Subject<'_>, tally: &Tally) {
        // What there is no room for goes on being counted.
        let Some(room) = self.uplink.room() else { return };
        let mut reports = parts(tally.drain()).into_iter().map(|part| Report::Samples(samples(subject, part)));
        if let Some(first) = reports.next() {
            room.send(first);
        }
        reports.for_each(|report| self.uplink.send(report));
    }

    /// Some of the rules that have held back somebody, others the next time.
    fn held_back(&self, round: usize, mut hits: Vec<(Subject<'_>, &RateWatch)>) {
        if hits.is_empty() {
            return;
        }
        let first = round.saturating_mul(MOST_LOOKS) % hits.len();
        hits.rotate_left(first);
        let now = self.limits.moment(Instant::now());
        for (number, (subject, watch)) in hits.into_iter().enumerate() {
            let Some(room) = self.uplink.room().filter(|_| number < MOST_LOOKS) else {
                watch.again();
                continue;
            };
            let over = self.limits.table.over(now, &watch.quota, MOST_LISTED);
            // An empty list is told, too: nobody is held back any more.
            if !over.is_empty() {
                watch.again();
            }
            room.send(Report::HeldBack(HeldBack {
                pool: subject.pool.clone(),
                web_acl: subject.arn.to_owned(),
                rule: watch.rule.to_string(),
                within: watch.within.as_deref().map(str::to_owned),
                addresses: over.into_iter().map(|(key, _)| key.address()).collect(),
            }));
        }
    }
}

/// As many metrics as fit into a report beside all samples: web ACLs have thousands of rules at most, and nearly all have few.
fn parts(drained: Vec<Drained>) -> Vec<Vec<Drained>> {
    let mut parts: Vec<Vec<Drained>> = Vec::new();
    let mut bytes = 0;
    for one in drained {
        bytes += one.metric.len() + 32;
        match parts.last_mut().filter(|_| bytes <= MAX_NAMES) {
            Some(part) => part.push(one),
            None => {
                bytes = one.metric.len() + 32;
                parts.push(vec![one]);
            }
        }
    }
    parts
}

/// Requests that are samples of several rules are told once.
fn samples(subject: Subject<'_>, drained: Vec<Drained>) -> Samples {
    let mut known: Vec<*const Told> = Vec::new();
    let mut requests = Vec::new();
    let mut metrics = Vec::new();
    for one in drained {
        let samples = one.samples.into_iter().filter_map(|taken| {
            let at = Arc::as_ptr(&taken.told);
            let place = known.iter().position(|other| *other == at).unwrap_or_else(|| {
                known.push(at);
                requests.push(request(&taken.told));
                known.len() - 1
            });
            Some(sample(&taken, u16::try_from(place).ok()?))
        });
        let samples = samples.collect();
        metrics.push(SampledMetric { metric: one.metric.to_string(), requests: one.requests, samples });
    }
    Samples { pool: subject.pool.clone(), web_acl: subject.arn.to_owned(), requests, metrics }
}

fn request(told: &Told) -> SampledRequest {
    let solving = |answered: Answered| Solving {
        status: answered.status,
        solved_at: answered.solved_at,
        failure: answered.failure.map(str::to_owned),
    };
    SampledRequest {
        at: told.at,
        client: told.client,
        country: told.country,
        method: told.method.clone(),
        uri: told.uri.clone(),
        version: told.version.to_owned(),
        headers: told.headers.clone(),
        labels: told.labels.iter().map(ToString::to_string).collect(),
        inserted: told.inserted.clone(),
        status: told.status,
        captcha: told.captcha.map(solving),
        challenge: told.challenge.map(solving),
    }
}

fn sample(taken: &Taken, request: u16) -> MetricSample {
    MetricSample {
        request,
        weight: taken.weight,
        action: taken.acted.action.to_owned(),
        overridden: taken.acted.overridden.map(str::to_owned),
        within: taken.acted.within.as_deref().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Acted;

    #[test]
    fn a_request_of_several_rules_is_told_once() {
        let told = |uri: &str| {
            Arc::new(Told {
                at: common::clock::UnixMillis(1),
                client: None,
                country: None,
                method: "GET".into(),
                uri: uri.into(),
                version: "HTTP/1.1",
                headers: vec![],
                labels: vec![],
                inserted: vec![],
                status: None,
                captcha: None,
                challenge: None,
            })
        };
        let (one, two) = (told("/1"), told("/2"));
        let taken = |told: &Arc<Told>| Taken {
            told: Arc::clone(told),
            acted: Acted { action: "BLOCK", overridden: None, within: None },
            weight: 2,
        };
        let drained = |metric: &str, samples| Drained { metric: metric.into(), requests: 9, samples };
        let pool = PoolId::parse("r_A").unwrap();
        let subject = Subject { pool: &pool, arn: "arn" };
        let report =
            samples(subject, vec![drained("a", vec![taken(&one), taken(&two)]), drained("b", vec![taken(&two)])]);
        assert_eq!(report.requests.iter().map(|one| one.uri.as_str()).collect::<Vec<_>>(), ["/1", "/2"]);
        assert_eq!(report.metrics[1].samples[0].request, 1);
        assert!(Report::Samples(report).encode().is_ok());
        let many = (0..1_000).map(|number| drained(&format!("{number:0>255}"), vec![])).collect();
        let parts = parts(many);
        assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 1_000);
        for part in parts {
            assert!(Report::Samples(samples(subject, part)).encode().is_ok_and(|bytes| bytes.len() < 80_000));
        }
    }
}
