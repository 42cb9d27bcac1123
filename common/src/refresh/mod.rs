//! When to fetch something that others publish, such as a key set, and how long to believe it.
//!
//! A pure state machine: the caller brings the time, does the fetching, and tells how it ended. It promises:
//! - one fetch at a time, and no two begin within the cool-down, whatever they are for and however they end. The cool-down is counted from the
//!   **attempt**: counted from the last success it would not hold while the source is away, and counted from what a fetch brought it would not
//!   hold for a set that stays empty (SECURITY.md T10, E17);
//! - a name that nobody knows brings a fetch as soon as the cool-down allows, so that a flood of invented names can't hide a real one (T11);
//! - what was fetched stays good while the source is away, for so long and no longer;
//! - a clock that goes backwards counts as one that stood still: it puts off no fetch and keeps nothing good for longer.

mod caching;

use std::time::Duration;

use crate::clock::UnixMillis;

pub use self::caching::{lifetime, retry_after};

/// The shortest time that a source may ask to be believed for; what wants less is fetched this often.
const SHORTEST: Duration = Duration::from_secs(60);
/// The longest pause after a fetch that failed, unless the plan wants longer ones.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A tenth of each wait is chance, so that edges that were started together don't ask together.
const CHANCE_SHARE: u64 = 10;

/// How often, how seldom, how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    refresh: Duration,
    cool_down: Duration,
    max_stale: Duration,
}

/// What is wrong with a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("must be between 1s and 1h")]
    CoolDown,
    #[error("must be between `cool_down` and 7d")]
    Refresh,
    #[error("must be between `refresh` and 30d")]
    MaxStale,
}

impl Plan {
    /// `refresh`: how often to fetch. `cool_down`: how seldom at most. `max_stale`: how long what was fetched is good without another success.
    pub fn new(refresh: Duration, cool_down: Duration, max_stale: Duration) -> Result<Self, PlanError> {
        const HOUR: Duration = Duration::from_secs(3_600);
        if !(Duration::from_secs(1)..=HOUR).contains(&cool_down) {
            Err(PlanError::CoolDown)
        } else if !(cool_down..=HOUR * 24 * 7).contains(&refresh) {
            Err(PlanError::Refresh)
        } else if !(refresh..=HOUR * 24 * 30).contains(&max_stale) {
            Err(PlanError::MaxStale)
        } else {
            Ok(Self { refresh, cool_down, max_stale })
        }
    }

    pub fn max_stale(&self) -> Duration {
        self.max_stale
    }
}

/// A number that the caller drew; all values are as likely.
#[derive(Clone, Copy, Debug)]
pub struct Chance(pub u32);

impl Chance {
    /// Between nothing and a tenth of `span`.
    fn share_of(self, span: Duration) -> Duration {
        let most = u64::try_from(span.as_millis()).unwrap_or(u64::MAX) / CHANCE_SHARE;
        Duration::from_millis(((u128::from(most) * u128::from(self.0)) >> 32) as u64)
    }
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Begin a fetch. The machine counts it as begun: tell how it ends.
    Fetch,
    /// Nothing before this time has passed, unless a name is not known.
    Wait(Duration),
    /// A fetch is under way.
    Busy,
}

/// The state of one source.
#[derive(Clone, Debug)]
pub struct Refresher {
    plan: Plan,
    /// The newest time that was seen.
    seen: UnixMillis,
    fetching: bool,
    /// Somebody asked for what is not there.
    wanted: bool,
    attempted: Option<UnixMillis>,
    fetched: Option<UnixMillis>,
    /// In a row.
    failures: u32,
    due: UnixMillis,
    /// What the source asked for when it refused, within bounds.
    held_off: Duration,
}

impl Refresher {
    /// A first fetch is due at once. `fetched` is when something kept from an earlier process was fetched; it is no attempt of this one.
    pub fn new(plan: Plan, now: UnixMillis, fetched: Option<UnixMillis>) -> Self {
        Self {
            plan,
            seen: now,
            fetching: false,
            wanted: false,
            attempted: None,
            fetched: fetched.map(|at| at.min(now)),
            failures: 0,
            due: now,
            held_off: Duration::ZERO,
        }
    }

    pub fn next(&mut self, now: UnixMillis) -> Next {
        self.see(now);
        if self.fetching {
            return Next::Busy;
        }
        let due = if self.wanted { self.earliest() } else { self.due.max(self.earliest()) };
        if now < due {
            return Next::Wait(due.since(now));
        }
        (self.fetching, self.wanted, self.attempted) = (true, false, Some(now));
        Next::Fetch
    }

    /// A name came that is not among what was fetched. Any number of these is one wish. One that comes while a fetch is under way stays: that
    /// fetch may have begun before the name was published.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// The fetch brought something good, or word that nothing has changed. `lifetime` is how long the source wants it to be believed.
    pub fn succeeded(&mut self, now: UnixMillis, lifetime: Option<Duration>, chance: Chance) {
        self.see(now);
        let shortest = SHORTEST.min(self.plan.refresh);
        let wait = lifetime.unwrap_or(self.plan.refresh).clamp(shortest, self.plan.refresh);
        (self.fetching, self.failures, self.fetched) = (false, 0, Some(now));
        self.held_off = Duration::ZERO;
        self.due = now.plus(wait.saturating_sub(chance.share_of(wait)));
    }

    /// The fetch brought nothing that can be used. `retry_after` is what the source asked for.
    pub fn failed(&mut self, now: UnixMillis, retry_after: Option<Duration>, chance: Chance) {
        self.see(now);
        let longest = LONGEST_PAUSE.min(self.plan.refresh).max(self.plan.cool_down);
        let pause = self.plan.cool_down.saturating_mul(1 << self.failures.min(16)).min(longest);
        (self.fetching, self.failures) = (false, self.failures.saturating_add(1));
        self.held_off = retry_after.unwrap_or_default().min(self.plan.refresh);
        self.due = now.plus(pause + chance.share_of(pause));
    }

    /// Since the last success; `None` before the first.
    pub fn age(&self, now: UnixMillis) -> Option<Duration> {
        self.fetched.map(|at| now.since(at))
    }

    /// Until when what was fetched is good; `None` before the first success.
    pub fn good_until(&self) -> Option<UnixMillis> {
        self.fetched.map(|at| at.plus(self.plan.max_stale))
    }

    /// How many fetches have failed since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Before this time no fetch begins, whatever it is for.
    fn earliest(&self) -> UnixMillis {
        self.attempted.map_or(UnixMillis(0), |at| at.plus(self.plan.cool_down.max(self.held_off)))
    }

    /// Where the clock was set back, everything that was noted by it goes back as far: the spans between stay what they were.
    fn see(&mut self, now: UnixMillis) {
        let back = self.seen.since(now);
        if !back.is_zero() {
            self.attempted = self.attempted.map(|at| at.minus(back));
            self.fetched = self.fetched.map(|at| at.minus(back));
            self.due = self.due.minus(back);
        }
        self.seen = now;
    }
}

#[cfg(test)]
mod tests;
