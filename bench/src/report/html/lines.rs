//! Plots of lines: latency as load rises, latency by quantile, memory and rate over time.
//!
//! Text in an SVG that is scaled as a whole cannot be read on a phone. Here only the lines are scaled, in an inner SVG whose strokes keep
//! their width; ticks, marks and names are placed by percent of the width and keep their size. Names stand beside the ends of their lines
//! where there is room, and in a list below where there is not (style.css decides by the width of the figure).

use std::fmt;

use super::axis::Axis;
use super::look::{Look, MARKS};
use super::markup::{Text, lines};

/// Height of the field and of what is below it, in pixels.
const HEIGHT: f64 = 320.0;
const BELOW: f64 = 46.0;
/// Width of the inner SVG before it is scaled.
const WIDTH: f64 = 1000.0;
/// Characters of a name beside a line, and pixels from one line of text to the next.
const NAME: usize = 29;
const LINE: f64 = 15.0;
/// A line with more points than this has marks at some of them only.
const MARKED: usize = 12;

/// A plot; displayed, it is a `figure`.
pub struct Plot {
    /// Unique on the page.
    pub id: String,
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub lines: Vec<Line>,
}

pub struct Line {
    pub name: String,
    pub look: Look,
    pub points: Vec<(f64, f64)>,
}

impl fmt::Display for Plot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, title, x, y, lines } = self;
        writeln!(f, "<figure class=\"plot lines\" id=\"{id}\">\n<figcaption>{}</figcaption>", Text(title))?;
        writeln!(f, "<p class=\"y-title\">{}</p>", Text(&y.title))?;
        write!(f, "<svg role=\"img\" aria-labelledby=\"{id}-t {id}-d\" width=\"100%\" height=\"{}\">", HEIGHT + BELOW)?;
        let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
        let about =
            format!("{} against {}. Lines: {}. The values are in the table below.", y.title, x.title, names.join("; "));
        writeln!(f, "<title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>", Text(title), Text(&about))?;
        self.grid(f)?;
        let (ours, others): (Vec<&Line>, Vec<&Line>) = lines.iter().partition(|line| line.look.ours);
        let mut painted = others.into_iter().chain(ours);
        writeln!(
            f,
            "<svg class=\"field\" width=\"100%\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\">"
        )?;
        painted.clone().try_for_each(|line| self.course(line, f))?;
        writeln!(f, "</svg>")?;
        painted.try_for_each(|line| self.marks(line, f))?;
        self.names(f)?;
        writeln!(f, "</svg>")?;
        key(lines, f)?;
        writeln!(f, "</figure>")
    }
}

impl Plot {
    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x.part(x), HEIGHT * (1.0 - self.y.part(y)))
    }

    fn grid(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for tick in &self.y.ticks {
            let y = HEIGHT * (1.0 - tick.part);
            writeln!(f, "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>")?;
            writeln!(
                f,
                "<text class=\"tick\" x=\"-8\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                y + 4.0,
                tick.label
            )?;
        }
        x_axis(&self.x, HEIGHT, f)
    }

    fn course(&self, line: &Line, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<polyline class=\"line {}\" points=\"", line.look)?;
        for point in &line.points {
            let (x, y) = self.place(*point);
            write!(f, "{:.1},{y:.1} ", x * WIDTH)?;
        }
        writeln!(f, "\"/>")
    }

    fn marks(&self, line: &Line, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let every = line.points.len().div_ceil(MARKED).max(1);
        for point in line.points.iter().step_by(every) {
            let (x, y) = self.place(*point);
            let (look, mark) = (line.look, line.look.mark());
            writeln!(f, "<use href=\"#m{mark}\" class=\"mark {look}\" x=\"{:.2}%\" y=\"{y:.1}\"/>", x * 100.0)?;
        }
        Ok(())
    }

    /// Names right of the field, as near to the ends of their lines as they can stand without touching each other.
    fn names(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ends: Vec<(f64, f64, &Line)> = self
            .lines
            .iter()
            .filter_map(|line| line.points.last().map(|point| self.place(*point)).map(|(x, y)| (x, y, line)))
            .collect();
        ends.sort_by(|one, other| one.1.total_cmp(&other.1));
        let texts: Vec<Vec<String>> = ends.iter().map(|(.., line)| lines(&line.name, NAME)).collect();
        let heights: Vec<f64> = texts.iter().map(|text| text.len() as f64 * LINE + 4.0).collect();
        let wanted: Vec<f64> = ends.iter().map(|(_, y, _)| *y).collect();
        writeln!(f, "<g class=\"names\">")?;
        for (((x, y, line), text), top) in ends.iter().zip(&texts).zip(apart(&wanted, &heights)) {
            let (look, middle) = (line.look, top + text.len() as f64 * LINE / 2.0);
            writeln!(
                f,
                "<line class=\"lead {look}\" x1=\"{:.2}%\" y1=\"{y:.1}\" x2=\"100%\" y2=\"{y:.1}\"/>",
                x * 100.0
            )?;
            // From the edge of the field to the name: an inner SVG, for a line cannot begin at 100 % and end some pixels later.
            writeln!(f, "<svg x=\"100%\" y=\"0\" width=\"10\" height=\"10\" overflow=\"visible\" class=\"{look}\">")?;
            writeln!(f, "<line class=\"lead {look}\" x1=\"0\" y1=\"{y:.1}\" x2=\"18\" y2=\"{middle:.1}\"/>")?;
            writeln!(f, "<use href=\"#m{}\" class=\"mark {look}\" x=\"24\" y=\"{middle:.1}\"/>", look.mark())?;
            for (index, words) in text.iter().enumerate() {
                let y = top + index as f64 * LINE + 11.5;
                writeln!(f, "<text class=\"name {look}\" x=\"34\" y=\"{y:.1}\">{}</text>", Text(words))?;
            }
            writeln!(f, "</svg>")?;
        }
        writeln!(f, "</g>")
    }
}

