//! What is read around every load, one file a measure.

mod lag;
mod memory;
mod processor;
mod throughput;
mod waiting;

use crate::finding::{Better, Unit};
use crate::load::Outcome;
use crate::scenario::BenchError;

/// One value of one measure, of one system in one round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Key of the figure in a report.
    pub name: &'static str,
    pub unit: Unit,
    pub better: Better,
    pub value: f64,
}

/// Something that is read before a load and after it.
pub trait Measure {
    /// The load on process `pid` is about to begin.
    fn before(&mut self, pid: u32) -> Result<(), BenchError>;

    /// It is over. What cannot be said of so few requests is left out.
    fn after(&mut self, pid: u32, outcome: &Outcome) -> Result<Vec<Reading>, BenchError>;
}

/// Every measure, in the order of a report.
pub fn all() -> Vec<Box<dyn Measure>> {
    vec![
        Box::new(processor::Processor::default()),
        Box::new(throughput::Throughput),
        Box::new(waiting::Waiting),
        Box::new(lag::Lag),
        Box::new(memory::Memory),
    ]
}

/// Those that look at the load alone: for what has no process of its own.
pub fn of_the_load() -> Vec<Box<dyn Measure>> {
    vec![Box::new(throughput::Throughput), Box::new(waiting::Waiting), Box::new(lag::Lag)]
}
