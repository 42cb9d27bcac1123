//! What one password was tried with lately.
//!
//! People who mistype use the same wrong passwords as others do, and then succeed with another. So a name counts only when it has had a minute to do so
//! and has not. The first sixteen such names are kept, not the last: under a flood the last sixteen are all of the last second.

use std::time::Duration;

use super::ring::{Ring, State, Tried};
use super::ways::Kept;
use crate::rates::Moment;

/// For so long a name that failed may succeed yet.
const PATIENCE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

#[derive(Default)]
pub struct OfPassword {
    names: Ring,
    /// Attempts, since there was no failed name here last.
    failed: u32,
    succeeded: u32,
}

impl OfPassword {
    /// A name failed, or succeeded, with the password.
    pub fn tried(&mut self, now: Moment, name: u32, state: State) {
        if self.names.failed(now, Duration::ZERO, HOUR) == 0 {
            (self.failed, self.succeeded) = (0, 0);
        }
        match state {
            State::Failed => {
                self.failed = self.failed.saturating_add(1);
                self.names.keep(now, HOUR, Tried::new(now, name, 0, state));
            }
            State::Succeeded => {
                self.succeeded = self.succeeded.saturating_add(1);
                self.names.forget(name);
            }
            State::Empty | State::Pending => {}
        }
    }

    /// A name that failed with the password has succeeded with another.
    pub fn mistyped(&mut self, name: u32) {
        self.failed = self.failed.saturating_sub(1);
        self.names.forget(name);
    }

    /// So many names, or more, fail with it and little else comes of it; whoever has failed with it before is none of them.
    pub fn is_sprayed(&self, now: Moment, least: u32, name: u32) -> bool {
        let failed = self.names.failed(now, PATIENCE, HOUR);
        failed >= least && self.failed >= 3 * self.succeeded && !self.names.standing(now, HOUR, name).is_known
    }
}

impl Kept for OfPassword {
    fn weight(&self) -> u32 {
        self.names.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::after(Duration::from_secs(1_000 + seconds))
    }

    #[test]
    fn names_that_fail_and_stay_away() {
        let mut of = OfPassword::default();
        (0..1_000).for_each(|name| of.tried(at(0), name, State::Failed));
        assert!(!of.is_sprayed(at(30), 10, 5_000), "they may have mistyped it");
        assert!(
            of.is_sprayed(at(61), 10, 5_000) && !of.is_sprayed(at(61), 10, 3),
            "this one has failed with it before"
        );
        assert!(!of.is_sprayed(at(4_000), 10, 5_000));
    }

    #[test]
    fn people_with_one_typo_and_people_with_one_password() {
        let mut of = OfPassword::default();
        for name in 0..100 {
            of.tried(at(u64::from(name)), name, State::Failed);
            of.mistyped(name);
        }
        assert!(!of.is_sprayed(at(200), 1, 5_000), "everybody has succeeded with another");
        (200..208).for_each(|name| of.tried(at(100), name, State::Failed));
        assert!(of.is_sprayed(at(200), 5, 5_000));
        (300..303).for_each(|name| of.tried(at(101), name, State::Succeeded));
        assert!(!of.is_sprayed(at(200), 5, 5_000), "many have it for theirs");
    }
}
