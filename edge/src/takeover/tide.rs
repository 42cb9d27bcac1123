//! Whether an attack is on: many addresses fail at once, far more than is usual here.
//!
//! An attack by hundreds of addresses with few attempts each shows at none of them before it is half over; it shows in all of them together at once. So
//! while it is on, less is needed to refuse an address ([`super::Watch`]). That is all it does: nobody is refused for the tide alone.

use crate::rates::Moment;

/// What makes a tide: failures that fade with a time constant (seconds), and how many of them there must be. One is quick; the other sees an attack
/// that takes its time.
const SPEEDS: [(f64, f64); 2] = [(120.0, 15.0), (3_600.0, 60.0)];
/// The usual share of failures is learnt in the course of so many seconds.
const LEARNS: f64 = 24.0 * 3_600.0;
/// Before anything is learnt.
const USUAL: f64 = 0.08;
/// Whatever is learnt, the usual share is taken to lie in between.
const PLAUSIBLE: (f64, f64) = (0.03, 0.2);
/// So many times the usual share makes a tide, and at least so large a share.
const ABOVE: f64 = 3.0;
const LEAST_SHARE: f64 = 0.2;
/// So many times as many are counted at most.
const MOST: f64 = 5.0;
/// It is over at this part of what makes it.
const OVER: f64 = 0.5;

/// Failures and successes of a route's sign-ins, each address counted at most every two seconds.
#[derive(Clone, Debug)]
pub struct Tide {
    waves: [Wave; 2],
    usual: f64,
    at: Moment,
}

#[derive(Clone, Copy, Debug, Default)]
struct Wave {
    failed: f64,
    succeeded: f64,
    is_on: bool,
}

impl Default for Tide {
    fn default() -> Self {
        Self { waves: Default::default(), usual: USUAL, at: Moment::default() }
    }
}

impl Tide {
    pub fn failed(&mut self, now: Moment) {
        self.pass(now);
        for (wave, (_, least)) in self.waves.iter_mut().zip(SPEEDS) {
            wave.failed += 1.0;
            // Nothing of the share changes; what came longest ago counts for less, so that a large attack is over as soon as a small one.
            let scale = (MOST * least / wave.failed).min(1.0);
            wave.failed *= scale;
            wave.succeeded *= scale;
        }
    }

    pub fn succeeded(&mut self, now: Moment) {
        self.pass(now);
        self.waves.iter_mut().for_each(|wave| wave.succeeded += 1.0);
    }

    pub fn is_on(&mut self, now: Moment) -> bool {
        self.pass(now);
        let bound = (ABOVE * self.usual).max(LEAST_SHARE);
        for (wave, (_, least)) in self.waves.iter_mut().zip(SPEEDS) {
            let part = if wave.is_on { OVER } else { 1.0 };
            wave.is_on = wave.failed >= part * least && wave.share() >= part * bound;
        }
        self.waves.iter().any(|wave| wave.is_on)
    }

    /// How much there is to forget, as of when it was last looked at.
    pub fn level(&self) -> f64 {
        self.waves.iter().map(|wave| wave.failed + wave.succeeded).sum()
    }

    fn pass(&mut self, now: Moment) {
        let passed = self.at.until(now).as_secs_f64();
        if passed <= 0.0 {
            return; // another thread was first
        }
        let [quick, slow] = self.waves;
        if !quick.is_on && !slow.is_on && quick.failed + quick.succeeded >= 1.0 {
            self.usual += (quick.share() - self.usual) * (passed / LEARNS).min(1.0);
            self.usual = self.usual.clamp(PLAUSIBLE.0, PLAUSIBLE.1);
        }
        for (wave, (fades, _)) in self.waves.iter_mut().zip(SPEEDS) {
            let left = (-passed / fades).exp();
            wave.failed *= left;
            wave.succeeded *= left;
        }
        self.at = now;
    }
}

impl Wave {
    fn share(&self) -> f64 {
        self.failed / (self.failed + self.succeeded).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::after(Duration::from_millis(millis))
    }

    #[test]
    fn it_comes_with_failures_and_goes_by_itself() {
        let mut tide = Tide::default();
        (0..1_000).for_each(|n| if n % 12 == 0 { tide.failed(at(n * 100)) } else { tide.succeeded(at(n * 100)) });
        assert!(!tide.is_on(at(100_000)), "eight of a hundred are usual");
        (0..2_000).for_each(|n| tide.failed(at(100_000 + n * 20)));
        assert!(tide.is_on(at(140_000)));
        assert!(tide.is_on(at(140_000 + 60 * 60_000)), "two thousand failures in the last hour");
        assert!(!tide.is_on(at(140_000 + 3 * 60 * 60_000)), "nothing keeps it on");
    }

    #[test]
    fn few_failures_are_none_and_nobody_teaches_it_that_failing_is_usual() {
        let mut tide = Tide::default();
        (0..14).for_each(|n| tide.failed(at(n)));
        assert!(!tide.is_on(at(20)));
        // A day of nothing but failures.
        let mut tide = Tide::default();
        (0..86_400).for_each(|n| tide.failed(at(n * 1_000)));
        assert!(tide.is_on(at(86_400_000)) && tide.usual <= PLAUSIBLE.1);
    }
}
