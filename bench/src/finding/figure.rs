//! One measure of one system: its rounds, their middle and their range.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::measure::Spread;

/// Unit of a figure or an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Microseconds of a processor a request.
    MicrosPerRequest,
    /// Microseconds of a processor an operation that is no request (a verification, a commit).
    MicrosPerOperation,
    /// Microseconds of waiting.
    Micros,
    PerSecond,
    Bytes,
    BytesPerRequest,
    BytesPerSecond,
    /// Part of a whole, 0 to 1.
    Share,
    /// One measure divided by another of the same unit.
    Ratio,
    Count,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MicrosPerRequest => "µs CPU/request",
            Self::MicrosPerOperation => "µs CPU/operation",
            Self::Micros => "µs",
            Self::PerSecond => "1/s",
            Self::Bytes => "bytes",
            Self::BytesPerRequest => "bytes/request",
            Self::BytesPerSecond => "bytes/s",
            Self::Share => "share",
            Self::Ratio => "×",
            Self::Count => "",
        })
    }
}

/// Which way is an improvement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    Lower,
    Higher,
    /// A circumstance and no merit: the generator's share, say.
    Neither,
}

/// A measure over all rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    pub unit: Unit,
    pub better: Better,
    #[serde(flatten)]
    pub spread: Spread,
    /// One value a round, in the order of the rounds: what was measured in the same round can be divided without the drift of the machine.
    pub rounds: Vec<f64>,
}

impl Figure {
    /// `None` without values, or when one of them is not a number.
    pub fn of(unit: Unit, better: Better, rounds: Vec<f64>) -> Option<Self> {
        Spread::of(&rounds).map(|spread| Self { unit, better, spread, rounds })
    }

    /// This figure less `other`'s, round by round; of the medians when their rounds differ.
    pub fn minus(&self, other: &Self) -> Option<Self> {
        let rounds = if self.rounds.len() == other.rounds.len() {
            self.rounds.iter().zip(&other.rounds).map(|(one, two)| one - two).collect()
        } else {
            vec![self.spread.median - other.spread.median]
        };
        Self::of(self.unit, self.better, rounds)
    }

    /// Median over the rounds of this figure divided by `other`'s in the same round; of the medians when their rounds differ.
    pub fn ratio(&self, other: &Self) -> Option<f64> {
        if self.rounds.len() == other.rounds.len() {
            let quotients: Vec<f64> = self.rounds.iter().zip(&other.rounds).map(|(one, two)| one / two).collect();
            return Spread::of(&quotients).map(|spread| spread.median).filter(|ratio| ratio.is_finite());
        }
        Some(self.spread.median / other.spread.median).filter(|ratio| ratio.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(rounds: &[f64]) -> Figure {
        Figure::of(Unit::MicrosPerRequest, Better::Lower, rounds.to_vec()).unwrap()
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let (one, two) = (figure(&[10.0, 20.0, 90.0]), figure(&[5.0, 10.0, 45.0]));
        assert_eq!(one.ratio(&two), Some(2.0));
        assert_eq!(one.ratio(&figure(&[10.0, 10.0])), Some(2.0), "rounds differ: of the medians");
        assert_eq!(one.ratio(&figure(&[0.0])), None);
        assert_eq!(two.minus(&one).unwrap().rounds, [-5.0, -10.0, -45.0]);
        assert_eq!(one.minus(&figure(&[4.0])).unwrap().rounds, [16.0], "rounds differ: of the medians");
        assert_eq!(Figure::of(Unit::Count, Better::Neither, vec![]), None);
    }

    #[test]
    fn its_file_form() {
        let json = serde_json::to_value(figure(&[1.0, 3.0])).unwrap();
        let wanted = serde_json::json!({"unit": "micros_per_request", "better": "lower", "median": 2.0, "least": 1.0,
            "greatest": 3.0, "rounds": [1.0, 3.0]});
        assert_eq!(json, wanted);
        assert_eq!(serde_json::from_value::<Figure>(json).unwrap(), figure(&[1.0, 3.0]));
    }
}
