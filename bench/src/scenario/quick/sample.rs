//! One case in one round.

use std::collections::BTreeMap;
use std::time::Duration;

use super::lab::System;
use crate::load::{Load, Outcome};
use crate::measure::{CpuTime, Spread, own_cpu_time, process_tree_time};
use crate::scenario::CaseFinding;
use crate::scenario::error::BenchError;

/// Share of requests that may fail before a figure means nothing.
const FAILURE_LIMIT: f64 = 0.01;

/// Processor time and outcome of one measured load.
pub struct Sample {
    requests: u64,
    measured: CpuTime,
    generator: CpuTime,
    outcome: Outcome,
}

impl Sample {
    /// Runs `load` and attributes the processor time that passes meanwhile.
    pub fn take(system: &System, load: &Load<'_>) -> Result<Self, BenchError> {
        let pid = system.running.pid();
        let read = || -> Result<(CpuTime, CpuTime), BenchError> {
            let measured = process_tree_time(pid).map_err(|source| BenchError::Accounting { pid, source })?;
            let own = own_cpu_time();
            let own = own.map_err(|source| BenchError::Accounting { pid: std::process::id(), source })?;
            Ok((measured, own))
        };
        let (measured_before, generator_before) = read()?;
        let outcome = load.run().map_err(BenchError::Generator)?;
        let (measured, generator) = read()?;
        Ok(Self {
            requests: load.requests,
            measured: measured.since(measured_before),
            generator: generator.since(generator_before),
            outcome,
        })
    }

    fn is_sound(&self) -> bool {
        self.outcome.succeeded > 0 && self.outcome.failed() as f64 <= self.requests as f64 * FAILURE_LIMIT
    }

    fn us(&self) -> f64 {
        self.measured.total_ns as f64 / 1000.0 / self.requests as f64
    }

    fn per_second(&self) -> f64 {
        self.outcome.succeeded as f64 / self.outcome.elapsed.max(Duration::from_nanos(1)).as_secs_f64()
    }

    fn generator_share(&self) -> f64 {
        let all = self.generator.total_ns + self.measured.total_ns;
        self.generator.total_ns as f64 / all.max(1) as f64
    }

    fn quantile(&self, quantile: f64) -> Option<f64> {
        self.outcome.latency.quantile_us(quantile).map(|us| us as f64)
    }
}

/// All rounds of one case. A round in which too much failed leaves the whole case without figures.
pub fn summarize(samples: &[Sample]) -> CaseFinding {
    let mut failures = BTreeMap::new();
    for (failure, count) in samples.iter().flat_map(|sample| &sample.outcome.failures) {
        *failures.entry(failure.to_string()).or_default() += count;
    }
    let requests = samples.iter().map(|sample| sample.requests).sum();
    if samples.is_empty() || !samples.iter().all(Sample::is_sound) {
        return CaseFinding { requests, failures, ..CaseFinding::default() };
    }
    let spread = |value: fn(&Sample) -> f64| Spread::of(&samples.iter().map(value).collect::<Vec<_>>());
    let quantile = |at: f64| {
        let values: Vec<f64> = samples.iter().filter_map(|sample| sample.quantile(at)).collect();
        Spread::of(&values).map(|spread| spread.median)
    };
    let us = spread(Sample::us);
    let all = samples.iter().fold(CpuTime::default(), |sum, sample| sum.plus(sample.measured));
    let kernel_us = us.zip(all.kernel_share()).map(|(us, share)| us.median * share);
    CaseFinding {
        us,
        user_us: us.zip(kernel_us).map(|(us, kernel)| us.median - kernel),
        kernel_us,
        requests_per_second: spread(Sample::per_second).map(|spread| spread.median),
        p50_us: quantile(0.5),
        p99_us: quantile(0.99),
        generator_share: spread(Sample::generator_share).map(|spread| spread.median),
        requests,
        failures,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Failure;
    use crate::measure::Latency;

    fn sample(total_ns: u64, succeeded: u64, failed: u64) -> Sample {
        let mut latency = Latency::new().unwrap();
        latency.record(Duration::from_micros(200));
        let failures = if failed > 0 { BTreeMap::from([(Failure::Status(503), failed)]) } else { BTreeMap::new() };
        Sample {
            requests: succeeded + failed,
            measured: CpuTime { total_ns, user_ticks: 1, kernel_ticks: 3 },
            generator: CpuTime { total_ns, ..CpuTime::default() },
            outcome: Outcome { succeeded, failures, latency, elapsed: Duration::from_secs(2) },
        }
    }

    #[test]
    fn time_a_request_is_the_median_of_the_rounds() {
        let finding =
            summarize(&[sample(20_000_000, 1000, 0), sample(16_000_000, 1000, 0), sample(40_000_000, 1000, 0)]);
        assert_eq!(finding.us, Some(Spread { median: 20.0, least: 16.0, greatest: 40.0 }));
        assert_eq!((finding.user_us, finding.kernel_us), (Some(5.0), Some(15.0)));
        assert_eq!(finding.requests_per_second, Some(500.0));
        assert_eq!(finding.generator_share, Some(0.5));
        assert_eq!((finding.requests, finding.p50_us), (3000, Some(200.0)));
    }

    #[test]
    fn too_many_failures_leave_no_figure_but_are_counted() {
        let finding = summarize(&[sample(20_000_000, 1000, 0), sample(20_000_000, 980, 20)]);
        assert_eq!(finding.us, None);
        assert_eq!(finding.failures, BTreeMap::from([("status_503".to_owned(), 20)]));
        assert!(summarize(&[sample(20_000_000, 995, 5)]).us.is_some(), "a few are tolerated");
        assert_eq!(summarize(&[]).us, None);
    }
}
