//! What the tries have shown, an operation at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use super::{Case, Kind};
use crate::load::Answer;
use crate::measure::{Distance, Machine};
use crate::scenario::attacks::likeness;

/// Below this probability times are said to differ (SECURITY.md T68).
const LEAST_P: f64 = 0.01;
/// Different answers that are kept a side; one is the rule.
const KEPT: usize = 8;

/// Everything that a run has found.
#[derive(Debug)]
pub struct Findings {
    pub machine: Machine,
    /// In the order of the table.
    pub cases: Vec<(Case, CaseFinding)>,
    /// Samples that were asked for; the time may have ended before.
    pub asked: usize,
    pub elapsed: Duration,
}

/// Both sides of an operation while it is measured. Times are microseconds.
#[derive(Debug, Default)]
pub struct Sides {
    known: Side,
    unknown: Side,
}

#[derive(Debug, Default)]
struct Side {
    us: Vec<u64>,
    answers: BTreeSet<String>,
}

/// What an operation tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Same answers, and no difference of times that this many samples show.
    Alike,
    TimesDiffer,
    AnswersDiffer,
    /// Answers differ as they do in Cognito.
    TellsByDesign,
}

impl Verdict {
    pub fn words(self) -> &'static str {
        match self {
            Self::Alike => "alike",
            Self::TimesDiffer => "TIMES DIFFER",
            Self::AnswersDiffer => "ANSWERS DIFFER",
            Self::TellsByDesign => "tells, as Cognito does",
        }
    }
}

/// An operation over all its samples.
#[derive(Clone, Debug, Serialize)]
pub struct CaseFinding {
    /// Samples a side.
    pub samples: usize,
    /// Status, fields and bodies, but what is fresh in each.
    pub same_answers: bool,
    /// Answers that only one side got, fresh values masked.
    pub only_known: Vec<String>,
    pub only_unknown: Vec<String>,
    pub known_ms: Option<Quantiles>,
    pub unknown_ms: Option<Quantiles>,
    pub distance: Option<Distance>,
    pub verdict: Verdict,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
}

impl Sides {
    pub fn add(&mut self, kind: Kind, answer: &Answer) {
        let side = match kind {
            Kind::Known => &mut self.known,
            Kind::Unknown => &mut self.unknown,
        };
        side.us.push(u64::try_from(answer.took.as_micros()).unwrap_or(u64::MAX));
        if side.answers.len() < KEPT {
            side.answers.insert(likeness::of(answer));
        }
    }

    pub fn finding(&self, case: Case) -> CaseFinding {
        let (known, unknown) = (&self.known, &self.unknown);
        let only = |one: &Side, other: &Side| one.answers.difference(&other.answers).cloned().collect::<Vec<_>>();
        let (only_known, only_unknown) = (only(known, unknown), only(unknown, known));
        let same_answers = only_known.is_empty() && only_unknown.is_empty();
        let distance = Distance::between(&known.us, &unknown.us);
        let verdict = match distance {
            _ if case.tells_by_design() => Verdict::TellsByDesign,
            _ if !same_answers => Verdict::AnswersDiffer,
            Some(distance) if distance.p <= LEAST_P => Verdict::TimesDiffer,
            _ => Verdict::Alike,
        };
        let samples = known.us.len().min(unknown.us.len());
        let (known_ms, unknown_ms) = (Quantiles::of(&known.us), Quantiles::of(&unknown.us));
        CaseFinding { samples, same_answers, only_known, only_unknown, known_ms, unknown_ms, distance, verdict }
    }
}

impl Quantiles {
    fn of(us: &[u64]) -> Option<Self> {
        let mut sorted = us.to_vec();
        sorted.sort_unstable();
        // The nearest rank.
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).map(|us| *us as f64 / 1000.0)
        };
        Some(Self { p50: at(50)?, p90: at(90)?, p99: at(99)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str, us: u64) -> Answer {
        let head = "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned();
        Answer { status: 400, head, body: body.into(), took: Duration::from_micros(us) }
    }

    fn sides(known: (&str, u64), unknown: (&str, u64)) -> Sides {
        let mut sides = Sides::default();
        for step in 0..100 {
            sides.add(Kind::Known, &answer(known.0, known.1 + step));
            sides.add(Kind::Unknown, &answer(unknown.0, unknown.1 + step));
        }
        sides
    }

    #[test]
    fn verdicts() {
        let case = Case::ForgotPassword;
        let same = sides(("a", 1000), ("a", 1000)).finding(case);
        assert_eq!((same.verdict, same.samples), (Verdict::Alike, 100));
        assert_eq!(same.known_ms, Some(Quantiles { p50: 1.049, p90: 1.089, p99: 1.098 }));
        assert_eq!(sides(("a", 1000), ("a", 1060)).finding(case).verdict, Verdict::TimesDiffer);
        let told = sides(("a", 1000), ("b", 1000));
        assert_eq!(told.finding(case).verdict, Verdict::AnswersDiffer);
        assert!(told.finding(case).only_known[0].ends_with("\na"));
        assert_eq!(told.finding(Case::SignUp).verdict, Verdict::TellsByDesign);
    }
}
