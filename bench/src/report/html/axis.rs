//! Axes: where a value lies, and which ticks a reader needs.

use super::super::measures::{QUANTILES, digits, suited};
use crate::finding::Unit;

/// Steps between ticks, as parts of a power of ten.
const STEPS: [f64; 5] = [1.0, 2.0, 2.5, 5.0, 10.0];
/// About as many ticks as a linear axis has.
const TICKS: f64 = 5.0;
/// Up to this many powers of ten, a logarithmic axis has ticks at 2 and 5 too.
const FEW_DECADES: f64 = 3.5;

/// An axis with a title that ends in its unit.
#[derive(Debug)]
pub struct Axis {
    pub title: String,
    scale: Scale,
    pub ticks: Vec<Tick>,
}

#[derive(Debug)]
pub struct Tick {
    /// Where it lies, 0 at the origin to 1 at the far end.
    pub part: f64,
    pub label: String,
    /// Its label may go where there is little room.
    pub minor: bool,
}

#[derive(Debug)]
enum Scale {
    Linear {
        to: f64,
    },
    Log {
        from: f64,
        to: f64,
    },
    /// By the share above a quantile: 90, 99 and 99.9 lie equally far apart.
    Quantile {
        from: f64,
        to: f64,
    },
}

impl Axis {
    /// From zero to a round number above the greatest value.
    pub fn linear(name: &str, unit: Unit, greatest: f64) -> Self {
        let (divisor, word) = suited(unit, greatest);
        let (step, count) = steps(greatest / divisor);
        let decimals = decimals(step);
        let tick = |index: u32| Tick {
            part: f64::from(index) / f64::from(count),
            label: digits(f64::from(index) * step, decimals),
            minor: index % 2 == 1 && count > 4,
        };
        Self {
            title: with_unit(name, word),
            scale: Scale::Linear { to: f64::from(count) * step * divisor },
            ticks: (0..=count).map(tick).collect(),
        }
    }

    /// From zero to the greatest value itself, in seconds.
    pub fn seconds(greatest: f64) -> Self {
        let (step, count) = steps(greatest);
        let decimals = decimals(step);
        let ticks = (0..=count).map(|index| (index, f64::from(index) * step)).filter(|(_, at)| *at <= greatest);
        let tick = |(index, at): (u32, f64)| Tick {
            part: at / greatest,
            label: digits(at, decimals),
            minor: index % 2 == 1 && count > 4,
        };
        Self { title: "time, s".into(), scale: Scale::Linear { to: greatest }, ticks: ticks.map(tick).collect() }
    }

    /// From the 1, 2 or 5 of a power of ten below the least value to that above the greatest.
    pub fn logarithmic(name: &str, unit: Unit, least: f64, greatest: f64) -> Self {
        let (divisor, word) = suited(unit, greatest);
        let marks = marks(least / divisor, greatest / divisor);
        let (from, to) = (marks.first().copied().unwrap_or(1.0), marks.last().copied().unwrap_or(10.0));
        let scale = Scale::Log { from: from * divisor, to: to * divisor };
        let few = (to / from).log10() <= FEW_DECADES;
        let decade = |mark: f64| (mark.log10() - mark.log10().round()).abs() < 1e-6;
        let shown = marks.into_iter().filter(|mark| few || decade(*mark));
        let tick = |mark: f64| Tick {
            part: scale.part(mark * divisor),
            label: digits(mark, decimals(mark)),
            minor: !decade(mark),
        };
        let ticks = shown.map(tick).collect();
        Self { title: with_unit(&format!("{name} (logarithmic)"), word), scale, ticks }
    }

    /// From the median to the greatest of these quantiles, in percent.
    pub fn quantiles(greatest: f64) -> Self {
        let scale = Scale::Quantile { from: 50.0, to: greatest };
        let known = QUANTILES.iter().map(|(_, quantile)| *quantile).filter(|quantile| *quantile <= greatest);
        let tick = |quantile: f64| Tick { part: scale.part(quantile), label: format!("{quantile}"), minor: false };
        let ticks = known.map(tick).collect();
        Self { title: "quantile, % of requests (logarithmic towards 100)".into(), scale, ticks }
    }

    /// Where a value lies, 0 at the origin to 1 at the far end.
    pub fn part(&self, value: f64) -> f64 {
        self.scale.part(value)
    }
}

