//! What a run is doing, for whoever wants to show it.

/// One measurement that is about to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Scenario or phase, for readers.
    pub what: &'a str,
    /// System, for readers; empty when all are meant.
    pub system: &'a str,
    /// Which of how many in this phase, from 1.
    pub number: usize,
    pub of: usize,
}

/// Told of every step as it begins.
pub trait Progress {
    fn step(&mut self, step: Step<'_>);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn step(&mut self, _: Step<'_>) {}
}
