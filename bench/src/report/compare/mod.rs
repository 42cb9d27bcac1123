//! Two runs beside each other: what got better, worse, stayed the same, or cannot be told.
//!
//! Only processor time of ours decides: it is what a change of the code moves, and what a busy neighbour moves for all systems alike, so
//! that it can be cancelled ([`machine`]). A change counts when the medians differ by more than the threshold and by more than what
//! unchanged references differ by, and when a rank test over the rounds says so of more than the threshold ([`judge`]). What a request costs over the plain pass of
//! the same system is judged too: a gate that became slow moves that, and a slower machine hardly does. Latency, rate and memory depend on
//! the load and on what else runs; they are judged by a wider threshold and never fail a comparison.

mod judge;
mod machine;
mod print;
mod warnings;

use serde::Serialize;

pub use self::judge::Judgement;
use self::judge::Pair;
use self::machine::Machines;
use super::names::{CPU, PLAIN_PASS};
use crate::finding::{Better, Figure, Findings, Row, ScenarioFinding, Unit};

/// So many times the threshold must a figure change that does not decide.
const WIDER: f64 = 5.0;
/// Measure of a difference to the plain pass of the same system.
const OVER_PLAIN: &str = "cpu_over_plain_us";

/// Two runs beside each other. Displayed, it is a table.
#[derive(Debug, Serialize)]
pub struct Comparison {
    old: Named,
    new: Named,
    /// Least change of a processor time that counts, as a share: the threshold, or what references differ by if that is more.
    counts_from: f64,
    /// Time that references took in the new run by that in the old one; `None` without a reference in both.
    machine_slowdown: Option<f64>,
    references: usize,
    /// What makes the runs hard to compare.
    warnings: Vec<String>,
    lines: Vec<Line>,
}

/// Which run.
#[derive(Debug, Serialize)]
struct Named {
    version: String,
    commit: Option<String>,
    started_at: String,
}

/// One figure in both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Empty for a limit.
    pub scenario: String,
    pub scenario_title: String,
    pub system: String,
    pub system_title: String,
    pub variant: String,
    pub measure: String,
    pub unit: Unit,
    /// Medians as they were measured.
    pub old: f64,
    /// `None` where too much failed to have a figure.
    pub new: Option<f64>,
    /// Change after the machine was cancelled, as a share; of a difference to the plain pass, as a share of the whole request.
    pub change: Option<f64>,
    /// Of the rank test over the rounds.
    pub p: Option<f64>,
    pub judgement: Judgement,
    /// Whether it can fail the comparison.
    pub decides: bool,
}

/// Why two runs cannot be compared.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the two runs have no processor time of a system of ours in common")]
pub struct NothingInCommon;

/// Compares two runs.
///
/// `threshold` is the least change that counts, as a share.
///
/// # Errors
/// When there is nothing to be judged in both.
pub fn compare(old: &Findings, new: &Findings, threshold: f64) -> Result<Comparison, NothingInCommon> {
    let machines = Machines::of(old, new);
    let counts_from = machines.as_ref().map_or(threshold, |machines| threshold.max(machines.drift));
    let both = Both { old, new, machines: machines.as_ref(), counts_from, threshold };
    let lines = both.lines();
    if !lines.iter().any(|line| line.decides) {
        return Err(NothingInCommon);
    }
    Ok(Comparison {
        old: Named::of(old),
        new: Named::of(new),
        counts_from,
        machine_slowdown: machines.as_ref().map(|machines| machines.slowdown),
        references: machines.as_ref().map_or(0, |machines| machines.references),
        warnings: warnings::of(old, new, machines.is_some()),
        lines,
    })
}

impl Comparison {
    /// Whether a figure that decides became worse.
    pub fn regressed(&self) -> bool {
        self.deciding(Judgement::Worse) > 0
    }

    /// The whole comparison as one JSON object on one line.
    ///
    /// # Errors
    /// None that is known: the types hold nothing that JSON cannot.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    fn deciding(&self, judgement: Judgement) -> usize {
        self.lines.iter().filter(|line| line.decides && line.judgement == judgement).count()
    }
}

impl Named {
    fn of(findings: &Findings) -> Self {
        let (build, run) = (&findings.tollgate, &findings.run);
        Self { version: build.version.clone(), commit: build.commit.clone(), started_at: run.started_at.clone() }
    }
}

struct Both<'a> {
    old: &'a Findings,
    new: &'a Findings,
    machines: Option<&'a Machines>,
    counts_from: f64,
    threshold: f64,
}

