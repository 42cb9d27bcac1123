//! The report of known against unknown users: one JSON object for programs, a table for people.

use std::fmt;

use serde::Serialize;

use crate::measure::Build;
use crate::measure::Machine;
use crate::scenario::attacks::{CaseFinding, Findings, Quantiles};

/// Shape of the JSON; it grows, and never renames.
const SCHEMA: u32 = 1;

/// What `tollgate bench attacks` prints. All times are milliseconds at the client.
#[derive(Debug, Serialize)]
pub struct AttacksReport {
    schema: u32,
    tollgate: Build,
    machine: Machine,
    samples_asked: usize,
    seconds: f64,
    known_against_unknown: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    operation: &'static str,
    #[serde(flatten)]
    finding: CaseFinding,
}

impl AttacksReport {
    pub(crate) fn new(findings: Findings) -> Self {
        let rows = findings.cases.into_iter().map(|(case, finding)| Row { operation: case.name(), finding });
        Self {
            schema: SCHEMA,
            tollgate: Build::this(),
            machine: findings.machine,
            samples_asked: findings.asked,
            seconds: findings.elapsed.as_secs_f64(),
            known_against_unknown: rows.collect(),
        }
    }

    /// The whole report as one JSON object on one line.
    ///
    /// # Errors
    /// None that is known: the types hold nothing that JSON cannot.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

impl fmt::Display for AttacksReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (build, machine) = (&self.tollgate, &self.machine);
        let commit = build.commit.as_deref().unwrap_or("unknown commit");
        let load = machine.load_average.map_or_else(|| "unknown".into(), |load| format!("{load:.2}"));
        writeln!(f, "tollgate bench {} ({commit}, {} build)", build.version, build.profile)?;
        writeln!(f, "{}, {} processors, {}, load {load} before", machine.cpu, machine.processors, machine.kernel)?;
        writeln!(
            f,
            "one connection, random order, {} samples a side asked for, {:.0} s\n",
            self.samples_asked, self.seconds
        )?;
        let quantiles = "p50 / p90 / p99";
        writeln!(
            f,
            "{:<41} {:>5} {:>7} {:>25} {:>25} {:>6} {:>7}",
            "Known against unknown users, ms", "n", "answers", "known", "unknown", "KS D", "p"
        )?;
        writeln!(f, "{:<41} {:>5} {:>7} {quantiles:>25} {quantiles:>25}", "", "", "")?;
        self.known_against_unknown.iter().try_for_each(|row| write_row(row, f))
    }
}

fn write_row(row: &Row, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let finding = &row.finding;
    let same = if finding.same_answers { "same" } else { "differ" };
    let (d, p) = finding.distance.map_or_else(
        || ("-".to_owned(), "-".to_owned()),
        |distance| (format!("{:.3}", distance.d), format!("{:.4}", distance.p)),
    );
    let (known, unknown) = (times(finding.known_ms), times(finding.unknown_ms));
    let (name, n, verdict) = (row.operation, finding.samples, finding.verdict.words());
    writeln!(f, "{name:<41} {n:>5} {same:>7} {known:>25} {unknown:>25} {d:>6} {p:>7}  {verdict}")
}

fn times(quantiles: Option<Quantiles>) -> String {
    quantiles.map_or_else(|| "-".into(), |q| format!("{:.1} / {:.1} / {:.1}", q.p50, q.p90, q.p99))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::Distance;
    use crate::scenario::attacks::{Case, Verdict};

    #[test]
    fn table_and_json_name_the_operation_its_figures_and_the_verdict() {
        let finding = CaseFinding {
            samples: 150,
            same_answers: true,
            only_known: Vec::new(),
            only_unknown: Vec::new(),
            known_ms: Some(Quantiles { p50: 1.0, p90: 2.0, p99: 3.0 }),
            unknown_ms: None,
            distance: Some(Distance { d: 0.5, p: 0.0001 }),
            verdict: Verdict::TimesDiffer,
        };
        let machine = Machine::read();
        let cases = vec![(Case::ForgotPassword, finding)];
        let report = AttacksReport::new(Findings { machine, cases, asked: 150, elapsed: Duration::from_secs(9) });
        let table = report.to_string();
        for text in ["ForgotPassword", "1.0 / 2.0 / 3.0", "0.500", "TIMES DIFFER", "150"] {
            assert!(table.contains(text), "{text:?} is missing in\n{table}");
        }
        let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
        let row = &json["known_against_unknown"][0];
        assert_eq!((&row["operation"], &row["verdict"]), (&"ForgotPassword".into(), &"times_differ".into()));
        assert_eq!(row["distance"]["p"], 0.0001);
        assert!(json["machine"].is_object() && json["tollgate"].is_object());
    }
}
