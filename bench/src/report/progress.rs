//! Live progress of a run on standard error: one line that rewrites itself on a terminal, a plain line now and then elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::scenario::{Progress, Step};

/// Without a terminal, a line at most this often, and at every new part.
const PLAIN_EVERY: Duration = Duration::from_secs(30);
/// Columns of the rewritten line: a longer one would wrap, and a wrapped line cannot be rewritten.
const WIDTH: usize = 79;
/// Before this many measurements nothing is said of the end.
const ENOUGH_TO_ESTIMATE: usize = 3;

/// Shows where a run is. What it cannot write is not an error of the run.
#[derive(Debug)]
pub struct OnStderr<W = io::Stderr> {
    out: W,
    rewrites: bool,
    began: Instant,
    phase_began: Instant,
    said_at: Option<Instant>,
}

impl OnStderr {
    pub fn begin() -> Self {
        let out = io::stderr();
        let rewrites = out.is_terminal();
        Self::new(out, rewrites, Instant::now())
    }
}

impl<W: Write> OnStderr<W> {
    fn new(out: W, rewrites: bool, began: Instant) -> Self {
        Self { out, rewrites, began, phase_began: began, said_at: None }
    }

    /// Leaves an empty line on a terminal, so that the report begins where the progress was.
    pub fn finish(&mut self) {
        if self.rewrites && self.said_at.is_some() {
            let _ = self.out.write_all(b"\r\x1b[2K").and_then(|()| self.out.flush());
        }
    }

    fn show_at(&mut self, step: Step<'_>, now: Instant) {
        if step.number <= 1 {
            self.phase_began = now;
        }
        let recent = self.said_at.is_some_and(|said| now.duration_since(said) < PLAIN_EVERY);
        if !self.rewrites && recent && step.number > 1 {
            return;
        }
        let text = line(step, now.duration_since(self.began), now.duration_since(self.phase_began));
        let text = if self.rewrites { format!("\r\x1b[2K{}", shortened(&text)) } else { format!("{text}\n") };
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        self.said_at = Some(now);
    }
}

impl<W: Write> Progress for OnStderr<W> {
    fn step(&mut self, step: Step<'_>) {
        self.show_at(step, Instant::now());
    }
}

/// "Plain pass: nginx, 12 of 80; 1:05 gone, this part about 3:10 more".
fn line(step: Step<'_>, elapsed: Duration, phase: Duration) -> String {
    let Step { what, system, number, of } = step;
    let rest = rest(number.saturating_sub(1), of, phase);
    let rest = rest.map_or_else(String::new, |rest| format!(", this part about {} more", clock(rest)));
    let system = if system.is_empty() { String::new() } else { format!("{system}, ") };
    format!("{what}: {system}{number} of {of}; {} gone{rest}", clock(elapsed))
}

/// As if every measurement took as long as those that are done.
fn rest(done: usize, total: usize, elapsed: Duration) -> Option<Duration> {
    let share = total.saturating_sub(done) as f64 / done as f64;
    (done >= ENOUGH_TO_ESTIMATE).then(|| elapsed.mul_f64(share))
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    // The end says how long it takes; the names before it may lose a part.
    let (names, times) = text.rsplit_once("; ").unwrap_or((text, ""));
    let room = WIDTH.saturating_sub(times.chars().count() + 3);
    format!("{}…; {times}", names.chars().take(room).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(what: &str, number: usize) -> Step<'_> {
        Step { what, system: "nginx", number, of: 40 }
    }

    #[test]
    fn the_line_says_where_the_run_is_and_when_it_ends() {
        let early = line(step("Plain pass", 2), Duration::from_secs(6), Duration::from_secs(4));
        assert_eq!(early, "Plain pass: nginx, 2 of 40; 0:06 gone");
        let later = line(step("Plain pass", 11), Duration::from_secs(65), Duration::from_secs(60));
        assert_eq!(later, "Plain pass: nginx, 11 of 40; 1:05 gone, this part about 3:00 more");
        let whole = line(Step { system: "", ..step("Reloads", 1) }, Duration::ZERO, Duration::ZERO);
        assert_eq!(whole, "Reloads: 1 of 40; 0:00 gone");
    }

    #[test]
    fn a_terminal_gets_one_line_that_rewrites_itself_and_never_wraps() {
        let began = Instant::now();
        let mut progress = OnStderr::new(Vec::new(), true, began);
        progress.show_at(step(&"Very ".repeat(30), 5), began + Duration::from_secs(1));
        progress.show_at(step("Plain pass", 6), began + Duration::from_secs(2));
        progress.finish();
        let text = String::from_utf8(progress.out).unwrap();
        let lines: Vec<&str> = text.split("\r\x1b[2K").collect();
        assert_eq!((lines.len(), lines[0], lines[3]), (4, "", ""), "{text:?}");
        assert!(lines[1].chars().count() <= WIDTH, "{text:?}");
        assert!(lines[1].ends_with("…; 0:01 gone, this part about 0:09 more"), "{text:?}");
        assert!(!text.contains('\n'));
    }

    #[test]
    fn elsewhere_a_plain_line_at_a_new_part_and_now_and_then() {
        let began = Instant::now();
        let mut progress = OnStderr::new(Vec::new(), false, began);
        for (second, what, number) in [(0, "One", 1), (5, "Two", 2), (10, "Three", 1), (20, "Four", 2), (45, "Five", 3)]
        {
            progress.show_at(step(what, number), began + Duration::from_secs(second));
        }
        progress.finish();
        let text = String::from_utf8(progress.out).unwrap();
        let starts: Vec<&str> = text.lines().map(|line| line.split(':').next().unwrap()).collect();
        assert_eq!(starts, ["One", "Three", "Five"], "{text}");
        assert!(!text.contains('\r') && !text.contains('\x1b'), "{text:?}");
    }
}