impl Both<'_> {
    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for scenario in &self.old.scenarios {
            let Some(other) = self.new.scenario(&scenario.name) else { continue };
            for row in &scenario.rows {
                let Some(new) = other.variant(&row.system, &row.variant) else { continue };
                lines.extend(row.figures.iter().filter_map(|(measure, old)| {
                    self.figure(self.line(scenario, row, measure, old), old, new.figure(measure))
                }));
                lines.extend(self.over_plain(scenario, row, new));
            }
        }
        lines.extend(self.old.limits.iter().filter_map(|limit| {
            let new = &self.new.limit(&limit.name)?.figure;
            let change = self.pair(&limit.figure, new).change();
            let (name, title, unit) = (limit.name.clone(), limit.title.clone(), limit.figure.unit);
            let (old, new) = (limit.figure.spread.median, Some(new.spread.median));
            let (system, system_title, measure) = (name, title, String::new());
            Some(Line { system, system_title, measure, unit, old, new, change, ..Line::default() })
        }));
        lines
    }

    /// What is known of a line before its new figure.
    fn line(&self, scenario: &ScenarioFinding, row: &Row, measure: &str, old: &Figure) -> Line {
        let ours = self.new.systems.iter().any(|system| system.name == row.system && system.ours);
        Line {
            scenario: scenario.name.clone(),
            scenario_title: scenario.title.clone(),
            system: row.system.clone(),
            system_title: self.new.title(&row.system).to_owned(),
            variant: row.variant.clone(),
            measure: measure.to_owned(),
            unit: old.unit,
            old: old.spread.median,
            judgement: if ours { Judgement::TooNoisy } else { Judgement::Reference },
            decides: ours && measure == CPU,
            ..Line::default()
        }
    }

    fn figure(&self, line: Line, old: &Figure, new: Option<&Figure>) -> Option<Line> {
        let Some(new) = new else {
            // The row is there and has no figure: too much failed.
            return line.decides.then_some(Line { judgement: Judgement::Worse, ..line });
        };
        let pair = self.pair(old, new);
        let line = Line { new: Some(new.spread.median), change: pair.change(), ..line };
        if line.judgement == Judgement::Reference || pair.better == Better::Neither {
            return Some(Line { judgement: Judgement::Reference, ..line });
        }
        let judged = pair.judge(if line.decides { self.counts_from } else { self.threshold * WIDER });
        Some(Line { p: judged.p, judgement: judged.judgement, ..line })
    }

    /// Processor time of a row of ours over the plain pass of the same system, round by round.
    fn over_plain(&self, scenario: &ScenarioFinding, old: &Row, new: &Row) -> Option<Line> {
        let over = |findings: &Findings, row: &Row| {
            row.figure(CPU)?.minus(findings.scenario(PLAIN_PASS)?.row(&row.system)?.figure(CPU)?)
        };
        let (before, after) = (over(self.old, old)?, over(self.new, new)?);
        let line = self.line(scenario, old, OVER_PLAIN, &before);
        if scenario.name == PLAIN_PASS || line.judgement == Judgement::Reference {
            return None;
        }
        // A twentieth of a gate's own microsecond means nothing: what counts is what it adds to the whole request.
        let whole = self.pair(old.figure(CPU)?, new.figure(CPU)?).whole;
        let judged = Pair { whole, ..self.pair(&before, &after) }.judge(self.counts_from);
        Some(Line {
            new: Some(after.spread.median),
            change: judged.change,
            p: judged.p,
            judgement: judged.judgement,
            decides: true,
            ..line
        })
    }

    /// Rounds of a processor time without the machine; those of any other measure as they are.
    fn pair(&self, old: &Figure, new: &Figure) -> Pair {
        let cost = matches!(old.unit, Unit::MicrosPerRequest | Unit::MicrosPerOperation);
        let (before, after) = match self.machines.filter(|_| cost) {
            Some(machines) => (machines.old.cancel(old), machines.new.cancel(new)),
            None => (old.rounds.clone(), new.rounds.clone()),
        };
        let whole = crate::measure::Spread::of(&before).map_or(0.0, |spread| spread.median);
        Pair { old: before, new: after, better: old.better, whole }
    }
}

