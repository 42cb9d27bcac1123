//! What the rounds of one system under one scenario add up to.

use std::collections::BTreeMap;

use super::measures::{Measure, Reading};
use crate::finding::{Better, Figure, Row, Unit};
use crate::load::Outcome;
use crate::scenario::BenchError;

/// Share of requests that may fail before a figure means nothing.
const FAILURE_LIMIT: f64 = 0.01;

/// Readings of every round so far, and the counts of all.
#[derive(Default)]
pub struct Samples {
    readings: BTreeMap<&'static str, (Unit, Better, Vec<f64>)>,
    row: Row,
    failures: Failures,
    unsound: bool,
}

/// What failed requests mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failures {
    /// More than a few, and nothing can be said of the others.
    #[default]
    Spoil,
    /// They are what the scenario asks for.
    Belong,
}

impl Samples {
    pub fn new(failures: Failures) -> Self {
        Self { failures, ..Self::default() }
    }

    /// Measures around `load`, which runs on this thread, and keeps what it has yielded.
    pub fn take(
        &mut self,
        pid: u32,
        measures: &mut [Box<dyn Measure>],
        load: impl FnOnce() -> Result<Outcome, BenchError>,
    ) -> Result<Outcome, BenchError> {
        measures.iter_mut().try_for_each(|measure| measure.before(pid))?;
        let outcome = load()?;
        let mut readings = Vec::new();
        for measure in measures {
            readings.extend(measure.after(pid, &outcome)?);
        }
        self.add(&outcome, readings);
        Ok(outcome)
    }

    /// Adds what the scenario itself has found in a round.
    pub fn note(&mut self, Reading { name, unit, better, value }: Reading) {
        self.readings.entry(name).or_insert((unit, better, Vec::new())).2.push(value);
    }

    /// Counts a request that was sent beside the load.
    pub fn count(&mut self, outcome: Result<u16, &'static str>) {
        self.row.requests += 1;
        match outcome {
            Ok(status) => *self.row.statuses.entry(status).or_default() += 1,
            Err(failure) => *self.row.failures.entry(failure.to_owned()).or_default() += 1,
        }
    }

    fn add(&mut self, outcome: &Outcome, readings: Vec<Reading>) {
        let (succeeded, failed) = (outcome.succeeded, outcome.failed());
        let all = outcome.requests();
        self.row.requests += all;
        for (status, count) in &outcome.statuses {
            *self.row.statuses.entry(*status).or_default() += count;
        }
        for (failure, count) in &outcome.failures {
            *self.row.failures.entry(failure.to_string()).or_default() += count;
        }
        let too_many = self.failures == Failures::Spoil && failed as f64 > all as f64 * FAILURE_LIMIT;
        self.unsound |= succeeded == 0 || too_many;
        readings.into_iter().for_each(|reading| self.note(reading));
    }

    /// The latest value of a figure.
    pub fn last(&self, measure: &str) -> Option<f64> {
        self.readings.get(measure).and_then(|(_, _, values)| values.last().copied())
    }

    /// The row of a report. A round in which too much failed leaves it without figures, and with the count of what failed.
    pub fn row(&self, system: &str, variant: &str) -> Row {
        let mut row = Row { system: system.into(), variant: variant.into(), ..self.row.clone() };
        if !self.unsound {
            let figure = |(name, (unit, better, rounds)): (&&'static str, &(Unit, Better, Vec<f64>))| {
                Figure::of(*unit, *better, rounds.clone()).map(|figure| ((*name).to_owned(), figure))
            };
            row.figures = self.readings.iter().filter_map(figure).collect();
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::Failure;

    fn outcome(succeeded: u64, failed: u64) -> Outcome {
        let mut outcome = Outcome::empty().unwrap();
        outcome.latency.record(Duration::from_micros(200));
        let failures = if failed > 0 { BTreeMap::from([(Failure::Status(503), failed)]) } else { BTreeMap::new() };
        let statuses = [(200, succeeded), (503, failed)].into_iter().filter(|(_, count)| *count > 0).collect();
        Outcome { succeeded, statuses, failures, elapsed: Duration::from_secs(2), ..outcome }
    }

    struct Fixed(f64);

    impl Measure for Fixed {
        fn before(&mut self, _: u32) -> Result<(), BenchError> {
            self.0 += 1.0;
            Ok(())
        }
        fn after(&mut self, _: u32, _: &Outcome) -> Result<Vec<Reading>, BenchError> {
            let (unit, better) = (Unit::MicrosPerRequest, Better::Lower);
            Ok(vec![Reading { name: "cpu_us", unit, better, value: self.0 }])
        }
    }

    fn rounds(outcomes: &[(u64, u64)]) -> Row {
        rounds_with(Samples::default(), outcomes)
    }

    fn rounds_with(mut samples: Samples, outcomes: &[(u64, u64)]) -> Row {
        let mut measures: Vec<Box<dyn Measure>> = vec![Box::new(Fixed(0.0))];
        for (succeeded, failed) in outcomes {
            samples.take(1, &mut measures, || Ok(outcome(*succeeded, *failed))).unwrap();
        }
        samples.row("a", "b")
    }

    #[test]
    fn a_figure_has_one_value_a_round() {
        let row = rounds(&[(1000, 0), (1000, 0), (995, 5)]);
        assert_eq!(row.figure("cpu_us").unwrap().rounds, [1.0, 2.0, 3.0]);
        assert_eq!((row.system.as_str(), row.variant.as_str(), row.requests), ("a", "b", 3000));
    }

    #[test]
    fn too_many_failures_leave_no_figure_but_are_counted() {
        let row = rounds(&[(1000, 0), (980, 20)]);
        assert_eq!(row.figures, BTreeMap::new());
        assert_eq!(row.failures, BTreeMap::from([("status_503".to_owned(), 20)]));
        assert_eq!(row.statuses, BTreeMap::from([(200, 1980), (503, 20)]));
        assert_eq!(rounds(&[(0, 0)]).figures, BTreeMap::new());
    }

    #[test]
    fn failures_that_belong_to_the_scenario_leave_the_figures() {
        let row = rounds_with(Samples::new(Failures::Belong), &[(100, 900)]);
        assert_eq!(row.figure("cpu_us").unwrap().rounds, [1.0]);
        assert_eq!(row.failures, BTreeMap::from([("status_503".to_owned(), 900)]));
    }

    #[test]
    fn notes_and_counts_beside_the_load() {
        let mut samples = Samples::default();
        samples.count(Ok(200));
        samples.count(Err("refused"));
        for value in [1.0, 2.0] {
            samples.note(Reading { name: "reloads", unit: Unit::Count, better: Better::Neither, value });
        }
        let row = samples.row("a", "");
        assert_eq!((row.requests, row.statuses.get(&200), row.failures.get("refused")), (2, Some(&1), Some(&1)));
        assert_eq!(row.figure("reloads").unwrap().rounds, [1.0, 2.0]);
    }
}
