//! Quotas by the generic cell rate algorithm (ITU-T I.371 annex A): a token bucket whose whole state is one instant, the time at
//! which the bucket will be full again.
//!
//! A decision tells what an honest client needs to pace itself: limit, remaining, reset (IETF draft
//! `draft-ietf-httpapi-ratelimit-headers`), and when to retry.

use std::time::Duration;

use common::clock::UnixMillis;

const NANOS_A_MILLI: u64 = 1_000_000;

/// `rate` requests a `period`, of which `burst` may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Nanoseconds in which one request is earned; at least 1.
    interval: u64,
    /// At least 1.
    burst: u32,
}

/// A rate or burst of zero, or numbers that do not fit: over a request a nanosecond, or a full refill of over 100 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a quota: rate and burst must be positive and the refill time between 1 ns and 100 years")]
pub struct InvalidQuota;

impl Quota {
    /// A bucket of `rate` requests that refills evenly within `period`.
    pub fn per(period: Duration, rate: u32) -> Result<Self, InvalidQuota> {
        Self::with_burst(period, rate, rate)
    }

    /// A bucket of `burst` requests that refills by `rate` each `period`.
    pub fn with_burst(period: Duration, rate: u32, burst: u32) -> Result<Self, InvalidQuota> {
        const LONGEST: u64 = 100 * 365 * 86_400 * 1_000_000_000;
        let period = u64::try_from(period.as_nanos()).map_err(|_| InvalidQuota)?;
        let interval = period.checked_div(u64::from(rate)).filter(|i| *i > 0).ok_or(InvalidQuota)?;
        let window = interval.checked_mul(u64::from(burst)).filter(|w| (1..=LONGEST).contains(w));
        window.map(|_| Self { interval, burst }).ok_or(InvalidQuota)
    }

    /// Nanoseconds from empty to full.
    fn window(&self) -> u64 {
        self.interval.saturating_mul(u64::from(self.burst))
    }
}

/// The state of one bucket: when it will be full, in nanoseconds since the Unix epoch. The default is a full bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FullAt(pub u64);

/// The answer, with what the client may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Verdict,
    /// The size of the bucket.
    pub limit: u32,
    /// Requests that would pass at this instant, after this one.
    pub remaining: u32,
    /// Until the bucket is full, if nothing else comes.
    pub reset_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Refused {
        /// `None`: this cost is more than the bucket ever holds.
        retry_after: Option<Duration>,
    },
}

impl Decision {
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allowed
    }
}

