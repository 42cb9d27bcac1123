//! Quantiles of the latency of requests that succeeded.

use super::{Measure, Reading};
use crate::finding::{Better, Unit};
use crate::load::Outcome;
use crate::scenario::BenchError;

const QUANTILES: [(&str, f64); 4] = [("p50_us", 0.5), ("p90_us", 0.9), ("p99_us", 0.99), ("p999_us", 0.999)];

/// Reads the outcome.
pub struct Waiting;

impl Measure for Waiting {
    fn before(&mut self, _: u32) -> Result<(), BenchError> {
        Ok(())
    }

    fn after(&mut self, _: u32, outcome: &Outcome) -> Result<Vec<Reading>, BenchError> {
        let reading = |(name, at): (&'static str, f64)| {
            let value = outcome.latency.quantile_us(at)? as f64;
            Some(Reading { name, unit: Unit::Micros, better: Better::Lower, value })
        };
        Ok(QUANTILES.into_iter().filter_map(reading).collect())
    }
}
