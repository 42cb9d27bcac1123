//! Durations of requests, in microseconds, in an HDR histogram.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// A minute in microseconds: a longer wait is recorded as this.
const HIGHEST_US: u64 = 60_000_000;
/// Steps of the quantile curve between one halving of the rest and the next: 50 %, 75 %, 87.5 %, …
const STEPS_A_HALVING: u32 = 4;

/// Durations from 1 µs to 60 s with three significant digits; memory is fixed from the start.
#[derive(Clone, Debug)]
pub struct Latency(Histogram<u64>);

/// The usual quantiles, in microseconds, and the curve through them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    pub count: u64,
    pub mean_us: f64,
    pub p50_us: u64,
    pub p90_us: u64,
    pub p99_us: u64,
    pub p999_us: u64,
    pub max_us: u64,
    /// Pairs of a quantile from 0 to 1 and its microseconds, both rising.
    pub curve: Vec<(f64, u64)>,
}

impl Latency {
    /// `None` never happens with these bounds; the histogram's constructor cannot say so in its type.
    pub fn new() -> Option<Self> {
        Histogram::new_with_bounds(1, HIGHEST_US, 3).ok().map(Self)
    }

    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    /// Takes in what another thread or round has recorded.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so nothing of `other` can lie outside.
        let _ = self.0.add(&other.0);
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Microseconds at a quantile from 0 to 1; `None` when nothing was recorded.
    pub fn quantile_us(&self, quantile: f64) -> Option<u64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(quantile))
    }

    /// `None` when nothing was recorded.
    pub fn quantiles(&self) -> Option<Quantiles> {
        Some(Quantiles {
            count: self.count(),
            mean_us: self.0.mean(),
            p50_us: self.quantile_us(0.5)?,
            p90_us: self.quantile_us(0.9)?,
            p99_us: self.quantile_us(0.99)?,
            p999_us: self.quantile_us(0.999)?,
            max_us: self.0.max(),
            curve: self.curve(),
        })
    }

    /// The distribution as pairs of quantile and microseconds, denser towards 1; empty when nothing was recorded.
    pub fn curve(&self) -> Vec<(f64, u64)> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let steps = self.0.iter_quantiles(STEPS_A_HALVING);
        steps.map(|step| (step.quantile_iterated_to(), step.value_iterated_to())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_within_the_bounds() {
        let mut latency = Latency::new().unwrap();
        assert_eq!((latency.quantile_us(0.5), latency.quantiles(), latency.curve()), (None, None, Vec::new()));
        (1..=98).for_each(|_| latency.record(Duration::from_micros(100)));
        latency.record(Duration::from_millis(5));
        latency.record(Duration::from_secs(1000));
        assert_eq!(latency.count(), 100);
        assert_eq!(latency.quantile_us(0.5), Some(100));
        let p99 = latency.quantile_us(0.99).unwrap();
        assert!((4990..=5010).contains(&p99), "{p99}");
        assert!(latency.quantile_us(1.0).unwrap() >= HIGHEST_US, "a wait beyond the bound counts as the bound");
    }

    #[test]
    fn two_merged_are_as_one() {
        let (mut all, mut odd, mut even) = (Latency::new().unwrap(), Latency::new().unwrap(), Latency::new().unwrap());
        for us in 1..=1000 {
            let latency = Duration::from_micros(us);
            all.record(latency);
            if us % 2 == 0 { even.record(latency) } else { odd.record(latency) }
        }
        odd.merge(&even);
        assert_eq!(odd.quantiles(), all.quantiles());
        let found = all.quantiles().unwrap();
        assert_eq!((found.count, found.p50_us, found.p90_us, found.p99_us, found.max_us), (1000, 500, 900, 990, 1000));
    }

    #[test]
    fn the_curve_rises_to_the_greatest() {
        let mut latency = Latency::new().unwrap();
        (1..=1000).for_each(|us| latency.record(Duration::from_micros(us)));
        let curve = latency.curve();
        assert!(curve.is_sorted_by(|one, two| one.0 <= two.0 && one.1 <= two.1), "{curve:?}");
        assert_eq!(curve.last(), Some(&(1.0, 1000)));
        assert!(curve.iter().any(|(quantile, us)| *quantile == 0.5 && *us == 500), "{curve:?}");
    }
}
