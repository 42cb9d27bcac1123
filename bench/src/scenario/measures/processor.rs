//! Processor time a request of the measured process, its user and kernel parts, and the generator's share of all.

use super::{Measure, Reading};
use crate::finding::{Better, Unit};
use crate::load::Outcome;
use crate::measure::{CpuClock, CpuTime, own_cpu_clock, process_tree_clock};
use crate::scenario::BenchError;

/// Reads both processes' time.
#[derive(Default)]
pub struct Processor {
    measured: CpuClock,
    generator: CpuClock,
}

fn read(pid: u32) -> Result<(CpuClock, CpuClock), BenchError> {
    let at = |pid| move |source| BenchError::Accounting { pid, source };
    Ok((process_tree_clock(pid).map_err(at(pid))?, own_cpu_clock().map_err(at(std::process::id()))?))
}

impl Measure for Processor {
    fn before(&mut self, pid: u32) -> Result<(), BenchError> {
        (self.measured, self.generator) = read(pid)?;
        Ok(())
    }

    fn after(&mut self, pid: u32, outcome: &Outcome) -> Result<Vec<Reading>, BenchError> {
        let (measured, generator) = read(pid)?;
        Ok(readings(measured.since(&self.measured), generator.since(&self.generator), outcome.answered()))
    }
}

fn readings(measured: CpuTime, generator: CpuTime, answered: u64) -> Vec<Reading> {
    if answered == 0 {
        return Vec::new();
    }
    let us = measured.total_ns as f64 / 1000.0 / answered as f64;
    let reading = |name, value| Reading { name, unit: Unit::MicrosPerRequest, better: Better::Lower, value };
    let mut readings = vec![reading("cpu_us", us)];
    if let Some(kernel) = measured.kernel_share() {
        readings.extend([reading("user_us", us * (1.0 - kernel)), reading("kernel_us", us * kernel)]);
    }
    let all = generator.total_ns.saturating_add(measured.total_ns).max(1);
    let value = generator.total_ns as f64 / all as f64;
    readings.push(Reading { name: "generator_share", unit: Unit::Share, better: Better::Neither, value });
    readings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_divided_by_the_answers() {
        let measured = CpuTime { total_ns: 20_000_000, user_ticks: 1, kernel_ticks: 3 };
        let generator = CpuTime { total_ns: 60_000_000, user_ticks: 0, kernel_ticks: 0 };
        let values: Vec<(&str, f64)> =
            readings(measured, generator, 1000).iter().map(|reading| (reading.name, reading.value)).collect();
        let wanted = [("cpu_us", 20.0), ("user_us", 5.0), ("kernel_us", 15.0), ("generator_share", 0.75)];
        assert_eq!(values, wanted);
        assert_eq!(readings(measured, generator, 0), []);
    }
}
