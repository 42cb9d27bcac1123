//! When requests are to start: a pure schedule, drawn before anything is sent.

use std::fmt;
use std::time::Duration;

/// How requests arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// Each connection (or stream of one) sends its next request as soon as the last is answered. Tells what a system can carry at
    /// most, and hides how long others would have waited meanwhile.
    Closed,
    /// So many a second, equally spaced, whether answers come or not; as are all that follow.
    Constant { rate: f64 },
    /// Independent arrivals: exponentially distributed distances, the same for the same seed.
    Poisson { rate: f64, seed: u64 },
    /// A rate that rises or falls in a straight line over the duration of the plan.
    Ramp { from: f64, to: f64 },
    /// Constant rates in equal parts of the duration of the plan.
    Step { rates: Vec<f64> },
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed loop"),
            Self::Constant { rate } => write!(f, "{rate} a second"),
            Self::Poisson { rate, seed } => write!(f, "{rate} a second by Poisson (seed {seed})"),
            Self::Ramp { from, to } => write!(f, "from {from} to {to} a second"),
            Self::Step { rates } => {
                let rates: Vec<_> = rates.iter().map(f64::to_string).collect();
                write!(f, "{} a second", rates.join(", then "))
            }
        }
    }
}

/// Why there is no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArrivalError {
    #[error("a rate is more than 0 and at most {} a second", Arrival::RATE_LIMIT)]
    Rate,
    #[error("a ramp and steps need a duration")]
    Duration,
}

impl Arrival {
    /// A thread can't send more.
    pub const RATE_LIMIT: f64 = 1_000_000.0;

    /// Intended starts since the beginning, in order; `None` for the closed loop. Ends at `duration`, without one never.
    ///
    /// # Errors
    /// For a rate out of bounds, and for a ramp or steps without a duration.
    pub fn schedule(&self, duration: Option<Duration>) -> Result<Option<Schedule>, ArrivalError> {
        let sound = |rate: f64, least: f64| rate.is_finite() && rate >= least && rate <= Self::RATE_LIMIT;
        let whole = duration.filter(|duration| !duration.is_zero());
        let course = match self {
            Self::Closed => return Ok(None),
            Self::Constant { rate } if sound(*rate, f64::MIN_POSITIVE) => Course::Even { rate: *rate },
            Self::Poisson { rate, seed } if sound(*rate, f64::MIN_POSITIVE) => {
                Course::Random { rate: *rate, generator: SplitMix(*seed), at: 0.0 }
            }
            Self::Ramp { from, to } if sound(*from, 0.0) && sound(*to, 0.0) && from + to > 0.0 => {
                Course::Ramp { from: *from, to: *to, over: whole.ok_or(ArrivalError::Duration)?.as_secs_f64() }
            }
            Self::Step { rates } if !rates.is_empty() && rates.iter().all(|rate| sound(*rate, 0.0)) => {
                let over = whole.ok_or(ArrivalError::Duration)?.as_secs_f64();
                Course::Step { part: over / rates.len() as f64, rates: rates.clone() }
            }
            _ => return Err(ArrivalError::Rate),
        };
        Ok(Some(Schedule { course, number: 0, end: duration.map_or(f64::INFINITY, |duration| duration.as_secs_f64()) }))
    }
}

/// Intended starts since the beginning, in order.
#[derive(Clone, Debug)]
pub struct Schedule {
    course: Course,
    /// Of the next start.
    number: u64,
    end: f64,
}

#[derive(Clone, Debug)]
enum Course {
    Even { rate: f64 },
    Random { rate: f64, generator: SplitMix, at: f64 },
    Ramp { from: f64, to: f64, over: f64 },
    Step { rates: Vec<f64>, part: f64 },
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let number = self.number as f64;
        let at = match &mut self.course {
            // A product, not a sum: errors don't add up over a long run.
            Course::Even { rate } => number / *rate,
            Course::Random { rate, generator, at } => {
                *at += generator.exponential() / *rate;
                *at
            }
            Course::Ramp { from, to, over } => ramp(*from, *to, *over, number)?,
            Course::Step { rates, part } => step(rates, *part, number)?,
        };
        if at >= self.end {
            return None;
        }
        self.number += 1;
        Duration::try_from_secs_f64(at).ok()
    }
}

/// When `number` requests have arrived: `number = from·t + (to − from)·t²/(2·over)`, solved for the lesser positive `t` in the form
/// that doesn't divide by the difference of the rates.
fn ramp(from: f64, to: f64, over: f64, number: f64) -> Option<f64> {
    if number == 0.0 {
        return Some(0.0);
    }
    let root = from * from + 2.0 * (to - from) / over * number;
    (root >= 0.0).then(|| 2.0 * number / (from + root.sqrt()))
}

