//! The report as a table for a terminal.

use std::fmt;

use super::Report;
use crate::measure::Spread;
use crate::scenario::{Case, CaseFinding};

const MIB: u64 = 1024 * 1024;

pub fn write(report: &Report, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    header(report, f)?;
    writeln!(f, "\nProcessor time of the proxy process a request, in µs: median of {} rounds\n", report.run.rounds)?;
    writeln!(
        f,
        "{:<40} {:>6} {:>13} {:>11} {:>7} {:>8} {:>7} {:>7} {:>5}",
        "", "µs", "range", "user+kernel", "x nginx", "req/s", "p50 µs", "p99 µs", "fails"
    )?;
    for case in Case::ALL {
        row(report, case, f)?;
    }
    if let Some(ring) = report.ring_verify {
        writeln!(f, "{:<40} {:>6.1} {:>13}", "ring, bare RS256 verification", ring.median, range(ring))?;
    }
    writeln!(f, "\nBudgets")?;
    for budget in &report.budgets {
        let (us, limit) = (number(budget.us), number(budget.limit_us));
        writeln!(f, "  {:<52} {us:>6} of {limit:>6}  {}", budget.promise, budget.verdict.word())?;
    }
    for (name, reason) in &report.without_figures {
        writeln!(f, "\nWithout figures: {name}: {reason}")?;
    }
    Ok(())
}

fn header(report: &Report, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (build, machine, run) = (&report.tollgate, &report.machine, &report.run);
    let commit = build.commit.as_deref().unwrap_or("unknown commit");
    writeln!(f, "tollgate {} ({commit}, {} build)", build.version, build.profile)?;
    if build.profile != "release" {
        writeln!(f, "This is not a release build: the edge's figures mean nothing.")?;
    }
    let memory = machine.memory_bytes.map_or_else(|| "unknown".into(), |bytes| format!("{} MiB", bytes / MIB));
    let load = machine.load_average.map_or_else(|| "unknown".into(), |load| format!("{load:.2}"));
    writeln!(
        f,
        "{}, {} processors, {memory}, {}, load {load} before",
        machine.cpu, machine.processors, machine.kernel
    )?;
    for (name, version) in &report.versions {
        writeln!(f, "{name}: {version}")?;
    }
    match &run.pinned {
        Some(pinned) => {
            writeln!(f, "measured on processor {}, load from {}", pinned.measured, pinned.generator_and_upstream)?;
        }
        None => writeln!(f, "not pinned: load generator and measured process share processors")?,
    }
    let (connections, tokens, bytes) = (run.connections, run.known_tokens, run.token_bytes);
    writeln!(f, "{}; {connections} connections, {tokens} tokens of {bytes} bytes, {:.0} s", run.workload, run.seconds)
}

fn row(report: &Report, case: Case, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some((finding, us)) = report.cases.get(case.name()).and_then(|finding| Some((finding, finding.us?))) else {
        return writeln!(f, "{:<40} {:>6}", case.title(), "-");
    };
    let ratio = report.nginx_plain_us.map(|nginx| us.median / nginx);
    writeln!(
        f,
        "{:<40} {:>6.1} {:>13} {:>11} {:>7} {:>8} {:>7} {:>7} {:>5}",
        case.title(),
        us.median,
        range(us),
        split(finding),
        ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}")),
        finding.requests_per_second.map_or_else(|| "-".into(), |rate| format!("{rate:.0}")),
        finding.p50_us.map_or_else(|| "-".into(), |us| format!("{us:.0}")),
        finding.p99_us.map_or_else(|| "-".into(), |us| format!("{us:.0}")),
        finding.failures.values().sum::<u64>(),
    )
}

fn range(spread: Spread) -> String {
    format!("{:.1} - {:.1}", spread.least, spread.greatest)
}

fn split(finding: &CaseFinding) -> String {
    finding
        .user_us
        .zip(finding.kernel_us)
        .map_or_else(|| "-".into(), |(user, kernel)| format!("{user:.1} + {kernel:.1}"))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.1}"))
}

#[cfg(test)]
mod tests {
    use super::super::Report;
    use super::super::tests::findings;

    #[test]
    fn the_table_names_every_case_budget_and_missing_peer() {
        let table = Report::new(findings()).to_string();
        for text in [
            "tollgate, plain pass",
            "HAProxy, jwt_verify",
            "Envoy, jwt_authn with its cache               -",
            "plain pass at most 1.6 x nginx",
            "16.0 of   17.6  met",
            "36.0 of   35.1  missed",
            "unknown: not measured",
            "Without figures: envoy_jwt_cached: it is not installed",
            "measured on processor 0, load from 1",
        ] {
            assert!(table.contains(text), "{text:?} is missing in\n{table}");
        }
    }
}
