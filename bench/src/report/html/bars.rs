//! Bars of one measure of all rows of a scenario: user and kernel time apart where it is processor time, the range of the rounds as a
//! whisker, and what it is to be compared with as lines across.
//!
//! As in `lines`, nothing is scaled but lengths along the axis. Names stand above their bars, or left of them where there is room.

use std::fmt;

use super::super::measures::{title, written};
use super::super::names;
use super::axis::Axis;
use super::lines::x_axis;
use super::look::Look;
use super::markup::{Text, lines};
use crate::finding::{Figure, Findings, Limit, Row, ScenarioFinding, Unit};

/// Characters of a name beside a bar, pixels from one line of text to the next, and the height of a bar.
const NAME: usize = 30;
const LINE: f64 = 16.0;
const BAR: f64 = 16.0;
/// From the name to its bar, and from there to the next name.
const BEFORE: f64 = 4.0;
const AFTER: f64 = 10.0;
const BELOW: f64 = 46.0;
/// Right of this part of the axis the words of a reference end at its line.
const TURN: f64 = 0.45;

/// A plot; displayed, it is a `figure`.
pub struct Bars<'a> {
    pub id: String,
    pub findings: &'a Findings,
    pub scenario: &'a ScenarioFinding,
    /// Which figure of the rows.
    pub measure: &'a str,
}

/// A line across all bars.
struct Reference<'a> {
    title: &'a str,
    value: f64,
    unit: Unit,
}

impl fmt::Display for Bars<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<(&Row, &Figure)> =
            self.scenario.rows.iter().filter_map(|row| Some((row, row.figure(self.measure)?))).collect();
        let Some((_, first)) = rows.first() else { return Ok(()) };
        let references = self.references(first.unit);
        let greatest = rows.iter().map(|(_, figure)| figure.spread.greatest);
        let greatest = greatest.chain(references.iter().map(|line| line.value)).fold(0.0, f64::max);
        let cost = first.unit == Unit::MicrosPerRequest;
        let measure = if cost { "CPU time a request".into() } else { title(self.measure) };
        let axis = Axis::linear(&measure, first.unit, greatest);
        let top = references.len() as f64 * LINE + 6.0;
        let height = top + rows.iter().map(|(row, _)| self.height(row)).sum::<f64>();

        let (id, caption) = (&self.id, format!("{}: {measure}", self.scenario.title));
        writeln!(f, "<figure class=\"plot bars\" id=\"{id}\">\n<figcaption>{}</figcaption>", Text(&caption))?;
        legend(cost && rows.iter().any(|(row, _)| split(row).is_some()), first.rounds.len(), &references, f)?;
        writeln!(
            f,
            "<svg role=\"img\" aria-labelledby=\"{id}-t {id}-d\" width=\"100%\" height=\"{}\">",
            height + BELOW
        )?;
        let about: Vec<String> =
            rows.iter().map(|(row, figure)| format!("{} {}", self.name(row), value(figure))).collect();
        let (about, caption) = (about.join("; "), Text(&caption));
        writeln!(f, "<title id=\"{id}-t\">{caption}</title><desc id=\"{id}-d\">{}.</desc>", Text(&about))?;
        for tick in &axis.ticks {
            let x = tick.part * 100.0;
            writeln!(f, "<line class=\"grid\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"{top}\" y2=\"{height}\"/>")?;
        }
        for (index, line) in references.iter().enumerate() {
            reference(line, &axis, index, height, f)?;
        }
        let mut at = top;
        for (row, figure) in rows {
            self.bar(row, figure, &axis, at, f)?;
            at += self.height(row);
        }
        x_axis(&axis, height, f)?;
        writeln!(f, "</svg>\n</figure>")
    }
}