impl Scale {
    fn part(&self, value: f64) -> f64 {
        let above = |quantile: f64| -(1.0 - quantile / 100.0).log10();
        let part = match self {
            Self::Linear { to } => value / to,
            Self::Log { from, to } => (value / from).log10() / (to / from).log10(),
            Self::Quantile { from, to } => (above(value) - above(*from)) / (above(*to) - above(*from)),
        };
        if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// A round step, and how many of them reach the greatest value; one of one where there is nothing to reach.
fn steps(greatest: f64) -> (f64, u32) {
    if !greatest.is_finite() || greatest <= 0.0 {
        return (1.0, 1);
    }
    let rough = greatest / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let step = STEPS.iter().map(|step| step * power).find(|step| *step >= rough * 0.999).unwrap_or(10.0 * power);
    // At most TICKS + 1: the cast cannot lose anything.
    (step, (greatest / step - 1e-9).ceil().max(1.0) as u32)
}

/// 1, 2 and 5 times powers of ten, from the last one at or below `least` to the first at or above `greatest`.
fn marks(least: f64, greatest: f64) -> Vec<f64> {
    if !(least > 0.0 && greatest.is_finite() && greatest >= least) {
        return vec![1.0, 10.0];
    }
    let (first, last) = (least.log10().floor() as i32, greatest.log10().ceil() as i32);
    let all: Vec<f64> =
        (first..=last).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power))).collect();
    let from = all.iter().rposition(|mark| *mark <= least * 1.000_001).unwrap_or(0);
    let to = all.iter().position(|mark| *mark >= greatest * 0.999_999).unwrap_or(all.len());
    let marks: Vec<f64> = all.into_iter().take(to + 1).skip(from).collect();
    // One value alone: an axis of no length shows nothing.
    if marks.len() < 2 { marks.iter().flat_map(|mark| [*mark, mark * 10.0]).collect() } else { marks }
}

fn decimals(step: f64) -> usize {
    // 2.5 has one more than its power of ten.
    let exact = |decimals: i32| {
        let scaled = step * 10_f64.powi(decimals);
        (scaled - scaled.round()).abs() < 1e-6 * scaled
    };
    (0..6).find(|decimals| exact(*decimals)).map_or(6, |decimals| decimals as usize)
}

fn with_unit(name: &str, unit: &str) -> String {
    match unit {
        "" => name.to_owned(),
        unit => format!("{name}, {}", unit.replace("/s", "1/s").replace("B1/s", "B/s").replace("bytes1/s", "bytes/s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn linear_axes_begin_at_zero_and_end_at_a_round_number() {
        let axis = Axis::linear("CPU a request", Unit::MicrosPerRequest, 154.0);
        assert_eq!((axis.title.as_str(), labels(&axis)), ("CPU a request, µs", vec!["0", "50", "100", "150", "200"]));
        assert!((axis.part(100.0) - 0.5).abs() < 1e-9 && axis.part(1e9) == 1.0 && axis.part(f64::NAN) == 0.0);
        assert_eq!(labels(&Axis::linear("", Unit::Ratio, 1.2)), ["0.00", "0.25", "0.50", "0.75", "1.00", "1.25"]);
        let memory = Axis::linear("memory", Unit::Bytes, 50.0 * 1024.0 * 1024.0);
        assert_eq!((memory.title.as_str(), labels(&memory)[1]), ("memory, MiB", "10"));
        assert_eq!(Axis::linear("rate", Unit::PerSecond, 9.0).title, "rate, 1/s");
        assert_eq!(Axis::linear("slope", Unit::BytesPerSecond, 9.0).title, "slope, bytes/s");
        assert_eq!(labels(&Axis::linear("", Unit::Count, 0.0)), ["0", "1"]);
    }

    #[test]
    fn logarithmic_axes_show_decades_and_what_lies_between_where_there_are_few() {
        let axis = Axis::logarithmic("p99", Unit::Micros, 320.0, 4_100.0);
        assert_eq!(labels(&axis), ["0.2", "0.5", "1", "2", "5"]);
        assert_eq!(axis.title, "p99 (logarithmic), ms");
        assert!(axis.part(200.0).abs() < 1e-9 && (axis.part(5_000.0) - 1.0).abs() < 1e-9);
        assert_eq!(
            labels(&Axis::logarithmic("", Unit::Count, 3.0, 120_000.0)),
            ["10", "100", "1,000", "10,000", "100,000"]
        );
        assert_eq!(labels(&Axis::logarithmic("", Unit::Count, 2.0, 2.0)), ["2", "20"]);
        assert_eq!(labels(&Axis::logarithmic("", Unit::Count, 0.0, 2.0)), ["1", "10"]);
    }

    #[test]
    fn quantiles_lie_by_what_is_above_them() {
        let axis = Axis::quantiles(99.9);
        assert_eq!(labels(&axis), ["50", "90", "99", "99.9"]);
        let parts: Vec<f64> = axis.ticks.iter().map(|tick| tick.part).collect();
        assert!(((parts[2] - parts[1]) - (parts[3] - parts[2])).abs() < 1e-9 && parts[0] == 0.0, "{parts:?}");
    }

    #[test]
    fn seconds_end_where_the_run_did() {
        let axis = Axis::seconds(118.0);
        assert_eq!(labels(&axis), ["0", "25", "50", "75", "100"]);
        assert_eq!(axis.part(118.0), 1.0);
    }
}
