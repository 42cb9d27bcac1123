//! What a request may cost, as promised: each budget is a ratio or a difference within one run.

use serde::Serialize;

use crate::scenario::Case;

/// A budget beside its figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Budget {
    /// The promise in words.
    pub promise: &'static str,
    /// The figure, in microseconds.
    pub us: Option<f64>,
    /// The most that it may be, in microseconds.
    pub limit_us: Option<f64>,
    pub verdict: Verdict,
}

/// Whether a budget holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Met,
    Missed,
    /// One of the two was not measured.
    Unknown,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Unknown => "unknown: not measured",
        }
    }
}

struct Rule {
    promise: &'static str,
    of: Case,
    against: Case,
    factor: f64,
    plus_us: f64,
}

const RULES: [Rule; 6] = [
    Rule {
        promise: "plain pass at most 1.6 x nginx",
        of: Case::EdgePlain,
        against: Case::NginxPlain,
        factor: 1.6,
        plus_us: 0.0,
    },
    Rule {
        promise: "token gate, known token, at most plain + 2.5",
        of: Case::EdgeToken,
        against: Case::EdgePlain,
        factor: 1.0,
        plus_us: 2.5,
    },
    Rule {
        promise: "whole pipeline, known token, at most plain + 4",
        of: Case::EdgeKnown,
        against: Case::EdgePlain,
        factor: 1.0,
        plus_us: 4.0,
    },
    Rule {
        promise: "never-seen token at most 0.95 x HAProxy",
        of: Case::EdgeNew,
        against: Case::HaproxyJwt,
        factor: 0.95,
        plus_us: 0.0,
    },
    Rule {
        promise: "whole pipeline, known token, at most 0.5 x HAProxy",
        of: Case::EdgeKnown,
        against: Case::HaproxyJwt,
        factor: 0.5,
        plus_us: 0.0,
    },
    Rule {
        promise: "whole pipeline, known token, at most 0.5 x Envoy",
        of: Case::EdgeKnown,
        against: Case::EnvoyJwtCached,
        factor: 0.5,
        plus_us: 0.0,
    },
];

/// Every budget, judged by the medians that `us` gives.
pub fn all(us: impl Fn(Case) -> Option<f64>) -> Vec<Budget> {
    let judge = |rule: &Rule| {
        let figure = us(rule.of);
        let limit_us = us(rule.against).map(|against| against * rule.factor + rule.plus_us);
        let verdict = match figure.zip(limit_us) {
            Some((figure, limit)) if figure <= limit => Verdict::Met,
            Some(_) => Verdict::Missed,
            None => Verdict::Unknown,
        };
        Budget { promise: rule.promise, us: figure, limit_us, verdict }
    };
    RULES.iter().map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts() {
        let us = |case| match case {
            Case::EdgePlain => Some(16.0),
            Case::EdgeToken => Some(18.5),
            Case::EdgeKnown => Some(20.1),
            Case::EdgeNew => Some(36.0),
            Case::NginxPlain => Some(10.0),
            Case::HaproxyJwt => Some(40.0),
            Case::EnvoyJwtCached => None,
        };
        let verdicts: Vec<Verdict> = all(us).into_iter().map(|budget| budget.verdict).collect();
        use Verdict::{Met, Missed, Unknown};
        assert_eq!(verdicts, [Met, Met, Missed, Met, Missed, Unknown]);
    }
}
