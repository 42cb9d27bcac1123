//! The ladder as a pure decision: what is stored of a user's attempts and `now` go in, a verdict and what to store come out.
//!
//! Five failures are free, the fifth locks for a second, and each further one for twice as long, up to 15 minutes. Attempts during a lock
//! are refused unseen and change nothing. Fifteen minutes without a failure start the ladder anew.
//!
//! **Attempts in flight.** Parallel guesses that are verified before they are counted would all see the same free step; parallel
//! sign-ins with the right password that are counted as failures until they are proven would lock their user. So an attempt first takes a *place*, and
//! there are as many places as failures are left before the next lock: [`Ladder::admit`] never lets more be verified at once than may fail. Who
//! finds no place waits until an attempt in flight has ended, and then knows whether there is a lock. Guesses therefore get exactly the tries of the
//! ladder, however many come at once, and right passwords all pass.
//!
//! A place that nobody gives back (the process died) counts as a failure when its lease ends.

use std::time::Duration;

use common::clock::UnixMillis;

/// What is stored for one user; no row is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Since the last success or quiet time.
    pub failures: u32,
    /// When the last of them was.
    pub last: UnixMillis,
    /// Attempts that are being verified.
    pub in_flight: u32,
    /// When those become failures, unless they have ended.
    pub lease_until: UnixMillis,
}

/// Whether an attempt may be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Yes, once this has been stored.
    Open(Attempts),
    /// Not yet: as many as may still fail are being verified.
    Wait,
    /// No. Cognito: `Password attempts exceeded`.
    Locked { until: UnixMillis },
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
    /// How long an attempt may be in flight.
    pub lease: Duration,
}

impl Ladder {
    /// 1 s from the fifth failure, doubling to 15 minutes at the fifteenth (Cognito developer guide, "Lockout behavior for failed
    /// sign-in attempts"). The lease is longer than a sign-in waits for its hash and its commits.
    pub const COGNITO: Self = Self {
        first_locking: 5,
        first_lock: Duration::from_secs(1),
        longest_lock: Duration::from_secs(15 * 60),
        quiet: Duration::from_secs(15 * 60),
        lease: Duration::from_secs(30),
    };

    /// May an attempt at `now` be verified?
    pub fn admit(&self, stored: Attempts, now: UnixMillis) -> Admission {
        let attempts = self.as_of(stored, now);
        let until = attempts.last.plus(self.lock_after(attempts.failures));
        if attempts.failures > 0 && now < until {
            return Admission::Locked { until };
        }
        // With all of them failed, one more would be a try that the next lock forbids. Beyond the free ones there is one place.
        let could_fail = attempts.failures.saturating_add(attempts.in_flight);
        if attempts.in_flight > 0 && could_fail >= self.first_locking {
            return Admission::Wait;
        }
        let in_flight = attempts.in_flight.saturating_add(1);
        Admission::Open(Attempts { in_flight, lease_until: now.plus(self.lease), ..attempts })
    }

    /// What to store when an attempt that was admitted has failed.
    pub fn failed(&self, stored: Attempts, now: UnixMillis) -> Attempts {
        let attempts = self.as_of(stored, now);
        match attempts.in_flight.checked_sub(1) {
            // Its lease was over: it is counted already.
            None => attempts,
            Some(in_flight) => Attempts {
                failures: attempts.failures.saturating_add(1),
                last: attempts.last.max(now),
                in_flight,
                ..attempts
            },
        }
    }

    /// The wait that follows the failure with this number; zero for the free ones.
    pub fn lock_after(&self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(self.first_locking) else { return Duration::ZERO };
        let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.first_lock.saturating_mul(factor).min(self.longest_lock)
    }

