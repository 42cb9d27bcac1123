//! The findings as tables for a terminal, 120 columns wide at most. Measures that every scenario has and that no column shows (p90,
//! bytes) are left to the page and the JSON; what only one scenario has is said below its row.

use std::fmt;

use super::measures::{self, digits, number, title, written};
use super::names;
use crate::finding::{Budget, Curve, Figure, Findings, Row, ScenarioFinding, Series, Unit};
use crate::measure::slope;

/// A curve of more points is for the eye.
const MOST_POINTS: usize = 12;
/// Columns of a terminal that a line may take.
const WIDTH: usize = 120;
/// Columns for the name of a row; a longer one gets a line of its own.
const NAME: usize = 26;

/// Findings, to be displayed.
pub struct Table<'a>(pub &'a Findings);

/// A column of the table of rows: its head, its width, and its text for a row.
struct Column {
    head: &'static str,
    width: usize,
    text: fn(&Table, &Row) -> Option<String>,
}

/// Left out where a request is none that a proxy passes on.
const TIMES_NGINX: &str = "× nginx";
const COLUMNS: [Column; 9] = [
    Column { head: "CPU", width: 8, text: |_, row| value(row, "cpu_us") },
    Column { head: "range", width: 11, text: |_, row| row.figure("cpu_us").map(range) },
    Column { head: "user+kernel", width: 11, text: |_, row| split(row) },
    Column { head: TIMES_NGINX, width: 7, text: |table, row| table.ratio(row) },
    Column { head: "req/s", width: 9, text: |_, row| value(row, "per_second") },
    Column { head: "p50", width: 7, text: |_, row| value(row, "p50_us") },
    Column { head: "p99", width: 7, text: |_, row| value(row, "p99_us") },
    Column { head: "p99.9", width: 7, text: |_, row| value(row, "p999_us") },
    Column { head: "memory", width: 8, text: |_, row| value(row, "pss_bytes") },
];
/// Column of failed requests, which is always there.
const FAILED: usize = 7;

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings = self.0;
        self.header(f)?;
        findings.scenarios.iter().try_for_each(|scenario| self.scenario(scenario, f))?;
        if !findings.limits.is_empty() {
            writeln!(f, "\nLimits: bare work without a server around it")?;
        }
        for limit in &findings.limits {
            let (us, range) = (written(limit.figure.unit, limit.figure.spread.median), range(&limit.figure));
            writeln!(f, "  {:<48} {us:>9}  {range:>11}", limit.title)?;
        }
        if !findings.budgets.is_empty() {
            writeln!(f, "\nBudgets")?;
        }
        findings.budgets.iter().try_for_each(|line| budget(line, f))?;
        for (name, reason) in &findings.missing {
            paragraph(f, "", &format!("Without figures: {}: {reason}", findings.title(name)))?;
        }
        Ok(())
    }
}