impl Default for Line {
    /// A line of something that is a reference until more is known.
    fn default() -> Self {
        Self {
            scenario: String::new(),
            scenario_title: String::new(),
            system: String::new(),
            system_title: String::new(),
            variant: String::new(),
            measure: String::new(),
            unit: Unit::Count,
            old: 0.0,
            new: None,
            change: None,
            p: None,
            judgement: Judgement::Reference,
            decides: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample::{self, Sample};

    const GATED: [&str; 4] = ["token_gate", "pipeline", "never_seen", "repeats_95"];

    fn judgement(comparison: &Comparison, scenario: &str, measure: &str) -> Judgement {
        let mut lines = comparison.lines.iter().filter(|line| line.system == "tollgate");
        lines.find(|line| line.scenario == scenario && line.measure == measure).unwrap().judgement
    }

    /// Old and new run by seeds, on another machine each time.
    fn pairs(slow_gate_us: f64) -> impl Iterator<Item = (Findings, Findings)> {
        let kinds = [(1.0, 5), (1.0, 3), (1.8, 5), (0.6, 3), (1.1, 9)];
        kinds.into_iter().zip(1..).flat_map(move |((machine, rounds), kind)| {
            (0..8).map(move |run| {
                let old = Sample { seed: 1000 + run, rounds, ..Sample::default() };
                (old.findings(), Sample { seed: 100 * kind + run, machine, rounds, slow_gate_us }.findings())
            })
        })
    }

    #[test]
    fn two_runs_of_one_build_differ_in_nothing_on_any_machine() {
        let comparisons: Vec<Comparison> = pairs(0.0).map(|(old, new)| compare(&old, &new, 0.05).unwrap()).collect();
        let deciding = comparisons.iter().flat_map(|comparison| comparison.lines.iter().filter(|line| line.decides));
        let wrong: Vec<&Line> = deciding.clone().filter(|line| line.judgement == Judgement::Worse).collect();
        // Chance alone may do it in one line of some hundred, not more.
        assert!(wrong.len() * 300 <= deciding.clone().count(), "{wrong:#?}");
        let told = deciding.clone().filter(|line| line.judgement == Judgement::Same).count();
        assert!(told * 2 > deciding.count(), "that nothing changed is said of most lines, not that nobody knows");
    }

    #[test]
    fn ten_microseconds_in_a_gate_are_caught_in_every_gated_row() {
        let mut missed = Vec::new();
        for (old, slow) in pairs(10.0) {
            let comparison = compare(&old, &slow, 0.05).unwrap();
            assert!(comparison.regressed());
            let lines =
                comparison.lines.into_iter().filter(|line| line.decides && GATED.contains(&line.scenario.as_str()));
            missed.extend(lines.filter(|line| line.judgement != Judgement::Worse));
        }
        // Of 40 pairs with eight such lines each.
        assert!(missed.len() <= 3, "{missed:#?}");
    }

    #[test]
    fn a_gate_that_became_faster_is_better() {
        let (fast, slow) = pairs(10.0).next().unwrap();
        let comparison = compare(&slow, &fast, 0.05).unwrap();
        for scenario in GATED {
            assert_eq!(judgement(&comparison, scenario, OVER_PLAIN), Judgement::Better, "{scenario}");
        }
        assert!(!comparison.regressed());
    }

    #[test]
    fn one_or_two_rounds_tell_nothing() {
        let old = Sample { rounds: 2, ..Sample::default() }.findings();
        let new = Sample { seed: 2, rounds: 2, slow_gate_us: 10.0, ..Sample::default() }.findings();
        let comparison = compare(&old, &new, 0.05).unwrap();
        assert_eq!(judgement(&comparison, "token_gate", CPU), Judgement::TooNoisy);
        assert!(!comparison.regressed());
    }

    #[test]
    fn a_row_that_lost_its_figure_is_worse_and_one_that_is_gone_is_only_said() {
        let old = sample::findings();
        let mut new = old.clone();
        sample::row(&mut new, "token_gate", "tollgate").figures.clear();
        new.scenarios.retain(|scenario| scenario.name != "pipeline");
        let comparison = compare(&old, &new, 0.05).unwrap();
        assert_eq!(judgement(&comparison, "token_gate", CPU), Judgement::Worse);
        assert!(
            comparison.warnings.iter().any(|warning| warning.contains("Whole pipeline")),
            "{:?}",
            comparison.warnings
        );
    }

    #[test]
    fn peers_limits_latency_and_memory_never_decide() {
        let old = sample::findings();
        let mut new = old.clone();
        for measure in ["p99_us", "pss_bytes"] {
            let figure = sample::row(&mut new, "plain_pass", "tollgate").figures.get_mut(measure).unwrap();
            let rounds = figure.rounds.iter().map(|value| value * 3.0).collect();
            *figure = Figure::of(figure.unit, figure.better, rounds).unwrap();
        }
        let comparison = compare(&old, &new, 0.05).unwrap();
        assert_eq!(judgement(&comparison, "plain_pass", "p99_us"), Judgement::Worse);
        assert!(!comparison.regressed());
        let others = comparison.lines.iter().filter(|line| line.system != "tollgate");
        assert!(others.clone().count() > 100 && others.clone().all(|line| line.judgement == Judgement::Reference));
        assert!(others.clone().any(|line| line.system == "sqlite_commit"), "limits are there too");
    }

    #[test]
    fn runs_without_a_row_in_common_are_refused() {
        let old = sample::findings();
        let mut new = old.clone();
        new.scenarios.clear();
        assert_eq!(compare(&old, &new, 0.05).unwrap_err(), NothingInCommon);
    }
}
