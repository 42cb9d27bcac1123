//! Whether a measure has changed, by its rounds in two runs.

use serde::Serialize;

use crate::finding::Better;
use crate::measure::{Spread, rank_sum_p};

/// Fewer rounds than this in a run cannot tell chance from change.
const ROUNDS: usize = 3;
/// Of the rank test.
const SIGNIFICANT: f64 = 0.05;
/// The standard deviation of a normal distribution by its median absolute deviation, and the standard error of its median by that of its mean.
const DEVIATION_BY_MAD: f64 = 1.4826;
const ERROR_OF_MEDIAN: f64 = 1.2533;

/// What is said of a figure in two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    Better,
    Worse,
    Same,
    /// A change as great as the threshold may be there or not.
    TooNoisy,
    /// Not of ours: it stands for the machine.
    Reference,
}

impl Judgement {
    pub fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same => "same",
            Self::TooNoisy => "too noisy to tell",
            Self::Reference => "reference",
        }
    }
}

/// Rounds of one measure in the old and the new run, after the machine was cancelled.
pub struct Pair {
    pub old: Vec<f64>,
    pub new: Vec<f64>,
    pub better: Better,
    /// What a change is a share of: its old median, or the cost of the whole request for a difference.
    pub whole: f64,
}

/// A judgement and what it rests on.
#[derive(Debug, PartialEq)]
pub struct Judged {
    /// New median less the old one, as a share of the whole; `None` where there is nothing to be a share of.
    pub change: Option<f64>,
    /// Of rounds so far apart if the change were as great as the threshold and no greater.
    pub p: Option<f64>,
    pub judgement: Judgement,
}

impl Pair {
    /// Judges a change against `floor`, the least share that counts.
    pub fn judge(&self, floor: f64) -> Judged {
        let change = self.change();
        let p = change.and_then(|change| rank_sum_p(&self.moved(floor.copysign(change)), &self.new));
        let judgement = match change {
            Some(_) if self.old.len().min(self.new.len()) < ROUNDS => Judgement::TooNoisy,
            Some(change) if change.abs() > floor && self.separate(floor.copysign(change), p) => self.direction(change),
            Some(change) if change.abs() <= floor && self.error() * 2.0 <= floor => Judgement::Same,
            _ => Judgement::TooNoisy,
        };
        Judged { change, p, judgement }
    }

    /// The old rounds as they would be after a change of this share. The new ones must differ from these: that they differ from the old
    /// ones shows some change, and not that it is as great as the threshold.
    fn moved(&self, share: f64) -> Vec<f64> {
        self.old.iter().map(|value| value + share * self.whole).collect()
    }

    pub fn change(&self) -> Option<f64> {
        let (old, new) = (Spread::of(&self.old)?, Spread::of(&self.new)?);
        Some((new.median - old.median) / self.whole).filter(|change| change.is_finite())
    }

    /// Three and three rounds reach no 5 % even when none of them overlap: then that they don't must do.
    fn separate(&self, share: f64, p: Option<f64>) -> bool {
        let disjoint = Spread::of(&self.moved(share))
            .zip(Spread::of(&self.new))
            .is_some_and(|(old, new)| old.greatest < new.least || new.greatest < old.least);
        disjoint || p.is_some_and(|p| p < SIGNIFICANT)
    }

    fn direction(&self, change: f64) -> Judgement {
        match (self.better, change > 0.0) {
            (Better::Lower, true) | (Better::Higher, false) => Judgement::Worse,
            (Better::Lower, false) | (Better::Higher, true) => Judgement::Better,
            (Better::Neither, _) => Judgement::Reference,
        }
    }

    /// Standard error of the change, from what the rounds of each run differ by.
    fn error(&self) -> f64 {
        let variance = |rounds: &[f64]| deviation(rounds).powi(2) / rounds.len() as f64;
        ERROR_OF_MEDIAN * (variance(&self.old) + variance(&self.new)).sqrt() / self.whole.abs()
    }
}

/// Standard deviation by the median of the distances from the median: one round that was disturbed does not count.
pub fn deviation(values: &[f64]) -> f64 {
    let Some(middle) = Spread::of(values) else { return f64::INFINITY };
    let distances: Vec<f64> = values.iter().map(|value| (value - middle.median).abs()).collect();
    Spread::of(&distances).map_or(f64::INFINITY, |distance| DEVIATION_BY_MAD * distance.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(old: &[f64], new: &[f64], better: Better) -> Judgement {
        let whole = Spread::of(old).unwrap().median;
        Pair { old: old.to_vec(), new: new.to_vec(), better, whole }.judge(0.05).judgement
    }

    const QUIET: [f64; 5] = [20.0, 20.2, 19.8, 20.1, 19.9];

    #[test]
    fn a_clear_change_is_better_or_worse_by_its_direction() {
        let slower = QUIET.map(|us| us * 1.2);
        assert_eq!(judged(&QUIET, &slower, Better::Lower), Judgement::Worse);
        assert_eq!(judged(&slower, &QUIET, Better::Lower), Judgement::Better);
        assert_eq!(judged(&QUIET, &slower, Better::Higher), Judgement::Better);
        assert_eq!(judged(&slower, &QUIET, Better::Higher), Judgement::Worse);
        assert_eq!(judged(&QUIET, &slower, Better::Neither), Judgement::Reference);
    }

    #[test]
    fn a_change_below_the_threshold_is_none_however_clear() {
        assert_eq!(judged(&QUIET, &QUIET.map(|us| us * 1.04), Better::Lower), Judgement::Same);
        assert_eq!(judged(&QUIET, &QUIET, Better::Lower), Judgement::Same);
        // The rounds are apart, and their medians by 6 %; but by how much more than 5 % cannot be told.
        assert_eq!(judged(&QUIET, &QUIET.map(|us| us * 1.06), Better::Lower), Judgement::TooNoisy);
    }

    #[test]
    fn where_rounds_scatter_nothing_can_be_told() {
        let wild = [14.0, 26.0, 20.0, 23.0, 17.0];
        assert_eq!(judged(&wild, &wild, Better::Lower), Judgement::TooNoisy, "no change to be seen, and none excluded");
        assert_eq!(judged(&wild, &wild.map(|us| us * 1.1), Better::Lower), Judgement::TooNoisy, "it may be chance");
    }

    #[test]
    fn one_disturbed_round_does_not_decide() {
        let disturbed = [20.0, 20.2, 41.0, 20.1, 19.9];
        assert_eq!(judged(&QUIET, &disturbed, Better::Lower), Judgement::Same);
    }

    #[test]
    fn three_rounds_must_be_disjoint_and_two_never_suffice() {
        assert_eq!(judged(&[20.0, 20.2, 19.8], &[24.0, 24.2, 23.8], Better::Lower), Judgement::Worse);
        assert_eq!(judged(&[20.0, 20.2, 24.1], &[24.0, 24.2, 23.8], Better::Lower), Judgement::TooNoisy);
        assert_eq!(judged(&[20.0, 20.1], &[40.0, 40.1], Better::Lower), Judgement::TooNoisy);
    }

    #[test]
    fn a_share_of_nothing_is_no_change() {
        let pair = Pair { old: vec![0.0; 5], new: vec![1.0; 5], better: Better::Lower, whole: 0.0 };
        assert_eq!((pair.judge(0.05).change, pair.judge(0.05).judgement), (None, Judgement::TooNoisy));
    }
}
