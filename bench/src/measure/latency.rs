//! Latency of requests, in microseconds, in an HDR histogram.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Ten seconds in microseconds: a longer wait is recorded as this.
const HIGHEST_US: u64 = 10_000_000;

/// Latencies from 1 µs to 10 s with three significant digits; memory is fixed from the start.
#[derive(Debug)]
pub struct Latency(Histogram<u64>);

impl Latency {
    /// `None` never happens with these bounds; the histogram's constructor cannot say so in its type.
    pub fn new() -> Option<Self> {
        Histogram::new_with_bounds(1, HIGHEST_US, 3).ok().map(Self)
    }

    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    #[cfg(test)]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Microseconds at a quantile from 0 to 1; `None` when nothing was recorded.
    pub fn quantile_us(&self, quantile: f64) -> Option<u64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(quantile))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_within_the_bounds() {
        let mut latency = Latency::new().unwrap();
        assert_eq!(latency.quantile_us(0.5), None);
        (1..=98).for_each(|_| latency.record(Duration::from_micros(100)));
        latency.record(Duration::from_millis(5));
        latency.record(Duration::from_secs(1000));
        assert_eq!(latency.count(), 100);
        assert_eq!(latency.quantile_us(0.5), Some(100));
        let p99 = latency.quantile_us(0.99).unwrap();
        assert!((4990..=5010).contains(&p99), "{p99}");
        assert!(latency.quantile_us(1.0).unwrap() >= HIGHEST_US, "a wait beyond the bound counts as the bound");
    }
}
