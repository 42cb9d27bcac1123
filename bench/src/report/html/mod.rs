//! The findings as one page that needs nothing else: no script, no font, no picture from elsewhere.
//!
//! It draws whatever scenarios the findings hold: rows as bars (or, where latency is what matters, as quantiles), curves and courses as
//! lines, and all of them as tables.

mod axis;
mod bars;
mod head;
mod lines;
mod look;
mod markup;
mod tables;

use std::fmt;

use self::axis::Axis;
use self::bars::Bars;
use self::lines::{Line, Plot};
use self::look::Look;
use self::markup::Text;
use super::measures::{self, QUANTILES};
use super::names;
use crate::finding::{Findings, Row, ScenarioFinding, Series, Unit};

const STYLE: &str = include_str!("style.css");
/// A quantile plot needs as many quantiles.
const QUANTILES_TO_PLOT: usize = 3;
/// Measures of curves that are drawn: the middle and the tail.
const DRAWN_OF_CURVES: [&str; 2] = ["p50_us", "p99_us"];

/// Measure of a curve over quantiles.
const LATENCY: &str = "latency_us";

/// Findings, to be displayed as a page.
pub struct Page<'a>(pub &'a Findings);

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings = self.0;
        writeln!(f, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
        writeln!(f, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
        writeln!(f, "<meta name=\"color-scheme\" content=\"light dark\">")?;
        writeln!(f, "<title>{}: tollgate bench</title>", head::heading(&findings.command))?;
        writeln!(f, "<style>\n{STYLE}</style>\n</head>\n<body>")?;
        lines::mark_definitions(f)?;
        writeln!(f, "<main>")?;
        head::title(findings, f)?;
        head::facts(findings, f)?;
        contents(findings, f)?;
        head::budgets(&findings.budgets, f)?;
        findings.scenarios.iter().try_for_each(|scenario| section(findings, scenario, f))?;
        if !findings.limits.is_empty() {
            writeln!(f, "<section id=\"limits\">\n<h2>Limits</h2>")?;
            tables::limits(findings, f)?;
            writeln!(f, "</section>")?;
        }
        head::systems(findings, f)?;
        let (started, version) = (Text(&findings.run.started_at), Text(&findings.tollgate.version));
        writeln!(
            f,
            "<footer>Run of {started}, Tollgate {version}. Repeat it: <code>tollgate bench {}</code></footer>",
            Text(&findings.command)
        )?;
        writeln!(f, "</main>\n</body>\n</html>")
    }
}

fn contents(findings: &Findings, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "<nav aria-label=\"On this page\"><ul>")?;
    if !findings.budgets.is_empty() {
        writeln!(f, "<li><a href=\"#budgets\">Budgets</a></li>")?;
    }
    for scenario in &findings.scenarios {
        writeln!(f, "<li><a href=\"#s-{}\">{}</a></li>", Text(&scenario.name), Text(&scenario.title))?;
    }
    writeln!(f, "<li><a href=\"#systems\">Systems</a></li>\n</ul></nav>")
}

fn section(findings: &Findings, scenario: &ScenarioFinding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (name, title, about) = (Text(&scenario.name), Text(&scenario.title), Text(&scenario.about));
    writeln!(f, "<section id=\"s-{name}\">\n<h2>{title}</h2>\n<p>{about}</p>")?;
    rows(findings, scenario, f)?;
    if let Some(plot) = quantile_curves(findings, scenario) {
        write!(f, "{plot}")?;
    }
    DRAWN_OF_CURVES.iter().try_for_each(|measure| curves(findings, scenario, measure, f))?;
    courses(findings, scenario, f)?;
    tables::of_scenario(findings, scenario, f)?;
    writeln!(f, "</section>")
}

/// Bars of the headline; its quantiles where it is a latency.
fn rows(findings: &Findings, scenario: &ScenarioFinding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let measure = headline(scenario);
    let quantiles = |row: &Row| QUANTILES.iter().filter(|(name, _)| row.figure(name).is_some()).count();
    let latency = QUANTILES.iter().any(|(name, _)| *name == measure);
    if latency && scenario.rows.iter().any(|row| quantiles(row) >= QUANTILES_TO_PLOT) {
        return quantile_plot(findings, scenario).map_or(Ok(()), |plot| write!(f, "{plot}"));
    }
    write!(f, "{}", Bars { id: format!("b-{}", Text(&scenario.name)), findings, scenario, measure })
}

/// What the scenario names, else processor time, else the first measure that its rows have.
fn headline(scenario: &ScenarioFinding) -> &str {
    let measures = measures::of_rows(&scenario.rows);
    let has = |measure: &str| measures.contains(&measure);
    match scenario.headline.as_str() {
        named if has(named) => named,
        _ if has(names::CPU) => names::CPU,
        _ => measures.first().copied().unwrap_or_default(),
    }
}

