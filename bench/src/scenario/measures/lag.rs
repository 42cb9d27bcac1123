//! How late after their intended start the generator let requests go: what part of the latency may be its own.

use super::{Measure, Reading};
use crate::finding::{Better, Unit};
use crate::load::Outcome;
use crate::scenario::BenchError;

/// Reads the outcome; says nothing of a closed loop, whose requests have no intended start.
pub struct Lag;

impl Measure for Lag {
    fn before(&mut self, _: u32) -> Result<(), BenchError> {
        Ok(())
    }

    fn after(&mut self, _: u32, outcome: &Outcome) -> Result<Vec<Reading>, BenchError> {
        let reading =
            |us| Reading { name: "lag_p99_us", unit: Unit::Micros, better: Better::Neither, value: us as f64 };
        Ok(outcome.lag.quantile_us(0.99).map(reading).into_iter().collect())
    }
}