/// Takes `cost` requests out of the bucket at `now`, or leaves it as it is. A cost of 0 only looks.
///
/// A bucket never owes more than one whole refill: when the quota was lowered or the clock set back, older state is cut to that.
pub fn decide(quota: Quota, full_at: FullAt, now: UnixMillis, cost: u32) -> (Decision, FullAt) {
    let (now, window) = (now.0.saturating_mul(NANOS_A_MILLI), quota.window());
    let owed = full_at.0.saturating_sub(now).min(window);
    let wanted = quota.interval.saturating_mul(u64::from(cost)).saturating_add(owed);
    let (verdict, owed) = match wanted.checked_sub(window) {
        None | Some(0) => (Verdict::Allowed, wanted),
        Some(_) if cost > quota.burst => (Verdict::Refused { retry_after: None }, owed),
        Some(short) => (Verdict::Refused { retry_after: Some(Duration::from_nanos(short)) }, owed),
    };
    let remaining = window.saturating_sub(owed) / quota.interval;
    let decision = Decision {
        verdict,
        limit: quota.burst,
        remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
        reset_after: Duration::from_nanos(owed),
    };
    (decision, FullAt(now.saturating_add(owed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quota(rate: u32, seconds: u64) -> Quota {
        Quota::per(Duration::from_secs(seconds), rate).unwrap()
    }

    const T: UnixMillis = UnixMillis(1_700_000_000_000);

    fn at(millis: u64) -> UnixMillis {
        UnixMillis(T.0 + millis)
    }

    #[test]
    fn a_bucket_empties_and_refills() {
        let quota = quota(3, 30);
        let (mut state, mut seen) = (FullAt::default(), Vec::new());
        for millis in [0, 0, 0, 0, 9_999, 10_000, 10_000, 60_000] {
            let (decision, next) = decide(quota, state, at(millis), 1);
            seen.push((decision.is_allowed(), decision.remaining, decision.reset_after.as_millis()));
            state = next;
        }
        let expected = [
            (true, 2, 10_000),
            (true, 1, 20_000),
            (true, 0, 30_000),
            (false, 0, 30_000),
            (false, 0, 20_001),
            (true, 0, 30_000),
            (false, 0, 30_000),
            (true, 2, 10_000),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn costs() {
        let quota = quota(10, 10);
        let (decision, state) = decide(quota, FullAt::default(), T, 7);
        assert_eq!((decision.is_allowed(), decision.remaining, decision.limit), (true, 3, 10));
        let (decision, unchanged) = decide(quota, state, T, 4);
        assert_eq!(decision.verdict, Verdict::Refused { retry_after: Some(Duration::from_secs(1)) });
        assert_eq!((decision.remaining, unchanged), (3, state));
        let (decision, _) = decide(quota, state, T, 11);
        assert_eq!(decision.verdict, Verdict::Refused { retry_after: None });
        assert_eq!(decide(quota, state, T, 0).0.remaining, 3);
    }

    #[test]
    fn a_lowered_quota_or_an_earlier_clock_locks_for_one_refill_at_most() {
        let state = FullAt(u64::MAX);
        let (decision, state) = decide(quota(2, 10), state, T, 1);
        assert_eq!(decision.verdict, Verdict::Refused { retry_after: Some(Duration::from_secs(5)) });
        assert!(decide(quota(2, 10), state, at(5_000), 1).0.is_allowed());
    }

    #[test]
    fn bad_quotas() {
        for (period, rate, burst) in [
            (Duration::from_secs(1), 0, 1),
            (Duration::from_secs(1), 1, 0),
            (Duration::ZERO, 1, 1),
            (Duration::from_nanos(1), 2, 1),
            (Duration::MAX, 1, 1),
            (Duration::from_secs(86_400 * 365), 1, u32::MAX),
        ] {
            assert_eq!(Quota::with_burst(period, rate, burst), Err(InvalidQuota), "{period:?} {rate} {burst}");
        }
    }

    proptest! {
        /// In any stretch of time no more passes than the burst and what is earned in it.
        #[test]
        fn never_over_the_rate(
            rate in 1u32..50, burst in 1u32..50,
            requests in proptest::collection::vec((0u64..3_000, 0u32..5), 1..200),
        ) {
            let quota = Quota::with_burst(Duration::from_secs(10), rate, burst).unwrap();
            let (mut now, mut state, mut passed) = (0, FullAt::default(), Vec::new());
            for (step, cost) in requests {
                now += step;
                let (decision, next) = decide(quota, state, at(now), cost);
                prop_assert!(decision.remaining <= burst);
                if decision.is_allowed() {
                    passed.push((now, u64::from(cost)));
                } else {
                    prop_assert_eq!(next.0.max(state.0), state.0.max(at(now).0 * NANOS_A_MILLI));
                }
                state = next;
            }
            for (i, (from, _)) in passed.iter().enumerate() {
                let mut sum = 0;
                for (to, cost) in &passed[i..] {
                    sum += cost;
                    let earned = ((to - from) * NANOS_A_MILLI) / quota.interval;
                    prop_assert!(sum <= u64::from(burst) + earned, "{sum} in {} ms", to - from);
                }
            }
        }

        /// `remaining` and `retry_after` are promises.
        #[test]
        fn what_is_said_holds(rate in 1u32..2_000, burst in 1u32..40, used in 0u32..40, cost in 1u32..5, step in 0u64..2_000) {
            let quota = Quota::with_burst(Duration::from_secs(10), rate, burst).unwrap();
            let (_, state) = decide(quota, FullAt::default(), T, used.min(burst));
            let now = at(step);
            let (decision, next) = decide(quota, state, now, cost);
            match decision.verdict {
                Verdict::Refused { retry_after: None } => prop_assert!(cost > burst),
                Verdict::Refused { retry_after: Some(wait) } => {
                    let wait = u64::try_from(wait.as_nanos()).unwrap().div_ceil(NANOS_A_MILLI);
                    prop_assert!(decide(quota, next, UnixMillis(now.0 + wait), cost).0.is_allowed());
                    prop_assert!(wait == 0 || !decide(quota, next, UnixMillis(now.0 + wait - 1), cost).0.is_allowed());
                }
                Verdict::Allowed => {}
            }
            prop_assert!(decide(quota, next, now, decision.remaining).0.is_allowed());
            prop_assert!(!decide(quota, next, now, decision.remaining + 1).0.is_allowed());
        }
    }
}