fn quantile_plot(findings: &Findings, scenario: &ScenarioFinding) -> Option<Plot> {
    let line = |row: &Row| {
        let point = |(name, quantile): &(&str, f64)| Some((*quantile, row.figure(name)?.spread.median));
        line(findings, &row.system, row_name(findings, row), QUANTILES.iter().filter_map(point).collect())
    };
    let lines: Vec<Line> = scenario.rows.iter().map(line).filter(|line| !line.points.is_empty()).collect();
    let (least, greatest) = extent(&lines)?;
    let x = Axis::quantiles(lines.iter().flat_map(|line| &line.points).map(|point| point.0).fold(90.0, f64::max));
    let y = Axis::logarithmic("latency", Unit::Micros, least, greatest);
    let id = format!("q-{}", Text(&scenario.name));
    Some(Plot { id, title: format!("{}: latency by quantile", scenario.title), x, y, lines })
}

/// Latency at each quantile from the median on, where a scenario has it whole.
fn quantile_curves(findings: &Findings, scenario: &ScenarioFinding) -> Option<Plot> {
    let lines = scenario.curves.iter().filter(|curve| curve.x_unit == Unit::Share).map(|curve| {
        let above = curve.points.iter().filter(|point| point.x >= 0.5);
        let point = above.filter_map(|point| Some((point.x * 100.0, point.figures.get(LATENCY)?.spread.median)));
        line(findings, &curve.system, findings.title(&curve.system).to_owned(), point.collect())
    });
    let lines: Vec<Line> = lines.filter(|line| !line.points.is_empty()).collect();
    let (least, greatest) = extent(&lines)?;
    let x = Axis::quantiles(lines.iter().flat_map(|line| &line.points).map(|point| point.0).fold(90.0, f64::max));
    let y = Axis::logarithmic("latency", Unit::Micros, least, greatest);
    let id = format!("q-{}", Text(&scenario.name));
    Some(Plot { id, title: format!("{}: latency by quantile", scenario.title), x, y, lines })
}

fn curves(findings: &Findings, scenario: &ScenarioFinding, measure: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let lines = scenario.curves.iter().map(|curve| {
        let points = curve.points.iter().filter_map(|point| Some((point.x, point.figures.get(measure)?.spread.median)));
        line(findings, &curve.system, findings.title(&curve.system).to_owned(), points.collect())
    });
    let lines: Vec<Line> = lines.filter(|line| !line.points.is_empty()).collect();
    let Some((first, (least, greatest))) = scenario.curves.first().zip(extent(&lines)) else { return Ok(()) };
    let farthest = lines.iter().flat_map(|line| &line.points).map(|point| point.0).fold(0.0, f64::max);
    let name = measures::title(measure);
    let plot = Plot {
        id: format!("c-{}-{name}", Text(&scenario.name)),
        title: format!("{}: {name}", scenario.title),
        x: Axis::linear(&first.x_title, first.x_unit, farthest),
        y: Axis::logarithmic(&format!("{name} of latency"), Unit::Micros, least, greatest),
        lines,
    };
    write!(f, "{plot}")
}

/// One plot for each measure that was taken over time.
fn courses(findings: &Findings, scenario: &ScenarioFinding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut measures: Vec<&str> = scenario.series.iter().map(|series| series.measure.as_str()).collect();
    measures.sort_unstable();
    measures.dedup();
    for measure in measures {
        let all: Vec<&Series> = scenario.series.iter().filter(|series| series.measure == measure).collect();
        let own =
            |series: &&Series| line(findings, &series.system, course_name(findings, series), series.points.clone());
        let lines: Vec<Line> = all.iter().map(own).collect();
        let Some((unit, (_, greatest))) = all.first().map(|series| series.unit).zip(extent(&lines)) else { continue };
        let end = lines.iter().flat_map(|line| &line.points).map(|point| point.0).fold(0.0, f64::max);
        let name = measures::title(measure);
        let (x, y) = (Axis::seconds(end), Axis::linear(&name, unit, greatest));
        let id = format!("t-{}-{measure}", Text(&scenario.name));
        write!(f, "{}", Plot { id, title: format!("{}: {name} over time", scenario.title), x, y, lines })?;
    }
    Ok(())
}

/// The system; of memory with how it grows.
fn course_name(findings: &Findings, series: &Series) -> String {
    let title = findings.title(&series.system);
    match crate::measure::slope(&series.points).filter(|_| series.unit == Unit::Bytes) {
        // The number and its unit stay together.
        Some(slope) => {
            let (sign, slope) = (if slope > 0.0 { "+" } else { "" }, measures::written(Unit::BytesPerSecond, slope));
            format!("{title}, {sign}{}", slope.replace(' ', "\u{a0}"))
        }
        None => title.to_owned(),
    }
}

