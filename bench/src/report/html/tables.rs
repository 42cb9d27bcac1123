//! Every figure as a table, so that the page is whole without its plots.

use std::fmt;

use super::super::measures::{self, digits, number, suited, title, written};
use super::super::names;
use super::markup::Text;
use super::row_name;
use crate::finding::{Curve, Figure, Findings, Row, ScenarioFinding, Series, Unit};
use crate::measure::slope;

/// Columns that have room at the usual size on a screen of 1,280 pixels.
const USUAL_COLUMNS: usize = 13;
/// Moments of a course that its table shows; the file has all.
const MOMENTS: usize = 25;

/// Opens a table in a box that scrolls by itself, and on a narrow screen shows each row as a card; the caller writes the rows by
/// [`Cells`] and closes it with [`CLOSE`].
fn open(caption: &str, heads: &[String], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">", Text(caption))?;
    let wide = if heads.len() > USUAL_COLUMNS { " wide" } else { "" };
    write!(f, "<table class=\"cards{wide}\">\n<caption><span>{}</span></caption>\n<thead><tr>", Text(caption))?;
    heads.iter().try_for_each(|head| write!(f, "<th scope=\"col\">{}</th>", Text(head)))?;
    writeln!(f, "</tr></thead>\n<tbody>")
}

/// The cells of one row, each with the head of its column: a card has no heads above.
struct Cells<'h> {
    heads: std::slice::Iter<'h, String>,
}

impl<'h> Cells<'h> {
    /// Begins the row with its name, which stands in the first column.
    fn begin(heads: &'h [String], name: &str, f: &mut fmt::Formatter<'_>) -> Result<Self, fmt::Error> {
        let mut heads = heads.iter();
        heads.next();
        write!(f, "<tr><th scope=\"row\">{}</th>", Text(name))?;
        Ok(Self { heads })
    }

    /// `content` is markup.
    fn add(&mut self, content: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.heads.next().map(String::as_str).unwrap_or_default();
        write!(f, "<td data-head=\"{}\">{content}</td>", Text(head))
    }

    fn add_figure(&mut self, figure: Option<&Figure>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(figure) = figure else { return self.add(NOTHING, f) };
        let content = format!("{}<small>{}</small>", written(figure.unit, figure.spread.median), range(figure));
        self.add(&content, f)
    }
}

const NOTHING: &str = "–";

const CLOSE: &str = "</tbody>\n</table>\n</div>";

/// All tables of a scenario.
pub fn of_scenario(findings: &Findings, scenario: &ScenarioFinding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if !scenario.rows.is_empty() {
        rows(findings, scenario, f)?;
    }
    if !scenario.curves.is_empty() {
        curves(findings, scenario, f)?;
    }
    let mut measures: Vec<&str> = scenario.series.iter().map(|series| series.measure.as_str()).collect();
    measures.sort_unstable();
    measures.dedup();
    for measure in measures {
        let all: Vec<&Series> = scenario.series.iter().filter(|series| series.measure == measure).collect();
        courses(findings, scenario, &all, f)?;
    }
    Ok(())
}

/// Limits: bare work without a server around it.
pub fn limits(findings: &Findings, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let heads = ["Work", "CPU an operation", "Range"].map(String::from);
    open("Bare work without a server around it, in the same run", &heads, f)?;
    for limit in &findings.limits {
        let mut cells = Cells::begin(&heads, &limit.title, f)?;
        cells.add(&written(limit.figure.unit, limit.figure.spread.median), f)?;
        cells.add(&range(&limit.figure), f)?;
        writeln!(f, "</tr>")?;
    }
    writeln!(f, "{CLOSE}")
}

fn rows(findings: &Findings, scenario: &ScenarioFinding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let measures = measures::of_rows(&scenario.rows);
    let nginx = names::nginx_plain(findings).filter(|_| scenario.is_like_a_pass() && measures.contains(&names::CPU));
    let mut heads = vec!["System".to_owned()];
    for measure in &measures {
        heads.push(title(measure).into_owned());
        if *measure == names::CPU && nginx.is_some() {
            heads.push("× nginx".into());
        }
    }
    heads.extend(["requests", "failed"].map(String::from));
    open(&format!("{}: medians of the rounds, with their range", scenario.title), &heads, f)?;
    for row in &scenario.rows {
        let mut cells = Cells::begin(&heads, &row_name(findings, row), f)?;
        for measure in &measures {
            let figure = row.figure(measure);
            cells.add_figure(figure, f)?;
            if let Some(nginx) = nginx.filter(|_| *measure == names::CPU) {
                let ratio = figure.and_then(|figure| figure.ratio(nginx));
                cells.add(&ratio.map_or_else(|| NOTHING.into(), |ratio| format!("{ratio:.2}")), f)?;
            }
        }
        cells.add(&count(row.requests), f)?;
        cells.add(&format!("{}{}", count(row.failed()), reasons(row)), f)?;
        writeln!(f, "</tr>")?;
    }
    writeln!(f, "{CLOSE}")
}

