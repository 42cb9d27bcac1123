//! What a reader must know before the figures: what was measured, on what, how, and whether the promises hold.

use std::fmt;

use super::super::measures::{digits, written};
use super::super::names;
use super::markup::Text;
use crate::finding::{Budget, Findings, Unit, Verdict};

/// Title and the sentence that says what came out.
pub fn title(findings: &Findings, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "<header>\n<p class=\"product\">tollgate bench {}</p>", Text(&findings.command))?;
    writeln!(f, "<h1>{}</h1>", heading(&findings.command))?;
    writeln!(f, "<p class=\"lead-in\">{}</p>", Text(&summary(findings)))?;
    if findings.tollgate.profile != "release" {
        writeln!(f, "<p class=\"warning\">Not a release build: the figures of Tollgate mean nothing.</p>")?;
    }
    writeln!(f, "</header>")
}

pub fn heading(command: &str) -> &'static str {
    match command {
        "edge" => "What a request costs at the edge",
        "issuer" => "What a sign-in costs at the issuer",
        _ => "What it costs",
    }
}

fn summary(findings: &Findings) -> String {
    let (systems, scenarios) = (findings.systems.len(), findings.scenarios.len());
    let run = format!("{systems} systems in {scenarios} scenarios, interleaved in one run.");
    let count = |verdict| findings.budgets.iter().filter(|budget| budget.verdict == verdict).count();
    match findings.budgets.len() {
        0 => run,
        all => {
            let (met, missed, unknown) = (count(Verdict::Met), count(Verdict::Missed), count(Verdict::Unknown));
            format!("{run} Of {all} budgets {met} are met, {missed} missed and {unknown} not measured.")
        }
    }
}

/// Machine, build and run, as a list of terms.
pub fn facts(findings: &Findings, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (build, machine, run) = (&findings.tollgate, &findings.machine, &findings.run);
    let unknown = || "unknown".to_owned();
    let load = machine.load_average.map_or_else(unknown, |load| format!("{load:.2}"));
    let memory = machine.memory_bytes.map_or_else(unknown, |bytes| written(Unit::Bytes, bytes as f64));
    let pinned = run.pinned.as_ref().map_or_else(
        || "not pinned: generator and measured process share processors".to_owned(),
        |pinned| {
            format!("measured on {}, generator and upstream on {}", pinned.measured, pinned.generator_and_upstream)
        },
    );
    let share = names::generator_share(findings).map_or_else(unknown, |share| {
        let write = |value| written(Unit::Share, value);
        format!("{} of all processor time ({} to {})", write(share.median), write(share.least), write(share.greatest))
    });
    let facts = [
        ("Build", format!("Tollgate {}, commit {}", build.version, build.commit.as_deref().unwrap_or("unknown"))),
        ("Flags", format!("{} build; {}", build.profile, build.flags)),
        ("Machine", format!("{}, {} processors, {memory}", machine.cpu, machine.processors)),
        ("Kernel", format!("{}, load {load} before the run", machine.kernel)),
        ("Run", format!("{}, {} rounds in {} s", run.started_at, run.rounds, digits(run.seconds, 0))),
        ("Load", run.workload.clone()),
        ("Connections", format!("{} in the closed loop", run.connections)),
        (
            "Tokens",
            format!("{} known ones of {} bytes", digits(run.known_tokens as f64, 0), digits(run.token_bytes as f64, 0)),
        ),
        ("Processors", pinned),
        ("Generator's share", share),
    ];
    writeln!(f, "<dl class=\"facts\">")?;
    for (term, text) in facts {
        writeln!(f, "<div><dt>{term}</dt><dd>{}</dd></div>", Text(&text))?;
    }
    writeln!(f, "</dl>")
}

/// Each promise beside its figure, met or missed in words.
pub fn budgets(budgets: &[Budget], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if budgets.is_empty() {
        return Ok(());
    }
    writeln!(f, "<section id=\"budgets\">\n<h2>Budgets</h2>")?;
    writeln!(
        f,
        "<div class=\"scroll\"><table class=\"budgets\">\n<caption><span>Each is a ratio or a difference within this run</span></caption>"
    )?;
    writeln!(
        f,
        "<thead><tr><th scope=\"col\">Budget</th><th scope=\"col\">Found</th><th scope=\"col\">At most</th><th scope=\"col\">Verdict</th></tr></thead>\n<tbody>"
    )?;
    for budget in budgets {
        let write = |value: Option<f64>| value.map_or_else(|| "–".into(), |value| written(budget.unit, value));
        let (class, sign) = match budget.verdict {
            Verdict::Met => ("met", "✓ "),
            Verdict::Missed => ("missed", "✗ "),
            Verdict::Unknown => ("unknown", ""),
        };
        let (found, limit, word) = (write(budget.figure), write(budget.limit), budget.verdict.word());
        write!(f, "<tr><th scope=\"row\">{}</th><td>{found}</td><td>{limit}</td>", Text(&budget.promise))?;
        writeln!(f, "<td class=\"{class}\"><span aria-hidden=\"true\">{sign}</span>{word}</td></tr>")?;
    }
    writeln!(f, "</tbody>\n</table></div>\n</section>")
}

/// Versions of everything that was measured, and what has no figures.
pub fn systems(findings: &Findings, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "<section id=\"systems\">\n<h2>Systems</h2>\n<div class=\"scroll\"><table class=\"words\">")?;
    writeln!(f, "<caption><span>What was measured, as each program names its version</span></caption>")?;
    writeln!(
        f,
        "<thead><tr><th scope=\"col\">System</th><th scope=\"col\">Version</th><th scope=\"col\">To be known</th></tr></thead>\n<tbody>"
    )?;
    for system in &findings.systems {
        let (title, version, note) = (Text(&system.title), Text(&system.version), Text(&system.note));
        writeln!(f, "<tr><th scope=\"row\">{title}</th><td>{version}</td><td>{note}</td></tr>")?;
    }
    for (name, reason) in &findings.missing {
        let (title, reason) = (Text(findings.title(name)), Text(reason));
        writeln!(f, "<tr><th scope=\"row\">{title}</th><td>–</td><td>no figures: {reason}</td></tr>")?;
    }
    writeln!(f, "</tbody>\n</table></div>\n</section>")
}
