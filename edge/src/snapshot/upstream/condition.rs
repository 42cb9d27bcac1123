//! Whether a server is asked: what active checks found, and what requests met. Atomics only; the decisions are functions of what
//! happened, the rule, and `now`.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::snapshot::upstream::settings::{HealthCheck, Outlier};

/// The state of one server.
#[derive(Debug)]
pub struct Condition {
    base: Instant,
    /// By active checks.
    down: AtomicBool,
    /// Checks in a row that contradict `down`.
    contradictions: AtomicU32,
    /// Failures of requests in a row.
    failures: AtomicU32,
    /// Ejections that were not long ago.
    ejections: AtomicU32,
    /// Milliseconds after `base`; 0: never.
    ejected_until: AtomicU64,
}

/// The state in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Healthy,
    /// Active checks fail.
    Down,
    /// Requests failed; it is asked again after a while.
    Ejected,
}

impl Health {
    pub const ALL: [Self; 3] = [Self::Healthy, Self::Down, Self::Ejected];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Down => "down",
            Self::Ejected => "ejected",
        }
    }
}

impl Condition {
    pub fn new(base: Instant) -> Self {
        Self {
            base,
            down: AtomicBool::new(false),
            contradictions: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            ejections: AtomicU32::new(0),
            ejected_until: AtomicU64::new(0),
        }
    }

    pub fn health(&self, now: Instant) -> Health {
        if self.down.load(Relaxed) {
            Health::Down
        } else if self.is_ejected(now) {
            Health::Ejected
        } else {
            Health::Healthy
        }
    }

    pub fn is_healthy(&self, now: Instant) -> bool {
        self.health(now) == Health::Healthy
    }

    fn is_ejected(&self, now: Instant) -> bool {
        let until = self.ejected_until.load(Relaxed);
        until != 0 && self.millis(now) < until
    }

    /// A request was answered as it should be.
    pub fn succeeded(&self) {
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
        }
    }

    /// A request failed. Ejects the server when it was one too many and `may_eject` says that enough others are left; answers for
    /// how long.
    pub fn failed(&self, now: Instant, rule: &Outlier, may_eject: impl FnOnce() -> bool) -> Option<Duration> {
        let failures = self.failures.fetch_add(1, Relaxed).saturating_add(1);
        if failures < rule.consecutive || self.is_ejected(now) || !may_eject() {
            return None;
        }
        self.failures.store(0, Relaxed);
        let last = self.ejected_until.load(Relaxed);
        if self.millis(now) > last.saturating_add(as_millis(rule.most)) {
            self.ejections.store(0, Relaxed); // it has been well for long
        }
        let before = self.ejections.fetch_add(1, Relaxed).min(16);
        let span = rule.base.saturating_mul(1 << before).min(rule.most);
        self.ejected_until.store(self.millis(now).saturating_add(as_millis(span)).max(1), Relaxed);
        Some(span)
    }

    /// An active check ended. Answers the new health when it has changed. There is one checker, so nothing races.
    pub fn checked(&self, good: bool, rule: &HealthCheck) -> Option<Health> {
        let down = self.down.load(Relaxed);
        if good != down {
            self.contradictions.store(0, Relaxed);
            return None;
        }
        let contradictions = self.contradictions.load(Relaxed).saturating_add(1);
        let needed = if down { rule.healthy_after } else { rule.unhealthy_after };
        if contradictions < needed {
            self.contradictions.store(contradictions, Relaxed);
            return None;
        }
        self.contradictions.store(0, Relaxed);
        self.down.store(!down, Relaxed);
        Some(if down { Health::Healthy } else { Health::Down })
    }

    /// Nobody checks any more: what checks found is forgotten.
    pub fn unchecked(&self) {
        self.down.store(false, Relaxed);
        self.contradictions.store(0, Relaxed);
    }

    fn millis(&self, now: Instant) -> u64 {
        as_millis(now.saturating_duration_since(self.base))
    }
}

fn as_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Outlier =
        Outlier { consecutive: 3, base: Duration::from_secs(10), most: Duration::from_secs(60), max_ejected: 50 };

    fn fail(condition: &Condition, now: Instant, times: usize) -> Option<Duration> {
        (0..times).filter_map(|_| condition.failed(now, &RULE, || true)).next_back()
    }

    #[test]
    fn failures_in_a_row_eject_for_longer_each_time() {
        let start = Instant::now();
        let condition = Condition::new(start);
        assert_eq!(fail(&condition, start, 2), None);
        condition.succeeded();
        assert_eq!(fail(&condition, start, 2), None, "in a row");
        assert_eq!(fail(&condition, start, 1), Some(RULE.base));
        assert_eq!(condition.health(start), Health::Ejected);
        assert_eq!(fail(&condition, start, 9), None, "out already");

        let mut now = start + RULE.base;
        assert_eq!(condition.health(now), Health::Healthy);
        for expected in [20, 40, 60, 60] {
            let span = fail(&condition, now, 3).unwrap();
            assert_eq!(span, Duration::from_secs(expected));
            now += span;
        }
        now += RULE.most + Duration::from_secs(1);
        condition.succeeded();
        assert_eq!(fail(&condition, now, 3), Some(RULE.base), "well for long");
    }

    #[test]
    fn the_last_servers_are_not_ejected() {
        let now = Instant::now();
        let condition = Condition::new(now);
        for _ in 0..9 {
            assert_eq!(condition.failed(now, &RULE, || false), None);
        }
        assert!(condition.is_healthy(now));
        assert_eq!(fail(&condition, now, 1), Some(RULE.base), "the count goes on");
    }

    #[test]
    fn checks_take_a_server_out_and_bring_it_back() {
        let rule = HealthCheck {
            path: None,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            healthy_after: 2,
            unhealthy_after: 3,
            expect_status: Vec::new(),
            required: false,
        };
        let condition = Condition::new(Instant::now());
        let mut told = Vec::new();
        for good in [false, false, true, false, false, false, false, true, false, true, true, true] {
            told.push(condition.checked(good, &rule));
        }
        let mut expected = vec![None; 12];
        expected[5] = Some(Health::Down);
        expected[10] = Some(Health::Healthy);
        assert_eq!(told, expected);
    }
}