impl Table<'_> {
    fn header(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (build, machine, run) = (&self.0.tollgate, &self.0.machine, &self.0.run);
        let commit = build.commit.as_deref().unwrap_or("unknown commit");
        paragraph(f, "", &format!("tollgate {} ({commit}, {} build: {})", build.version, build.profile, build.flags))?;
        if build.profile != "release" {
            writeln!(f, "This is not a release build: the figures of tollgate mean nothing.")?;
        }
        let memory = machine.memory_bytes.map_or_else(|| "unknown".into(), |bytes| written(Unit::Bytes, bytes as f64));
        let load = machine.load_average.map_or_else(|| "unknown".into(), |load| format!("{load:.2}"));
        let (cpu, processors, kernel) = (&machine.cpu, machine.processors, &machine.kernel);
        paragraph(f, "", &format!("{cpu}, {processors} processors, {memory}, {kernel}, load {load} before"))?;
        for system in &self.0.systems {
            let note = if system.note.is_empty() { String::new() } else { format!(" ({})", system.note) };
            paragraph(f, "", &format!("{}: {}{note}", system.title, system.version))?;
        }
        match &run.pinned {
            Some(pinned) => {
                let (measured, load) = (&pinned.measured, &pinned.generator_and_upstream);
                writeln!(f, "measured on processor {measured}, load from {load}")?;
            }
            None => writeln!(f, "not pinned: load generator and measured process share processors")?,
        }
        let (connections, tokens, bytes) = (run.connections, run.known_tokens, run.token_bytes);
        let load = format!("{}; {connections} connections, {tokens} tokens of {bytes} bytes", run.workload);
        paragraph(f, "", &format!("{load}; medians of {} rounds, {:.0} s", run.rounds, run.seconds))?;
        names::generator_share(self.0).map_or(Ok(()), |share| {
            let (median, range) = (written(Unit::Share, share.median), [share.least, share.greatest].map(percent));
            writeln!(f, "the generator took {median} of all processor time ({})", range.join(" to "))
        })
    }

    fn scenario(&self, scenario: &ScenarioFinding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", scenario.title)?;
        paragraph(f, "  ", &scenario.about)?;
        self.rows(scenario, f)?;
        scenario.curves.iter().try_for_each(|curve| self.curve(curve, f))?;
        scenario.series.iter().try_for_each(|series| self.series(series, f))
    }

    /// Only those columns that a row has something for.
    fn rows(&self, scenario: &ScenarioFinding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = scenario.rows.as_slice();
        if rows.is_empty() {
            return Ok(());
        }
        let fits = |column: &&Column| scenario.is_like_a_pass() || column.head != TIMES_NGINX;
        let used = |column: &&Column| fits(column) && rows.iter().any(|row| (column.text)(self, row).is_some());
        let columns: Vec<&Column> = COLUMNS.iter().filter(used).collect();
        write!(f, "  {:<NAME$}", "")?;
        columns.iter().try_for_each(|column| write!(f, " {:>width$}", column.head, width = column.width))?;
        writeln!(f, " {:>FAILED$}", "failed")?;
        rows.iter().try_for_each(|row| self.row(row, &columns, f))
    }

    fn row(&self, row: &Row, columns: &[&Column], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match row.variant.as_str() {
            "" => self.0.title(&row.system).to_owned(),
            variant => format!("{}, {variant}", self.0.title(&row.system)),
        };
        if name.chars().count() > NAME {
            write!(f, "  {name}\n  {:<NAME$}", "")?;
        } else {
            write!(f, "  {name:<NAME$}")?;
        }
        for column in columns {
            let text = (column.text)(self, row).unwrap_or_else(|| "-".into());
            write!(f, " {text:>width$}", width = column.width)?;
        }
        writeln!(f, " {:>FAILED$}", row.failed())?;
        let rest =
            measures::of_rows(std::slice::from_ref(row)).into_iter().filter(|measure| !measures::is_known(measure));
        let mut more: Vec<String> =
            rest.filter_map(|measure| Some(format!("{} {}", title(measure), value(row, measure)?))).collect();
        more.extend(row.failures.iter().map(|(reason, count)| failure(reason, *count, row.requests)));
        if more.is_empty() { Ok(()) } else { paragraph(f, "      ", &more.join(", ")) }
    }

    fn ratio(&self, row: &Row) -> Option<String> {
        let ratio = row.figure(names::CPU)?.ratio(names::nginx_plain(self.0)?)?;
        Some(format!("{ratio:.2}"))
    }

    fn curve(&self, curve: &Curve, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title_of = self.0.title(&curve.system);
        if curve.points.len() > MOST_POINTS {
            return writeln!(f, "  {title_of}, by {}: {} points, in the page", curve.x_title, curve.points.len());
        }
        writeln!(f, "  {title_of}, by {}", curve.x_title)?;
        for point in &curve.points {
            let measures = measures::of(std::iter::once(&point.figures));
            let texts = measures.into_iter().filter_map(|measure| {
                let figure = point.figures.get(measure)?;
                Some(format!("{} {:>8}", title(measure), written(figure.unit, figure.spread.median)))
            });
            let texts: Vec<String> = texts.collect();
            paragraph(f, "    ", &format!("{:>10}  {}", written(curve.x_unit, point.x), texts.join("  ")))?;
        }
        Ok(())
    }

    fn series(&self, series: &Series, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((seconds, last)) = series.points.last() else { return Ok(()) };
        let values = series.points.iter().map(|point| point.1);
        let (least, greatest) =
            (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max));
        let write = |value| written(series.unit, value);
        let trend = slope(&series.points).filter(|_| series.unit == Unit::Bytes);
        let trend = trend.map_or_else(String::new, |slope| format!(", slope {}", written(Unit::BytesPerSecond, slope)));
        let (name, measure) = (self.0.title(&series.system), title(&series.measure));
        let (least, greatest, last) = (write(least), write(greatest), write(*last));
        let course = format!("{least} to {greatest}, {last} at the end{trend}");
        paragraph(f, "  ", &format!("{name}: {measure} over {seconds:.0} s: {course}"))
    }
}

