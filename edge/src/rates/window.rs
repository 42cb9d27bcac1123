//! Sub-buckets of a window, and the moments at which they begin.

use std::time::{Duration, Instant};

use ring::digest;

/// Sub-buckets that count: the current one and the [`WHOLE`] before it.
pub const BUCKETS: u64 = 60;
/// As many make up a window.
const WHOLE: u64 = 59;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A moment of the monotonic clock, in nanoseconds after an origin that all moments of a table have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    pub fn after(span: Duration) -> Self {
        Self(nanos(span))
    }

    /// `at`, counted from `origin`; the origin itself where it lies before.
    pub fn since(origin: Instant, at: Instant) -> Self {
        Self::after(at.saturating_duration_since(origin))
    }

    /// Stops at the origin.
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }

    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }

    /// Zero when `earlier` is later.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_nanos(later.0.saturating_sub(self.0))
    }

    /// How many such pieces of time have passed.
    pub fn parts(self, piece: Duration) -> u64 {
        self.0 / nanos(piece).max(1)
    }

    /// How much of the present one has.
    pub fn into_part(self, piece: Duration) -> Duration {
        Duration::from_nanos(self.0 % nanos(piece).max(1))
    }

    /// In steps of 67 ms, which come round after nine years.
    pub fn coarse(self) -> u32 {
        (self.0 >> 26) as u32
    }
}

/// Names the rule by which something counts. It follows from what the rule says, so it is the same after a reload, and at every edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

impl RuleId {
    /// Of a rule that is told apart from all others by this text. Two texts may share a number, at one in four thousand millions: where that must
    /// do no harm, the text goes into the keys, too ([`super::Parts`]).
    pub fn of(rule: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, rule.as_bytes());
        Self(hash.as_ref().iter().take(4).fold(0, |number, byte| (number << 8) | u32::from(*byte)))
    }
}

/// How many requests in any window of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Window and rate are part of what the rule says: under one number there must be one window.
    pub id: RuleId,
    rate: u32,
    window: u64,
}

impl Quota {
    /// At most `rate` (at least 1) in any `window` of 1 s to 24 h; none outside these bounds.
    pub fn new(id: RuleId, rate: u32, window: Duration) -> Option<Self> {
        let fits = rate > 0 && (SHORTEST..=LONGEST).contains(&window);
        fits.then_some(Self { id, rate, window: nanos(window) })
    }

    pub const fn rate(&self) -> u32 {
        self.rate
    }

    pub const fn window(&self) -> Duration {
        Duration::from_nanos(self.window)
    }

    /// The number of the sub-bucket that is current at this moment. Exact: a sub-bucket is a 59th of the window, whole nanoseconds or not.
    pub fn tick(&self, at: Moment) -> u64 {
        match at.0.checked_mul(WHOLE) {
            Some(parts) => parts / self.window,
            None => narrow(u128::from(at.0) * u128::from(WHOLE) / u128::from(self.window)), // after ten years
        }
    }

    /// When a sub-bucket begins to be the current one.
    pub fn begins(&self, tick: u64) -> Moment {
        match tick.checked_mul(self.window) {
            Some(parts) => Moment(parts.div_ceil(WHOLE)),
            None => Moment(narrow((u128::from(tick) * u128::from(self.window)).div_ceil(u128::from(WHOLE)))),
        }
    }
}

fn nanos(span: Duration) -> u64 {
    narrow(span.as_nanos())
}

fn narrow(wide: u128) -> u64 {
    u64::try_from(wide).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(millis: u64) -> Quota {
        Quota::new(RuleId(1), 1, Duration::from_millis(millis)).unwrap()
    }

    #[test]
    fn sixty_buckets_cover_the_window_and_little_more() {
        for millis in [1_000, 1_001, 60_000, 599_999, 86_400_000] {
            let quota = quota(millis);
            for at in [0_u64, 1, 999_999_937, 61_000_000_001, 200 * 365 * 86_400 * 1_000_000_000] {
                let now = Moment(at).plus(quota.window());
                let oldest = quota.tick(now) - (BUCKETS - 1);
                assert!(quota.tick(now.minus(quota.window())) >= oldest, "what lies in the window counts");
                let (begins, sixty) = (quota.begins(oldest), quota.window().as_nanos() * 60);
                assert!(begins.until(now).as_nanos() * 59 < sixty, "nothing counts for 60/59 of it");
            }
        }
    }

    #[test]
    fn a_bucket_begins_when_its_number_comes_up() {
        let quota = quota(1_000);
        for tick in [1, 58, 59, 60, 1_234_567, u64::MAX / 1_000_000_000] {
            let begins = quota.begins(tick);
            assert_eq!((quota.tick(begins), quota.tick(Moment(begins.0 - 1))), (tick, tick - 1));
        }
    }

    #[test]
    fn bounds() {
        let new = |rate, window| Quota::new(RuleId(1), rate, window);
        assert!(new(0, SHORTEST).is_none() && new(1, SHORTEST - Duration::from_nanos(1)).is_none());
        assert!(new(1, LONGEST + Duration::from_nanos(1)).is_none() && new(u32::MAX, LONGEST).is_some());
        assert_eq!(Moment::after(Duration::MAX).plus(Duration::MAX).minus(Duration::MAX), Moment(0));
        assert_ne!(RuleId::of("a"), RuleId::of("b"));
    }
}
