//! The last attempts of one source: who was tried, with what, and how it ended.
//!
//! Sixteen attempts, not a window of counters: what tells stuffing from honest people is *different names that fail and never succeed*, and that can be
//! told from the attempts themselves only. A busy address that is honest (an office, a carrier's gateway) is judged by its latest sixteen, among which few fail.

use std::time::Duration;

use crate::rates::Moment;

/// Attempts that are remembered.
pub const LENGTH: usize = 16;
/// An attempt without an answer counts for so long.
const UNANSWERED: Duration = Duration::from_secs(60);

/// How an attempt stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Empty,
    /// It is on its way.
    Pending,
    Failed,
    Succeeded,
}

/// One attempt. Names and passwords are 32 bits of keyed digests: enough to tell sixteen apart, too little to say whose they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tried {
    /// [`Moment::coarse`].
    at: u32,
    pub name: u32,
    pub password: u32,
    pub state: State,
    /// The issuer says that others know this password.
    pub compromised: bool,
}

impl Tried {
    pub fn new(now: Moment, name: u32, password: u32, state: State) -> Self {
        Self { at: now.coarse(), name, password, state, compromised: false }
    }

    fn is_within(&self, now: Moment, span: Duration) -> bool {
        let age = now.coarse().wrapping_sub(self.at);
        // What another thread has written a moment later is new.
        self.state != State::Empty && (age <= Moment::after(span).coarse() || age > u32::MAX / 2)
    }
}

/// The latest attempts whose end is known or awaited, in no order.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    tried: [Tried; LENGTH],
}

/// What a ring says of its source. Names are counted once each, by the best that came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Names that failed and never succeeded.
    pub failed: u32,
    pub succeeded: u32,
    /// Names of which nothing but attempts on their way is known.
    pub pending: u32,
    /// The name that is asked about has been tried.
    pub is_known: bool,
    /// Names that were tried with a password of which the issuer says that others know it.
    pub compromised: u32,
}

impl Standing {
    /// So many names fail, and three of four whose end is known.
    pub fn fails_mostly(&self, least: u32) -> bool {
        self.failed >= least && self.failed >= 3 * self.succeeded
    }

    /// So many names fail, and two of three whose end is known.
    pub fn fails_often(&self, least: u32) -> bool {
        self.failed >= least && self.failed >= 2 * self.succeeded
    }
}

impl Ring {
    /// Takes the place of an attempt that said nothing, else that of the oldest.
    pub fn push(&mut self, tried: Tried) {
        let age = |one: &Tried| tried.at.wrapping_sub(one.at) as i32;
        let place = self.tried.iter_mut().max_by_key(|one| (one.state == State::Empty, age(one)));
        if let Some(place) = place {
            *place = tried;
        }
    }

    /// Takes a place that is free, or whose attempt is older than `span`. Without one nothing is kept; nor where the name is known.
    pub fn keep(&mut self, now: Moment, span: Duration, tried: Tried) {
        let is_there = |one: &Tried| one.is_within(now, span);
        if !self.tried.iter().any(|one| is_there(one) && one.name == tried.name)
            && let Some(place) = self.tried.iter_mut().find(|one| !is_there(one))
        {
            *place = tried;
        }
    }

    pub fn forget(&mut self, name: u32) {
        self.tried.iter_mut().filter(|one| one.name == name).for_each(|one| one.state = State::Empty);
    }

    /// Attempts that failed between `from` and `to` ago.
    pub fn failed(&self, now: Moment, from: Duration, to: Duration) -> u32 {
        let counts = |one: &&Tried| {
            let is_old = from.is_zero() || !one.is_within(now, from);
            one.state == State::Failed && is_old && one.is_within(now, to)
        };
        self.tried.iter().map(|one| u32::from(counts(&one))).sum()
    }

    /// The attempt that was pushed as pending has ended so. One that newer ones have driven out stays away.
    pub fn end(&mut self, began: Tried, state: State, compromised: bool) {
        let is_it = |one: &&mut Tried| {
            one.state == State::Pending && (one.at, one.name, one.password) == (began.at, began.name, began.password)
        };
        if let Some(place) = self.tried.iter_mut().find(is_it) {
            place.state = state;
            place.compromised = compromised;
        }
    }

    /// How the source stands by its attempts of the last `span`, before one on `name`.
    pub fn standing(&self, now: Moment, span: Duration, name: u32) -> Standing {
        let mut standing = Standing::default();
        let counts = |one: &&Tried| one.is_within(now, if one.state == State::Pending { UNANSWERED } else { span });
        for (at, one) in self.tried.iter().enumerate().filter(|(_, one)| counts(one)) {
            standing.is_known |= one.name == name;
            let same = |other: &&Tried| other.name == one.name && counts(other);
            if self.tried.iter().take(at).filter(same).count() > 0 {
                continue; // counted with the first
            }
            standing.compromised += u32::from(self.tried.iter().filter(same).any(|other| other.compromised));
            let best = self.tried.iter().filter(same).map(|other| other.state);
            match best.max_by_key(|state| rank(*state)) {
                Some(State::Succeeded) => standing.succeeded += 1,
                Some(State::Failed) => standing.failed += 1,
                Some(State::Pending) => standing.pending += 1,
                Some(State::Empty) | None => {}
            }
        }
        standing
    }

