//! Scenarios in which something happens while the load runs, one file each.

mod beside;
mod churn;
mod deployment;
mod floods;
mod fresh_edge;
mod half_load;
mod issuer;
mod key_rotation;
mod latency;
mod many_revocations;
mod overload;
mod pushed_revocations;
mod reload;
mod revocations;
mod subject;
mod web_acl;

use std::time::{Duration, Instant};

pub use self::deployment::Deployment;
use super::lab::Lab;
use super::progress::{Progress, Step};
use super::{BenchError, Options};
use crate::finding::ScenarioFinding;

/// What a scenario may use.
pub struct Bench<'a> {
    pub lab: &'a mut Lab,
    pub options: &'a Options,
    /// What the interleaved rounds have found before, capacities among it.
    pub rounds: &'a [ScenarioFinding],
    /// When its time is over.
    pub end: Instant,
    pub progress: &'a mut dyn Progress,
    /// Issuer and edge for the scenarios that need both: the first of them starts it, the others find it here.
    pub deployment: &'a mut Option<Deployment>,
}

impl Bench<'_> {
    /// Time that is left.
    pub fn left(&self) -> Duration {
        self.options.stop.or(self.end.saturating_duration_since(Instant::now()))
    }

    /// Length of one of `count` measurements that are made one after the other: the wanted one, or what the time allows. A part of the
    /// time is kept for what lies between them.
    fn slice(&self, count: usize, wanted: Duration) -> Duration {
        slice(self.left(), count, wanted)
    }

    /// Times that every system is measured.
    fn repeats(&self, wanted: u32) -> u32 {
        wanted.min(self.options.rounds)
    }
}

/// Share of the time that is measured; the rest goes for warming up, connecting and reading `/proc`.
const MEASURED_SHARE: f64 = 0.8;

fn slice(left: Duration, count: usize, wanted: Duration) -> Duration {
    let count = u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    wanted.min(left.mul_f64(MEASURED_SHARE) / count)
}

/// Counts the measurements of a scenario for whoever watches.
struct Steps {
    what: &'static str,
    number: usize,
    of: usize,
}

impl Steps {
    fn new(what: &'static str, of: usize) -> Self {
        Self { what, number: 0, of }
    }

    /// The next measurement, of a system, begins.
    fn next(&mut self, progress: &mut dyn Progress, system: &str) {
        self.number += 1;
        progress.step(Step { what: self.what, system, number: self.number, of: self.of });
    }
}

/// A scenario that runs by itself.
pub trait Live {
    fn name(&self) -> &'static str;
    fn title(&self) -> &'static str;
    fn about(&self) -> &'static str;

    /// Share of the time that it should have, beside 1 for a short one.
    fn weight(&self) -> u32 {
        1
    }

    /// Measures for at most the time that is left, and leaves nothing running but the deployment.
    ///
    /// # Errors
    /// When it could not be measured; the report names it as missing with the reason.
    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError>;
}

/// A finding without figures.
fn finding(of: &dyn Live) -> ScenarioFinding {
    ScenarioFinding {
        name: of.name().into(),
        title: of.title().into(),
        about: of.about().into(),
        ..ScenarioFinding::default()
    }
}

/// All of them, in the order of a report. Those that use the deployment stand together.
pub const ALL: [&dyn Live; 16] = [
    &latency::LatencyUnderLoad,
    &half_load::HalfLoad,
    &overload::Overload,
    &reload::Reload,
    &churn::Churn,
    &pushed_revocations::PushedRevocations,
    &many_revocations::ManyRevocations,
    &floods::Floods,
    &web_acl::ThirtyRules,
    &web_acl::Shipped,
    &revocations::Revocations,
    &key_rotation::KeyRotation,
    &issuer::SignInPassword,
    &issuer::SignInSrp,
    &issuer::Refresh,
    &issuer::SignUp,
];

/// What the scenario at the front of `weights` gets of the time that is left for all of them.
pub fn share(left: Duration, weights: &[u32]) -> Duration {
    let all: u32 = weights.iter().sum();
    let first = weights.first().copied().unwrap_or_default();
    left.mul_f64(f64::from(first) / f64::from(all.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_divided_by_weight_and_slices_fit_into_it() {
        let second = Duration::from_secs(1);
        assert_eq!(share(second * 12, &[2, 1, 3]), second * 4);
        assert_eq!(share(second * 3, &[3]), second * 3);
        assert_eq!(share(second, &[]), Duration::ZERO);
        assert_eq!(slice(second * 100, 10, second), second);
        assert_eq!(slice(second * 10, 16, second), second / 2);
        assert_eq!(slice(second, 0, second * 9), Duration::from_millis(800));
    }
}