fn value(row: &Row, measure: &str) -> Option<String> {
    row.figure(measure).map(|figure| written(figure.unit, figure.spread.median))
}

fn range(figure: &Figure) -> String {
    format!("{}-{}", number(figure.spread.least), number(figure.spread.greatest))
}

fn percent(share: f64) -> String {
    written(Unit::Share, share)
}

fn split(row: &Row) -> Option<String> {
    let (user, kernel) = row.figure("user_us").zip(row.figure("kernel_us"))?;
    Some(format!("{}+{}", number(user.spread.median), number(kernel.spread.median)))
}

fn failure(reason: &str, count: u64, requests: u64) -> String {
    format!("{reason}: {} of {}", digits(count as f64, 0), digits(requests as f64, 0))
}

fn budget(budget: &Budget, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| written(budget.unit, value));
    let (figure, limit, word) = (text(budget.figure), text(budget.limit), budget.verdict.word());
    writeln!(f, "  {:<66} {figure:>9} of {limit:>9}  {word}", budget.promise)
}

/// Words in lines of at most [`WIDTH`] columns, each after `indent`.
fn paragraph(f: &mut fmt::Formatter<'_>, indent: &str, text: &str) -> fmt::Result {
    let mut column = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            writeln!(f)?;
            column = 0;
        }
        let before = if column == 0 { indent } else { " " };
        write!(f, "{before}{word}")?;
        column += before.chars().count() + length;
    }
    writeln!(f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;
    use crate::report::budgets;

    fn table() -> String {
        let mut findings = sample::findings();
        findings.budgets = budgets::of(&findings);
        Table(&findings).to_string()
    }

    #[test]
    fn it_names_every_scenario_row_limit_budget_and_missing_system() {
        let (table, findings) = (table(), sample::findings());
        let titles = findings.scenarios.iter().map(|scenario| &scenario.title);
        let systems = findings.systems.iter().flat_map(|system| [&system.title, &system.version]);
        for text in titles.chain(systems).chain(findings.limits.iter().map(|limit| &limit.title)) {
            assert!(table.contains(text.as_str()), "{text:?} is missing in\n{table}");
        }
        for text in [
            "with a web ACL of 30 rules at most 9 µs over a plain pass",
            "- of   9.00 µs  unknown: not measured",
            "Without figures: nginx_njs: it is not installed",
            "measured on processor 0, load from 1",
            "timeout: 61,000 of 90,000",
            "the generator took 40",
            "memory over 120 s",
            "slope ",
        ] {
            assert!(table.contains(text), "{text:?} is missing in\n{table}");
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let mut findings = sample::findings();
        findings.scenarios[0].about = "long ".repeat(60);
        let table = Table(&findings).to_string();
        for line in table.lines() {
            assert!(line.chars().count() <= WIDTH, "{} columns: {line}", line.chars().count());
        }
    }

    #[test]
    fn what_has_limits_of_its_own_is_not_put_in_relation_to_nginx() {
        let columns = |findings: &Findings| Table(findings).to_string().matches(TIMES_NGINX).count();
        let mut findings = sample::findings();
        let before = columns(&findings);
        findings.scenarios[0].limits = vec!["sqlite_commit".into()];
        assert_eq!(columns(&findings), before - 1);
    }

    #[test]
    fn the_ratio_is_that_of_the_same_round() {
        let mut findings = sample::findings();
        let figure = |rounds: &[f64]| {
            Figure::of(Unit::MicrosPerRequest, crate::finding::Better::Lower, rounds.to_vec()).unwrap()
        };
        sample::row(&mut findings, "plain_pass", "nginx_plain")
            .figures
            .insert("cpu_us".into(), figure(&[10.0, 20.0, 10.0]));
        sample::row(&mut findings, "plain_pass", "tollgate")
            .figures
            .insert("cpu_us".into(), figure(&[15.0, 34.0, 20.0]));
        let table = Table(&findings).to_string();
        let line = table.lines().find(|line| line.trim_start().starts_with("Tollgate  ")).unwrap();
        assert!(line.contains(" 1.70 ") && line.contains("20.0 µs") && line.contains("15.0-34.0"), "{line}");
    }
}