    /// Different passwords that failed for a name, or are on their way.
    pub fn passwords_of(&self, now: Moment, span: Duration, name: u32) -> u32 {
        self.different(now, span, |one| (one.name == name).then_some(one.password))
    }

    /// Different names that failed with a password, or are on their way, and have not succeeded with another.
    pub fn names_with(&self, now: Moment, span: Duration, password: u32) -> u32 {
        let succeeded = |name| self.tried.iter().any(|one| one.name == name && one.state == State::Succeeded);
        self.different(now, span, |one| (one.password == password && !succeeded(one.name)).then_some(one.name))
    }

    /// Passwords that failed for a name.
    pub fn failed_with(&self, name: u32) -> impl Iterator<Item = u32> {
        let failed = self.tried.iter().filter(move |one| one.name == name && one.state == State::Failed);
        failed.map(|one| one.password)
    }

    /// Different passwords that failed, or are on their way.
    pub fn passwords(&self, now: Moment, span: Duration) -> u32 {
        self.different(now, span, |one| Some(one.password))
    }

    fn different(&self, now: Moment, span: Duration, of: impl Fn(&Tried) -> Option<u32>) -> u32 {
        let found = |one: &Tried| {
            of(one).filter(|_| one.is_within(now, span) && matches!(one.state, State::Failed | State::Pending))
        };
        let is_first = |at: usize, value: u32| !self.tried.iter().take(at).any(|one| found(one) == Some(value));
        let all = self.tried.iter().enumerate().filter_map(|(at, one)| found(one).map(|value| (at, value)));
        all.map(|(at, value)| u32::from(is_first(at, value))).sum()
    }

    /// How much is lost if it is forgotten: attempts whose end is known.
    pub fn weight(&self) -> u32 {
        self.tried.iter().map(|one| u32::from(matches!(one.state, State::Failed | State::Succeeded))).sum()
    }
}

fn rank(state: State) -> u8 {
    match state {
        State::Empty => 0,
        State::Pending => 1,
        State::Failed => 2,
        State::Succeeded => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(seconds: u64) -> Moment {
        Moment::after(Duration::from_secs(seconds))
    }

    #[test]
    fn a_name_counts_once_by_its_best() {
        let mut ring = Ring::default();
        for (second, name, state) in [
            (1, 7, State::Failed),
            (2, 7, State::Failed),
            (3, 7, State::Succeeded),
            (4, 8, State::Failed),
            (5, 9, State::Pending),
        ] {
            ring.push(Tried::new(at(second), name, name, state));
        }
        let standing = ring.standing(at(10), HOUR, 8);
        assert_eq!((standing.failed, standing.succeeded, standing.pending, standing.is_known), (1, 1, 1, true));
        let later = ring.standing(at(3_604), HOUR, 8);
        assert_eq!(
            (later.failed, later.succeeded, later.pending),
            (1, 0, 0),
            "the window goes on, and nothing is on its way for so long"
        );
        assert!(!ring.standing(at(9_000), HOUR, 8).is_known);
    }

    #[test]
    fn the_end_of_an_attempt_replaces_it() {
        let mut ring = Ring::default();
        let began = Tried::new(at(1), 7, 1, State::Pending);
        ring.push(began);
        ring.end(began, State::Failed, true);
        let standing = ring.standing(at(2), HOUR, 7);
        assert_eq!((standing.failed, standing.pending, standing.compromised), (1, 0, 1));
        ring.end(began, State::Succeeded, false);
        assert_eq!(ring.standing(at(2), HOUR, 7).failed, 1, "it ends once");
        ring.push(began);
        ring.end(began, State::Empty, false);
        assert_eq!(ring.standing(at(2), HOUR, 7).pending, 0, "an attempt without an answer says nothing");
    }

    #[test]
    fn passwords_and_names_are_told_apart() {
        let mut ring = Ring::default();
        for number in 0..20_u32 {
            ring.push(Tried::new(at(1), 7, number, State::Failed));
        }
        assert_eq!(ring.passwords_of(at(2), HOUR, 7), LENGTH as u32, "no more than it holds");
        assert_eq!((ring.passwords_of(at(2), HOUR, 8), ring.names_with(at(2), HOUR, 19)), (0, 1));
    }
}
