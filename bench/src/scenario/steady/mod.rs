//! Scenarios in which every system does the same thing over and over, one file each. They are measured together in interleaved
//! rounds, so that any two of their figures can be divided.

mod never_seen;
mod pipeline;
mod plain_pass;
mod repeats_95;
mod token_gate;

use crate::peers::Way;

/// Which tokens the requests carry. Plain passes carry them too, so that all systems move the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// The run's known tokens in turn; each has been sent before the measurement.
    Known,
    /// Tokens that no system has seen, each sent once.
    New,
    /// Of twenty requests nineteen carry known tokens and one carries a new one.
    MostlyKnown,
}

/// A workload of the interleaved rounds.
pub trait Steady {
    fn name(&self) -> &'static str;
    fn title(&self) -> &'static str;
    fn about(&self) -> &'static str;
    /// How a system is asked; one that does not offer this is left out.
    fn way(&self) -> Way;
    fn supply(&self) -> Supply;
}

/// All of them, in the order of a report.
pub const ALL: [&dyn Steady; 5] = [
    &plain_pass::PlainPass,
    &token_gate::TokenGate,
    &pipeline::Pipeline,
    &never_seen::NeverSeen,
    &repeats_95::Repeats95,
];