/// Least to greatest in the unit of the median, which stands above it.
fn range(figure: &Figure) -> String {
    let (divisor, _) = suited(figure.unit, figure.spread.median.abs());
    let [least, greatest] = [figure.spread.least, figure.spread.greatest].map(|value| number(value / divisor));
    format!("{least} – {greatest}")
}

/// "timeout 61,000, status_503 2", below the number of failures.
fn reasons(row: &Row) -> String {
    let reasons: Vec<String> =
        row.failures.iter().map(|(reason, failed)| format!("{reason} {}", count(*failed))).collect();
    if reasons.is_empty() { String::new() } else { format!("<small>{}</small>", Text(&reasons.join(", "))) }
}

fn curves(findings: &Findings, scenario: &ScenarioFinding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let points = scenario.curves.iter().flat_map(|curve| &curve.points);
    let measures = measures::of(points.map(|point| &point.figures));
    let turned = scenario.curves.first().map_or("", |curve| curve.x_title.as_str());
    let heads = ["System".to_owned(), turned.to_owned()].into_iter();
    let heads: Vec<String> = heads.chain(measures.iter().map(|measure| title(measure).into_owned())).collect();
    writeln!(f, "<details><summary>Each point as a table</summary>")?;
    open(&format!("{}: each point", scenario.title), &heads, f)?;
    scenario.curves.iter().try_for_each(|curve| points_of(findings, curve, (&heads, &measures), f))?;
    writeln!(f, "{CLOSE}\n</details>")
}

fn points_of(
    findings: &Findings,
    curve: &Curve,
    (heads, measures): (&[String], &[&str]),
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for point in &curve.points {
        let mut cells = Cells::begin(heads, findings.title(&curve.system), f)?;
        cells.add(&written(curve.x_unit, point.x), f)?;
        measures.iter().try_for_each(|measure| cells.add_figure(point.figures.get(*measure), f))?;
        writeln!(f, "</tr>")?;
    }
    Ok(())
}

/// A summary of each course, and some of its moments to be unfolded.
fn courses(
    findings: &Findings,
    scenario: &ScenarioFinding,
    all: &[&Series],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let Some(first) = all.first() else { return Ok(()) };
    let (measure, unit) = (title(&first.measure), first.unit);
    let bytes = unit == Unit::Bytes;
    let heads = ["System", "first", "least", "greatest", "last"].into_iter().chain(bytes.then_some("slope"));
    let heads: Vec<String> = heads.map(String::from).collect();
    open(&format!("{}: {measure} over time", scenario.title), &heads, f)?;
    for series in all {
        let values = || series.points.iter().map(|point| point.1);
        let (least, greatest) = (values().reduce(f64::min), values().reduce(f64::max));
        let mut cells = Cells::begin(&heads, findings.title(&series.system), f)?;
        for value in [values().next(), least, greatest, values().next_back()] {
            cells.add(&value.map_or_else(|| NOTHING.into(), |value| written(unit, value)), f)?;
        }
        if bytes {
            let slope = slope(&series.points).map(|slope| written(Unit::BytesPerSecond, slope));
            cells.add(slope.as_deref().unwrap_or(NOTHING), f)?;
        }
        writeln!(f, "</tr>")?;
    }
    writeln!(f, "{CLOSE}\n<details><summary>{} by seconds</summary>", Text(&measure))?;
    moments(findings, scenario, all, f)?;
    writeln!(f, "</details>")
}

fn moments(
    findings: &Findings,
    scenario: &ScenarioFinding,
    all: &[&Series],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut seconds: Vec<f64> = all.iter().flat_map(|series| series.points.iter().map(|point| point.0)).collect();
    seconds.sort_by(f64::total_cmp);
    seconds.dedup();
    let every = seconds.len().div_ceil(MOMENTS).max(1);
    let names = all.iter().map(|series| findings.title(&series.system).to_owned());
    let heads: Vec<String> = std::iter::once("time".to_owned()).chain(names).collect();
    let which = if every == 1 { "each moment".into() } else { format!("one moment of {every}") };
    open(&format!("{}, {which}", scenario.title), &heads, f)?;
    for second in seconds.into_iter().step_by(every) {
        let mut cells = Cells::begin(&heads, &format!("{} s", number(second).trim_end_matches(".00")), f)?;
        for series in all {
            let value = series.points.iter().find(|point| point.0 == second).map(|point| written(series.unit, point.1));
            cells.add(value.as_deref().unwrap_or(NOTHING), f)?;
        }
        writeln!(f, "</tr>")?;
    }
    writeln!(f, "{CLOSE}")
}

fn count(value: u64) -> String {
    digits(value as f64, 0)
}
