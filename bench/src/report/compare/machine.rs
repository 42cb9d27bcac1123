//! What the machine did between two runs, and in each of their rounds, by what was not changed: peers of the same version in both.
//!
//! One reference alone brings its own noise into every figure (a process may lie well or badly in the caches for a whole run). So every
//! processor time of every peer counts, and their median is the machine: nginx's plain pass where it is the only one, ring's bare
//! verification where there is no peer.

use super::super::names::{CPU, RING_VERIFY};
use super::judge::deviation;
use crate::finding::{Figure, Findings};
use crate::measure::Spread;

/// From this many references on, what they differ by after the machine was cancelled says how far two runs of one build may differ.
const ENOUGH: usize = 4;
/// So many standard deviations of the references are no change.
const DEVIATIONS: f64 = 3.0;

/// How fast the machine was in each round of two runs.
pub struct Machines {
    pub old: Rounds,
    pub new: Rounds,
    /// Time of the new run by that of the old one: above 1 where the machine was slower.
    pub slowdown: f64,
    /// How many figures that rests on.
    pub references: usize,
    /// Least share that a change must have to lie outside of what references differ by; 0 where they are too few.
    pub drift: f64,
}

/// Factor of each round of a run on every processor time.
pub struct Rounds {
    factors: Vec<f64>,
    median: f64,
}

type Reference<'a> = (&'a Figure, &'a Figure);

impl Machines {
    /// `None` where the runs have no reference in common.
    pub fn of(old: &Findings, new: &Findings) -> Option<Self> {
        let references = references(old, new);
        // Around the geometric middle of both runs, so that neither of them is the measure of the other.
        let centre = |(old, new): &Reference| (old.spread.median * new.spread.median).sqrt();
        let of = |figure: for<'a> fn(&Reference<'a>) -> &'a Figure| {
            Rounds::of(references.iter().map(|reference| (figure(reference), centre(reference))).collect())
        };
        let (old, new) = (of(|reference| reference.0)?, of(|reference| reference.1)?);
        let slowdown = new.median / old.median;
        let left: Vec<f64> = references
            .iter()
            .filter_map(|reference| {
                let (old, new) = (Spread::of(&old.cancel(reference.0))?, Spread::of(&new.cancel(reference.1))?);
                Some(new.median / old.median - 1.0)
            })
            .collect();
        let drift = if left.len() < ENOUGH { 0.0 } else { DEVIATIONS * deviation(&left) };
        Some(Self { old, new, slowdown, references: references.len(), drift })
    }
}

impl Rounds {
    fn of(references: Vec<(&Figure, f64)>) -> Option<Self> {
        let rounds = references.iter().map(|(figure, _)| figure.rounds.len()).max()?;
        let round = |index: usize| -> Option<f64> {
            let parts: Vec<f64> =
                references.iter().filter_map(|(figure, centre)| Some(figure.rounds.get(index)? / centre)).collect();
            Spread::of(&parts).map(|parts| parts.median).filter(|factor| factor.is_finite() && *factor > 0.0)
        };
        let factors = (0..rounds).map(round).collect::<Option<Vec<f64>>>()?;
        let median = Spread::of(&factors)?.median;
        Some(Self { factors, median })
    }

    /// Rounds of a figure as they would be on the machine in the middle of both runs.
    pub fn cancel(&self, figure: &Figure) -> Vec<f64> {
        if figure.rounds.len() == self.factors.len() {
            return figure.rounds.iter().zip(&self.factors).map(|(value, factor)| value / factor).collect();
        }
        figure.rounds.iter().map(|value| value / self.median).collect()
    }
}

fn references<'a>(old: &'a Findings, new: &'a Findings) -> Vec<Reference<'a>> {
    let peers: Vec<Reference> = old
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.rows.iter().map(move |row| (scenario, row)))
        .filter(|(_, row)| unchanged(old, new, &row.system))
        .filter_map(|(scenario, row)| {
            let other = new.scenario(&scenario.name)?.variant(&row.system, &row.variant)?;
            row.figure(CPU).zip(other.figure(CPU))
        })
        .collect();
    if !peers.is_empty() {
        return peers;
    }
    let ring = old.limit(RING_VERIFY).zip(new.limit(RING_VERIFY));
    ring.map(|(old, new)| (&old.figure, &new.figure)).into_iter().collect()
}

/// Whether it is a peer, and the same in both runs.
fn unchanged(old: &Findings, new: &Findings, system: &str) -> bool {
    let of = |findings: &'_ Findings| {
        findings.systems.iter().find(|known| known.name == system).map(|known| (known.ours, known.version.clone()))
    };
    of(old).is_some_and(|known| !known.0) && of(old) == of(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample::Sample;

    #[test]
    fn a_slower_machine_is_seen_and_cancelled() {
        let old = Sample::default().findings();
        let new = Sample { seed: 2, machine: 1.8, ..Sample::default() }.findings();
        let machines = Machines::of(&old, &new).unwrap();
        assert!((machines.slowdown - 1.8).abs() < 0.05, "{}", machines.slowdown);
        assert!(machines.references > 10 && machines.drift > 0.0 && machines.drift < 0.15, "{}", machines.drift);
        let cost = |findings: &Findings, rounds: &Rounds| {
            let row = findings.scenario("plain_pass").unwrap().row("tollgate").unwrap();
            Spread::of(&rounds.cancel(row.figure(CPU).unwrap())).unwrap().median
        };
        let change = cost(&new, &machines.new) / cost(&old, &machines.old);
        assert!((change - 1.0).abs() < 0.06, "{change}");
    }

    #[test]
    fn a_round_that_was_slow_for_all_is_cancelled() {
        let figure = |rounds: &[f64]| {
            Figure::of(crate::finding::Unit::MicrosPerRequest, crate::finding::Better::Lower, rounds.to_vec()).unwrap()
        };
        let (one, two) = (figure(&[10.0, 20.0, 10.0]), figure(&[40.0, 80.0, 40.0]));
        let rounds = Rounds::of(vec![(&one, 10.0), (&two, 40.0)]).unwrap();
        assert_eq!(rounds.cancel(&figure(&[30.0, 60.0, 30.0])), [30.0, 30.0, 30.0]);
        assert_eq!(rounds.cancel(&figure(&[30.0, 30.0])), [30.0, 30.0], "other rounds: by the median");
    }

    #[test]
    fn peers_of_other_versions_are_none_and_ring_steps_in() {
        let old = Sample::default().findings();
        let mut new = old.clone();
        new.systems.iter_mut().filter(|system| !system.ours).for_each(|system| system.version.push_str(" patched"));
        let machines = Machines::of(&old, &new).unwrap();
        assert_eq!((machines.references, machines.drift), (1, 0.0));
        new.limits.clear();
        assert!(Machines::of(&old, &new).is_none());
    }
}