/// When `number` requests have arrived at a rate that changes at the end of each part.
fn step(rates: &[f64], part: f64, number: f64) -> Option<f64> {
    let mut before = 0.0;
    for (index, rate) in rates.iter().enumerate() {
        let within = rate * part;
        if number < before + within {
            return Some(part * index as f64 + (number - before) / rate);
        }
        before += within;
    }
    None
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, good enough to draw arrivals; nothing secret comes from it.
#[derive(Clone, Debug)]
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Exponentially distributed with mean 1. Of 53 bits, and never the logarithm of 0.
    fn exponential(&mut self) -> f64 {
        let uniform = ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        -uniform.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(arrival: &Arrival, seconds: u64) -> Vec<f64> {
        let schedule = arrival.schedule(Some(Duration::from_secs(seconds))).unwrap().unwrap();
        schedule.map(|at| at.as_secs_f64()).collect()
    }

    fn within(starts: &[f64], from: f64, to: f64) -> usize {
        starts.iter().filter(|at| (from..to).contains(*at)).count()
    }

    #[test]
    fn constant_is_equally_spaced_and_ends_at_the_duration() {
        let starts = starts(&Arrival::Constant { rate: 4.0 }, 3);
        assert_eq!(starts.len(), 12);
        assert!(starts.iter().enumerate().all(|(number, at)| (at - number as f64 / 4.0).abs() < 1e-9));
        let endless = Arrival::Constant { rate: 10_000.0 }.schedule(None).unwrap().unwrap();
        assert_eq!(endless.skip(1_000_000).map(|at| at.as_millis()).next(), Some(100_000), "does not drift");
    }

    #[test]
    fn poisson_has_the_mean_and_the_variance_of_its_rate_and_repeats_with_its_seed() {
        let poisson = |seed| starts(&Arrival::Poisson { rate: 1000.0, seed }, 100);
        let drawn = poisson(7);
        let distances: Vec<f64> = drawn.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = distances.iter().sum::<f64>() / distances.len() as f64;
        let variance = distances.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / distances.len() as f64;
        assert!((mean * 1000.0 - 1.0).abs() < 0.02, "mean {mean}");
        assert!((variance * 1e6 - 1.0).abs() < 0.05, "variance {variance}: an exponential one's is its mean squared");
        // The number in a second is Poisson distributed: its variance is its mean.
        let counts: Vec<f64> = (0..100).map(|s| within(&drawn, f64::from(s), f64::from(s + 1)) as f64).collect();
        let spread = counts.iter().map(|n| (n - 1000.0).powi(2)).sum::<f64>() / 100.0;
        assert!((600.0..1600.0).contains(&spread), "variance of counts {spread}");
        assert_eq!(drawn, poisson(7));
        assert_ne!(drawn, poisson(8));
    }

    #[test]
    fn ramps_begin_and_end_at_their_rates() {
        for (from, to) in [(100.0, 1000.0), (1000.0, 100.0), (0.0, 500.0), (500.0, 0.0), (300.0, 300.0)] {
            let starts = starts(&Arrival::Ramp { from, to }, 10);
            let whole = (from + to) / 2.0 * 10.0;
            assert!((starts.len() as f64 - whole).abs() <= 1.0, "{from}-{to}: {} of {whole}", starts.len());
            assert!(starts.is_sorted(), "{from}-{to}");
            let slope = (to - from) / 10.0;
            for (second, at) in [(0.0, 0.5), (9.0, 9.5)] {
                let (found, wanted) = (within(&starts, second, second + 1.0) as f64, from + slope * at);
                assert!((found - wanted).abs() <= 1.0, "{from}-{to} second {second}: {found} not {wanted}");
            }
        }
    }

    #[test]
    fn steps_have_their_rates_in_equal_parts() {
        let starts = starts(&Arrival::Step { rates: vec![10.0, 0.0, 200.0] }, 9);
        let found: Vec<_> = [0.0, 3.0, 6.0].map(|from| within(&starts, from, from + 3.0)).into();
        assert_eq!(found, [30, 0, 600]);
        assert_eq!(starts.len(), 630);
    }

    #[test]
    fn what_has_no_schedule() {
        let minute = Some(Duration::from_secs(60));
        assert!(matches!(Arrival::Closed.schedule(minute), Ok(None)));
        let ramp = Arrival::Ramp { from: 1.0, to: 2.0 };
        let step = Arrival::Step { rates: vec![1.0] };
        for (arrival, duration, error) in [
            (Arrival::Constant { rate: 0.0 }, minute, ArrivalError::Rate),
            (Arrival::Constant { rate: f64::NAN }, minute, ArrivalError::Rate),
            (Arrival::Constant { rate: 1e7 }, minute, ArrivalError::Rate),
            (Arrival::Poisson { rate: -1.0, seed: 0 }, minute, ArrivalError::Rate),
            (Arrival::Ramp { from: 0.0, to: 0.0 }, minute, ArrivalError::Rate),
            (Arrival::Step { rates: vec![] }, minute, ArrivalError::Rate),
            (ramp.clone(), None, ArrivalError::Duration),
            (ramp, Some(Duration::ZERO), ArrivalError::Duration),
            (step, None, ArrivalError::Duration),
        ] {
            assert_eq!(arrival.schedule(duration).err(), Some(error), "{arrival:?}");
        }
    }
}
