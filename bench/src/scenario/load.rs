//! One plan against a server of the operator's choice: what came of it, and what it cost here.

use crate::load::{Outcome, Plan, Requests};
use crate::measure::{CpuTime, own_cpu_clock};
use crate::scenario::error::BenchError;

/// A plan's outcome, and the processor time of this process meanwhile.
#[derive(Debug)]
pub struct Loaded {
    pub outcome: Outcome,
    pub generator: CpuTime,
}

/// Runs the plan on the calling thread.
pub fn run(plan: &mut Plan<impl Requests>) -> Result<Loaded, BenchError> {
    let read = || own_cpu_clock().map_err(|source| BenchError::Accounting { pid: std::process::id(), source });
    let before = read()?;
    let outcome = plan.run()?;
    Ok(Loaded { outcome, generator: read()?.since(&before) })
}
