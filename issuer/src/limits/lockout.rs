//! Cognito's lockout ladder (Cognito developer guide, "Lockout behavior for failed sign-in attempts"): five failures are free, the
//! fifth locks for a second, and each further one for twice as long, up to about 15 minutes. Attempts during a lock are refused
//! unseen and change nothing. Fifteen minutes without a failure start the ladder anew.
//!
//! **Count first.** Parallel guesses that are verified before they are counted all see the same free step. So: in one statement
//! that expects the old row, store [`Ladder::after_failure`]; verify; on success delete the row. The key is the canonical user,
//! never the name as typed (SECURITY.md I37).

use std::time::Duration;

use common::clock::UnixMillis;

/// What is stored per user; no row means no failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// Since the last success or quiet time; at least 1.
    pub count: u32,
    pub last: UnixMillis,
}

/// Whether an attempt may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    Open,
    /// Refuse with Cognito's `Password attempts exceeded`; do not verify, do not count.
    Locked {
        until: UnixMillis,
    },
}

/// The steps of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// The failure with this number is the first that locks; at least 1.
    pub first_locking: u32,
    /// How long the first lock lasts; each further one lasts twice as long.
    pub first_lock: Duration,
    pub longest_lock: Duration,
    /// Failures are forgotten when the last one is this old.
    pub quiet: Duration,
}

impl Ladder {
    /// 1 s from the fifth failure, doubling to 15 minutes at the fifteenth.
    pub const COGNITO: Self = Self {
        first_locking: 5,
        first_lock: Duration::from_secs(1),
        longest_lock: Duration::from_secs(15 * 60),
        quiet: Duration::from_secs(15 * 60),
    };

    /// May an attempt at `now` be verified?
    pub fn attempt(&self, failures: Option<Failures>, now: UnixMillis) -> Attempt {
        let Some(failures) = self.remembered(failures, now) else { return Attempt::Open };
        let until = failures.last.plus(self.lock_after(failures.count));
        if now < until { Attempt::Locked { until } } else { Attempt::Open }
    }

    /// What to store after a failure at `now`. During a lock that is what was stored already.
    pub fn after_failure(&self, failures: Option<Failures>, now: UnixMillis) -> Failures {
        match self.remembered(failures, now) {
            None => Failures { count: 1, last: now },
            Some(failures) if self.attempt(Some(failures), now) != Attempt::Open => failures,
            Some(failures) => Failures { count: failures.count.saturating_add(1), last: now },
        }
    }

    /// The wait that follows the failure with this number; zero for the free ones.
    pub fn lock_after(&self, count: u32) -> Duration {
        let Some(doublings) = count.checked_sub(self.first_locking) else { return Duration::ZERO };
        let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.first_lock.saturating_mul(factor).min(self.longest_lock)
    }

    fn remembered(&self, failures: Option<Failures>, now: UnixMillis) -> Option<Failures> {
        failures.filter(|f| f.count > 0 && now.since(f.last) < self.quiet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LADDER: Ladder = Ladder::COGNITO;
    const START: UnixMillis = UnixMillis(1_000_000);

    #[test]
    fn waits_double_from_the_fifth_failure() {
        let seconds = |count| LADDER.lock_after(count).as_secs();
        assert_eq!((0..=4).map(seconds).collect::<Vec<_>>(), [0; 5]);
        assert_eq!((5..=16).map(seconds).collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(seconds(u32::MAX), 900);
    }

    #[test]
    fn five_failures_at_once_lock_for_one_second() {
        let mut failures = None;
        for count in 1..=5 {
            assert_eq!(LADDER.attempt(failures, START), Attempt::Open);
            failures = Some(LADDER.after_failure(failures, START));
            assert_eq!(failures, Some(Failures { count, last: START }));
        }
        let until = START.plus(Duration::from_secs(1));
        assert_eq!(LADDER.attempt(failures, START), Attempt::Locked { until });
        assert_eq!(LADDER.attempt(failures, UnixMillis(until.0 - 1)), Attempt::Locked { until });
        assert_eq!(LADDER.attempt(failures, until), Attempt::Open);
    }

    #[test]
    fn quiet_time_starts_anew() {
        for count in [1, 5, 12, 15, 40] {
            let failures = Some(Failures { count, last: START });
            let quiet = START.plus(LADDER.quiet);
            assert_eq!(LADDER.attempt(failures, quiet), Attempt::Open);
            assert_eq!(LADDER.after_failure(failures, quiet), Failures { count: 1, last: quiet });
            let almost = UnixMillis(quiet.0 - 1);
            let after = LADDER.after_failure(failures, almost);
            assert!(after.count >= count, "{after:?}");
        }
    }

    proptest! {
        /// However attempts are spread, the ladder is never faster than one guess a lock, and locks are never extended.
        #[test]
        fn an_attacker_gets_no_more_than_the_ladder_allows(steps in proptest::collection::vec(0u64..400_000, 1..300)) {
            let (mut now, mut failures) = (START, None::<Failures>);
            for step in steps {
                now = now.plus(Duration::from_millis(step));
                let before = failures;
                failures = Some(LADDER.after_failure(failures, now));
                match (LADDER.attempt(before, now), before, failures) {
                    (Attempt::Locked { until }, Some(old), Some(new)) => {
                        prop_assert_eq!(old, new);
                        prop_assert_eq!(until, old.last.plus(LADDER.lock_after(old.count)));
                        prop_assert!(until.since(now) <= LADDER.longest_lock);
                    }
                    (Attempt::Open, Some(old), Some(new)) => {
                        prop_assert_eq!(new.last, now);
                        prop_assert!(now.since(old.last) >= LADDER.lock_after(old.count));
                        let expected = if now.since(old.last) >= LADDER.quiet { 1 } else { old.count + 1 };
                        prop_assert_eq!(new.count, expected);
                    }
                    (attempt, ..) => prop_assert_eq!(attempt, Attempt::Open),
                }
            }
        }
    }
}
