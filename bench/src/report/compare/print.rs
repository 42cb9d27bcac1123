//! A comparison as a table for a terminal: what decides, what it was put in relation to, and what else has changed.

use std::fmt;

use super::super::measures::{title, written};
use super::{Comparison, Judgement, Line, Named, OVER_PLAIN};
use crate::finding::Unit;
use crate::report::names::CPU;

/// Columns of a name; a longer one gets a line of its own.
const NAME: usize = 58;

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old: {}\nnew: {}", self.old, self.new)?;
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))?;
        if let Some(slowdown) = self.machine_slowdown {
            let figures = if self.references == 1 { "reference" } else { "references" };
            let cancelled = "cancelled in every change of processor time";
            writeln!(
                f,
                "machine: {slowdown:.3} x the time in the new run by {} {figures}, {cancelled}",
                self.references
            )?;
        }
        writeln!(f, "a change of processor time counts from {} on", written(Unit::Share, self.counts_from))?;

        head("Processor time a request (decides)", f)?;
        self.lines.iter().filter(|line| line.decides).try_for_each(|line| line.fmt(f))?;
        head("References: not of ours, or bare work", f)?;
        let reference =
            |line: &&Line| line.judgement == Judgement::Reference && matches!(line.measure.as_str(), CPU | "");
        self.lines.iter().filter(reference).try_for_each(|line| line.fmt(f))?;
        let also = |line: &&Line| !line.decides && matches!(line.judgement, Judgement::Better | Judgement::Worse);
        if self.lines.iter().any(|line| also(&line)) {
            head("Also changed (does not decide)", f)?;
            self.lines.iter().filter(also).try_for_each(|line| line.fmt(f))?;
        }
        let count = |judgement: Judgement| format!("{} {}", self.deciding(judgement), judgement.words());
        let all = [Judgement::Worse, Judgement::Better, Judgement::Same, Judgement::TooNoisy].map(count);
        write!(f, "\n{}", all.join(", "))
    }
}

fn head(title: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "\n{title:<width$} {:>10} {:>10} {:>10}", "old", "new", "change", width = NAME + 2)
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commit = self.commit.as_deref().unwrap_or("unknown commit");
        write!(f, "tollgate {} ({commit}), {}", self.version, self.started_at)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        if name.chars().count() > NAME {
            write!(f, "  {name}\n  {:<NAME$}", "")?;
        } else {
            write!(f, "  {name:<NAME$}")?;
        }
        let new = self.new.map_or_else(|| "no figure".into(), |new| written(self.unit, new));
        let change = self.change.map_or_else(|| "-".into(), |change| format!("{:+.1} %", change * 100.0));
        write!(f, " {:>10} {new:>10} {change:>10}", written(self.unit, self.old))?;
        match self.judgement {
            Judgement::Reference => writeln!(f),
            judgement => writeln!(f, "  {}", judgement.words()),
        }
    }
}

impl Line {
    fn name(&self) -> String {
        let measure = match self.measure.as_str() {
            CPU | "" => String::new(),
            OVER_PLAIN => "over its plain pass".into(),
            other => title(other).into_owned(),
        };
        let parts = [&self.scenario_title, &self.system_title, &self.variant, &measure];
        let parts: Vec<&str> = parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::compare;
    use crate::finding::sample::{self, Sample};

    #[test]
    fn the_table_says_what_decides_what_it_rests_on_and_the_count() {
        let mut old = sample::findings();
        old.machine.kernel = "Linux 5.10".into();
        let new = Sample { seed: 2, slow_gate_us: 10.0, ..Sample::default() }.findings();
        let table = compare(&old, &new, 0.05).unwrap().to_string();
        for text in [
            "warning: kernels differ: Linux 5.10",
            "machine: ",
            "Token gate, known tokens, Tollgate, over its plain pass",
            "Plain pass, nginx, plain pass",
            "ring, bare RS256 verification",
            " worse\n",
            "Also changed (does not decide)",
        ] {
            assert!(table.contains(text), "{text:?} is missing in\n{table}");
        }
        let last = table.lines().last().unwrap();
        assert!(last.starts_with("8 worse, 0 better, "), "{last}\n{table}");
        assert!(table.lines().all(|line| line.chars().count() <= 120), "{table}");
    }
}
