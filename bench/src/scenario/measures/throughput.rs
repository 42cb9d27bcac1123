//! Requests that succeeded a second.

use super::{Measure, Reading};
use crate::finding::{Better, Unit};
use crate::load::Outcome;
use crate::scenario::BenchError;

/// Reads the outcome.
pub struct Throughput;

impl Measure for Throughput {
    fn before(&mut self, _: u32) -> Result<(), BenchError> {
        Ok(())
    }

    fn after(&mut self, _: u32, outcome: &Outcome) -> Result<Vec<Reading>, BenchError> {
        let value = outcome.per_second();
        Ok(vec![Reading { name: "per_second", unit: Unit::PerSecond, better: Better::Higher, value }])
    }
}