/// Ticks and title below a field of this height.
pub fn x_axis(axis: &Axis, height: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "<line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"{height}\" y2=\"{height}\"/>")?;
    for tick in &axis.ticks {
        let (x, minor) = (tick.part * 100.0, if tick.minor { " minor" } else { "" });
        writeln!(f, "<line class=\"axis\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"{height}\" y2=\"{}\"/>", height + 5.0)?;
        let y = height + 19.0;
        writeln!(
            f,
            "<text class=\"tick{minor}\" x=\"{x:.2}%\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
            tick.label
        )?;
    }
    let y = height + 40.0;
    writeln!(f, "<text class=\"x-title\" x=\"50%\" y=\"{y}\" text-anchor=\"middle\">{}</text>", Text(&axis.title))
}

/// Which mark is whose, for figures without room for names.
fn key(lines: &[Line], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "<ul class=\"key\" aria-hidden=\"true\">")?;
    for line in lines {
        let (look, mark) = (line.look, line.look.mark());
        write!(
            f,
            "<li><svg width=\"34\" height=\"12\"><line class=\"line {look}\" x1=\"1\" x2=\"33\" y1=\"6\" y2=\"6\"/>"
        )?;
        writeln!(f, "<use href=\"#m{mark}\" class=\"mark {look}\" x=\"17\" y=\"6\"/></svg> {}</li>", Text(&line.name))?;
    }
    writeln!(f, "</ul>")
}

/// The marks that every plot uses.
pub fn mark_definitions(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "<svg width=\"0\" height=\"0\" aria-hidden=\"true\" class=\"definitions\"><defs>")?;
    for (index, mark) in MARKS.iter().enumerate() {
        write!(f, "<path id=\"m{index}\" d=\"{mark}\"/>")?;
    }
    writeln!(f, "</defs></svg>")
}

/// Tops of texts of these heights: each around its wanted middle if the one above leaves it there, all inside the field if they fit.
fn apart(wanted: &[f64], heights: &[f64]) -> Vec<f64> {
    let mut tops = Vec::with_capacity(wanted.len());
    let mut free = f64::NEG_INFINITY;
    for (middle, height) in wanted.iter().zip(heights) {
        let top = (middle - height / 2.0).max(free).max(0.0);
        free = top + height;
        tops.push(top);
    }
    let mut bottom = HEIGHT;
    for (top, height) in tops.iter_mut().zip(heights).rev() {
        *top = top.min(bottom - height);
        bottom = *top;
    }
    tops
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_touch_each_other_and_stay_inside_the_field() {
        let wanted = [0.0, 2.0, 3.0, 200.0, 318.0, 319.0];
        let heights = [19.0, 34.0, 19.0, 19.0, 19.0, 34.0];
        let tops = apart(&wanted, &heights);
        for index in 1..tops.len() {
            assert!(tops[index - 1] + heights[index - 1] <= tops[index] + 1e-9, "{tops:?}");
        }
        assert!(tops[0] >= 0.0 && tops[5] + heights[5] <= HEIGHT, "{tops:?}");
        assert!((tops[3] - (200.0 - 9.5)).abs() < 1e-9, "one that is alone stands beside its line: {tops:?}");
    }
}
