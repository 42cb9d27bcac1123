//! Proportional memory of the measured process and its descendants right after the load.

use super::{Measure, Reading};
use crate::finding::{Better, Unit};
use crate::load::Outcome;
use crate::measure::process_tree_pss_bytes;
use crate::scenario::BenchError;

/// Reads `/proc` once a load.
pub struct Memory;

impl Measure for Memory {
    fn before(&mut self, _: u32) -> Result<(), BenchError> {
        Ok(())
    }

    fn after(&mut self, pid: u32, _: &Outcome) -> Result<Vec<Reading>, BenchError> {
        let bytes = process_tree_pss_bytes(pid).map_err(|source| BenchError::Accounting { pid, source })?;
        Ok(vec![Reading { name: "pss_bytes", unit: Unit::Bytes, better: Better::Lower, value: bytes as f64 }])
    }
}