impl Bars<'_> {
    /// The limits that the scenario names, or else nginx's plain pass and ring's verification, beside processor time.
    fn references(&self, unit: Unit) -> Vec<Reference<'_>> {
        if !matches!(unit, Unit::MicrosPerRequest | Unit::MicrosPerOperation) {
            return Vec::new();
        }
        let own = |limit: &&Limit| match self.scenario.limits.as_slice() {
            [] => limit.name == names::RING_VERIFY,
            named => named.contains(&limit.name),
        };
        let limits = self.findings.limits.iter().filter(own);
        let nginx = names::nginx_plain(self.findings).filter(|_| self.scenario.is_like_a_pass());
        let nginx = nginx.map(|figure| Reference {
            title: self.findings.title(names::NGINX_PLAIN),
            value: figure.spread.median,
            unit: figure.unit,
        });
        let mut references: Vec<Reference<'_>> = limits.map(of_limit).chain(nginx).collect();
        // From the least on, so that no line crosses the words of the one above it.
        references.sort_by(|one, other| one.value.total_cmp(&other.value));
        references
    }

    fn name(&self, row: &Row) -> String {
        super::row_name(self.findings, row)
    }

    fn height(&self, row: &Row) -> f64 {
        lines(&self.name(row), NAME).len() as f64 * LINE + BEFORE + BAR + AFTER
    }

    fn bar(&self, row: &Row, figure: &Figure, axis: &Axis, at: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let look = if Look::of(self.findings, &row.system).ours { "ours" } else { "peer" };
        let words = lines(&self.name(row), NAME);
        let (count, percent) = (words.len() as f64, |value: f64| axis.part(value) * 100.0);
        let top = at + count * LINE + BEFORE;
        // The move that puts the middle of the words beside the middle of the bar.
        let drop = count * LINE / 2.0 + BEFORE + BAR / 2.0 - 1.0;
        writeln!(f, "<g class=\"{look}\">")?;
        for (index, line) in words.iter().enumerate() {
            let y = at + 12.0 + index as f64 * LINE;
            writeln!(f, "<text class=\"bar-name\" style=\"--drop:{drop}px\" x=\"0\" y=\"{y}\">{}</text>", Text(line))?;
        }
        let (middle, length) = (top + BAR / 2.0, percent(figure.spread.median));
        match split(row).filter(|_| figure.unit == Unit::MicrosPerRequest) {
            Some(user_part) => {
                let user = length * user_part;
                writeln!(f, "<rect class=\"user\" x=\"0\" y=\"{top}\" width=\"{user:.2}%\" height=\"{BAR}\"/>")?;
                let kernel = length - user;
                writeln!(
                    f,
                    "<rect class=\"kernel\" x=\"{user:.2}%\" y=\"{top}\" width=\"{kernel:.2}%\" height=\"{BAR}\"/>"
                )?;
            }
            None => writeln!(f, "<rect class=\"user\" x=\"0\" y=\"{top}\" width=\"{length:.2}%\" height=\"{BAR}\"/>")?,
        }
        let (least, greatest) = (percent(figure.spread.least), percent(figure.spread.greatest));
        for class in ["halo", "whisker"] {
            writeln!(
                f,
                "<line class=\"{class}\" x1=\"{least:.2}%\" x2=\"{greatest:.2}%\" y1=\"{middle}\" y2=\"{middle}\"/>"
            )?;
            for end in [least, greatest] {
                let (from, to) = (middle - 4.0, middle + 4.0);
                writeln!(f, "<line class=\"{class}\" x1=\"{end:.2}%\" x2=\"{end:.2}%\" y1=\"{from}\" y2=\"{to}\"/>")?;
            }
        }
        let (x, y) = (greatest.max(length), middle + 4.5);
        let ratio = self
            .ratio(figure)
            .map_or_else(String::new, |ratio| format!("<tspan class=\"ratio\" dx=\"8\">{ratio}</tspan>"));
        writeln!(f, "<text class=\"value\" x=\"{x:.2}%\" dx=\"8\" y=\"{y}\">{}{ratio}</text>\n</g>", value(figure))
    }

    fn ratio(&self, figure: &Figure) -> Option<String> {
        let like = |nginx: &&Figure| nginx.unit == figure.unit && self.scenario.is_like_a_pass();
        let nginx = names::nginx_plain(self.findings).filter(like)?;
        figure.ratio(nginx).map(|ratio| written(Unit::Ratio, ratio))
    }
}

fn of_limit(limit: &Limit) -> Reference<'_> {
    Reference { title: &limit.title, value: limit.figure.spread.median, unit: limit.figure.unit }
}

fn value(figure: &Figure) -> String {
    written(figure.unit, figure.spread.median)
}

/// The user part of a row's processor time, 0 to 1.
fn split(row: &Row) -> Option<f64> {
    let (user, kernel) = row.figure("user_us").zip(row.figure("kernel_us"))?;
    let share = user.spread.median / (user.spread.median + kernel.spread.median);
    share.is_finite().then(|| share.clamp(0.0, 1.0))
}

/// What the parts of a bar are, and the lines across where there is no room for their names beside them.
fn legend(split: bool, rounds: usize, references: &[Reference], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "<ul class=\"legend\">")?;
    if split {
        writeln!(
            f,
            "<li><svg width=\"18\" height=\"12\" class=\"peer\"><rect class=\"user\" width=\"18\" height=\"12\"/></svg> user</li>"
        )?;
        writeln!(
            f,
            "<li><svg width=\"18\" height=\"12\" class=\"peer\"><rect class=\"kernel\" x=\"1\" y=\"1\" width=\"16\" height=\"10\"/></svg> kernel</li>"
        )?;
    }
    let whisker = "<path class=\"whisker\" d=\"M1 6h20M1 2v8M21 2v8\"/>";
    writeln!(f, "<li><svg width=\"22\" height=\"12\">{whisker}</svg> range of {rounds} rounds</li>")?;
    for (index, line) in references.iter().enumerate() {
        let mark = format!("<path class=\"reference r{}\" d=\"M0 6h22\"/>", index % 3);
        let words = line.words();
        writeln!(f, "<li class=\"narrow\"><svg width=\"22\" height=\"12\">{mark}</svg> {}</li>", Text(&words))?;
    }
    writeln!(f, "</ul>")
}

impl Reference<'_> {
    fn words(&self) -> String {
        format!("{} {}", self.title, written(self.unit, self.value))
    }
}

fn reference(line: &Reference, axis: &Axis, index: usize, height: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (part, y) = (axis.part(line.value), 12.0 + index as f64 * LINE);
    let (x, class) = (part * 100.0, index % 3);
    let (anchor, dx) = if part > TURN { ("end", -5) } else { ("start", 5) };
    writeln!(
        f,
        "<line class=\"reference r{class}\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"{}\" y2=\"{height}\"/>",
        y - 11.0
    )?;
    let words = line.words();
    writeln!(
        f,
        "<text class=\"reference-name\" x=\"{x:.2}%\" dx=\"{dx}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>",
        Text(&words)
    )
}