    /// The same with what time has changed. Instants that lie further ahead than any of ours can come from a clock that was set back since;
    /// they must not lock anyone until that clock has caught up.
    fn as_of(&self, stored: Attempts, now: UnixMillis) -> Attempts {
        let mut attempts = stored;
        if now.since(stored.last) >= self.quiet || stored.last.since(now) > self.quiet {
            (attempts.failures, attempts.last) = (0, UnixMillis(0));
        }
        if stored.in_flight > 0 && stored.lease_until <= now {
            attempts.failures = attempts.failures.saturating_add(stored.in_flight);
            attempts.last = attempts.last.max(stored.lease_until);
            attempts.in_flight = 0;
            if now.since(attempts.last) >= self.quiet {
                attempts.failures = 0;
            }
        } else if stored.lease_until.since(now) > self.lease * 2 {
            attempts.in_flight = 0;
        }
        attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LADDER: Ladder = Ladder::COGNITO;
    const START: UnixMillis = UnixMillis(1_000_000_000);

    fn after(span: Duration) -> UnixMillis {
        START.plus(span)
    }

    fn failures(count: u32) -> Attempts {
        Attempts { failures: count, last: START, ..Attempts::default() }
    }

    /// One attempt after the other, each wrong.
    fn guess(attempts: &mut Attempts, now: UnixMillis) -> bool {
        let Admission::Open(open) = LADDER.admit(*attempts, now) else { return false };
        *attempts = LADDER.failed(open, now);
        true
    }

    #[test]
    fn waits_double_from_the_fifth_failure() {
        let seconds = |count| LADDER.lock_after(count).as_secs();
        assert_eq!((0..=4).map(seconds).collect::<Vec<_>>(), [0; 5]);
        assert_eq!((5..=16).map(seconds).collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(seconds(u32::MAX), 900);
    }

    #[test]
    fn the_rungs_one_after_the_other() {
        let (mut attempts, mut now) = (Attempts::default(), START);
        for free in 1..=5 {
            assert!(guess(&mut attempts, now));
            assert_eq!((attempts.failures, attempts.in_flight), (free, 0));
        }
        for rung in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] {
            let before = attempts;
            let until = now.plus(Duration::from_secs(rung));
            assert_eq!(LADDER.admit(attempts, UnixMillis(until.0 - 1)), Admission::Locked { until });
            assert!(!guess(&mut attempts, UnixMillis(until.0 - 1)));
            assert_eq!(attempts, before, "an attempt within a lock changes nothing");
            now = until;
            assert!(guess(&mut attempts, now));
        }
        assert_eq!(LADDER.admit(attempts, now), Admission::Locked { until: now.plus(LADDER.longest_lock) });
    }

    #[test]
    fn quiet_time_starts_anew() {
        for count in [1, 5, 12, 15, 40] {
            let mut attempts = failures(count);
            assert!(guess(&mut attempts, after(LADDER.quiet)));
            assert_eq!(attempts, Attempts { last: after(LADDER.quiet), failures: 1, ..attempts });
        }
        let mut almost = failures(5);
        assert!(guess(&mut almost, UnixMillis(after(LADDER.quiet).0 - 1)));
        assert_eq!(almost.failures, 6);
    }

    #[test]
    fn there_are_as_many_places_as_failures_left() {
        for (failed, places) in [(0, 5), (1, 4), (4, 1), (5, 1), (9, 1)] {
            let mut attempts = failures(failed);
            let now = after(LADDER.lock_after(failed));
            let mut taken = 0;
            while let Admission::Open(open) = LADDER.admit(attempts, now) {
                (attempts, taken) = (open, taken + 1);
            }
            assert_eq!(taken, places, "after {failed} failures");
            assert_eq!(LADDER.admit(attempts, now), Admission::Wait);
        }
    }

    #[test]
    fn a_place_that_nobody_gives_back_becomes_a_failure() {
        let abandoned = Attempts { in_flight: 5, lease_until: after(LADDER.lease), ..failures(0) };
        assert_eq!(LADDER.admit(abandoned, UnixMillis(after(LADDER.lease).0 - 1)), Admission::Wait);
        let until = after(LADDER.lease).plus(LADDER.first_lock);
        assert_eq!(LADDER.admit(abandoned, after(LADDER.lease)), Admission::Locked { until });
        assert!(matches!(LADDER.admit(abandoned, until), Admission::Open(Attempts { failures: 5, in_flight: 1, .. })));
        assert!(matches!(
            LADDER.admit(abandoned, after(LADDER.quiet * 2)),
            Admission::Open(Attempts { failures: 0, .. })
        ));
        assert_eq!(LADDER.failed(abandoned, until).failures, 5, "its own late end counts once");
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_for_longer_than_a_lock() {
        let locked = Attempts { failures: 15, in_flight: 1, last: START, lease_until: after(LADDER.lease) };
        let day_before = START.minus(Duration::from_secs(86_400));
        assert!(matches!(
            LADDER.admit(locked, day_before),
            Admission::Open(Attempts { failures: 0, in_flight: 1, .. })
        ));
        let minutes_before = START.minus(Duration::from_secs(300));
        let Admission::Locked { until } = LADDER.admit(locked, minutes_before) else { panic!() };
        assert!(until.since(minutes_before) <= LADDER.longest_lock + Duration::from_secs(300));
    }

    proptest! {
        /// However wrong guesses are spread, overlap and end, each that is verified is one that the ladder gives to guesses which come one
        /// after the other: a free one, or the only one since a lock ended.
        #[test]
        fn guesses_in_parallel_get_no_more_than_one_after_the_other(
            steps in proptest::collection::vec((0u64..3_000, any::<bool>()), 1..400)
        ) {
            let (mut now, mut stored) = (START, Attempts::default());
            for (wait, ends) in steps {
                now = now.plus(Duration::from_millis(wait));
                if ends && stored.in_flight > 0 {
                    stored = LADDER.failed(stored, now);
                } else if let Admission::Open(open) = LADDER.admit(stored, now) {
                    let is_free = open.failures + open.in_flight <= LADDER.first_locking;
                    let after_lock = now.since(open.last) >= LADDER.lock_after(open.failures);
                    prop_assert!(after_lock && (is_free || open.in_flight == 1), "{open:?}");
                    stored = open;
                }
            }
        }

        /// A user's own sign-ins, however parallel, never lock: each ends by giving its place back.
        #[test]
        fn right_passwords_never_lock(ends in proptest::collection::vec(any::<bool>(), 1..200)) {
            let mut stored = Attempts::default();
            for end in ends {
                match LADDER.admit(stored, START) {
                    Admission::Open(open) if !end => stored = open,
                    Admission::Locked { .. } => prop_assert!(false, "locked"),
                    _ => stored.in_flight = stored.in_flight.saturating_sub(1),
                }
                prop_assert_eq!(stored.failures, 0);
            }
        }
    }
}