fn line(findings: &Findings, system: &str, name: String, points: Vec<(f64, f64)>) -> Line {
    Line { name, look: Look::of(findings, system), points }
}

/// Least and greatest value of all lines; `None` without points.
fn extent(lines: &[Line]) -> Option<(f64, f64)> {
    let values = || lines.iter().flat_map(|line| line.points.iter().map(|point| point.1));
    values().reduce(f64::min).zip(values().reduce(f64::max))
}

/// The system, and what distinguishes this row from its others.
fn row_name(findings: &Findings, row: &Row) -> String {
    match row.variant.as_str() {
        "" => findings.title(&row.system).to_owned(),
        variant => format!("{}, {}", findings.title(&row.system), variant.replace('_', " ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Better, Figure, sample};
    use crate::report::budgets;

    fn page(findings: &Findings) -> String {
        Page(findings).to_string()
    }

    fn judged() -> Findings {
        let mut findings = sample::findings();
        findings.budgets = budgets::of(&findings);
        findings
    }

    #[test]
    fn it_holds_every_scenario_system_budget_and_figure() {
        let (findings, page) = (judged(), page(&judged()));
        let titles = findings.scenarios.iter().map(|scenario| &scenario.title);
        let systems = findings.systems.iter().flat_map(|system| [&system.title, &system.version, &system.note]);
        let promises = findings.budgets.iter().map(|budget| &budget.promise);
        for text in titles.chain(systems).chain(promises).chain(findings.limits.iter().map(|limit| &limit.title)) {
            assert!(page.contains(&Text(text).to_string()), "{text:?} is missing");
        }
        for row in findings.scenarios.iter().flat_map(|scenario| &scenario.rows) {
            for figure in row.figures.values() {
                let text = measures::written(figure.unit, figure.spread.median);
                assert!(page.contains(&format!(">{text}<small>")), "{text} is missing");
            }
        }
        assert!(
            page.contains("missed") && page.contains("unknown: not measured") && page.contains("no figures: it is")
        );
        assert!(page.contains("AMD EPYC &lt;virtual&gt;") && !page.contains("<virtual>"));
    }

    #[test]
    fn limits_of_its_own_stand_beside_a_scenario_instead_of_nginx() {
        let mut findings = sample::findings();
        let before = page(&findings);
        findings.scenarios[0].limits = vec!["sqlite_commit".into()];
        let after = page(&findings);
        let [was, is] = [&before, &after].map(|page| {
            let count = |words: &str| page.matches(words).count();
            [count("× nginx"), count("SQLite, a bare commit "), count("nginx, plain pass ")]
        });
        assert!(was[0] > is[0] && was[1] < is[1] && was[2] > is[2], "{was:?}, {is:?}");
    }

    #[test]
    fn it_needs_nothing_from_elsewhere_and_ids_are_unique() {
        let page = page(&judged());
        for word in ["<script", "http:", "https:", "src=", "@import", "url(", "<link", "NaN", "inf%"] {
            assert!(!page.contains(word), "{word}");
        }
        let ids = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let mut ids: Vec<&str> = ids.collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "ids are unique");
        for named in page.split("aria-labelledby=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(named.split(' ').all(|id| ids.contains(&id)), "{named}");
        }
    }

    #[test]
    fn the_form_of_a_plot_follows_from_what_was_found() {
        let page = page(&judged());
        for id in [
            "b-plain_pass",
            "q-half_load",
            "c-load_curve-p50",
            "c-load_curve-p99",
            "b-revocations",
            "t-reload-pss_bytes",
        ] {
            assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        }
        assert!(!page.contains("id=\"b-half_load\""));
        assert!(page.matches("class=\"reference r0\"").count() >= 5, "limits are drawn into bars");
    }

    #[test]
    fn a_scenario_of_which_nothing_is_known_is_drawn_all_the_same() {
        let mut findings = sample::findings();
        findings.scenarios.truncate(1);
        let scenario = &mut findings.scenarios[0];
        scenario.name = "brand_new".into();
        for row in &mut scenario.rows {
            let held = Figure::of(Unit::Count, Better::Higher, vec![41.0, 43.0]).unwrap();
            row.figures = [("held_connections".to_owned(), held)].into();
        }
        let drawn = page(&findings);
        assert!(
            drawn.contains("id=\"b-brand_new\"") && drawn.contains("held connections") && drawn.contains(">42<small>")
        );
        findings.scenarios[0].rows.clear();
        findings.scenarios[0].curves.clear();
        assert!(page(&findings).contains("brand_new"), "without anything it is still named");
    }
}
