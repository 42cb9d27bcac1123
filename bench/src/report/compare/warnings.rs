//! What makes two runs hard to compare, in sentences.

use crate::finding::Findings;

pub fn of(old: &Findings, new: &Findings, references: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut differs = |what: &str, old: String, new: String| {
        if old != new {
            warnings.push(format!("{what} differ: {old} in the old run, {new} in the new one"));
        }
    };
    differs("commands", old.command.clone(), new.command.clone());
    differs("processors", processors(old), processors(new));
    differs("kernels", old.machine.kernel.clone(), new.machine.kernel.clone());
    differs("profiles of the build", old.tollgate.profile.clone(), new.tollgate.profile.clone());
    differs("loads", load(old), load(new));
    differs("pinned processors", pinned(old), pinned(new));
    for system in old.systems.iter().filter(|system| !system.ours) {
        if let Some(other) = new.systems.iter().find(|other| other.name == system.name) {
            differs(&format!("versions of {}", system.title), system.version.clone(), other.version.clone());
        }
    }
    let gone = only_in(old, new).map(|title| format!("only in the old run: {title}"));
    let come = only_in(new, old).map(|title| format!("only in the new run: {title}"));
    warnings.extend(gone.chain(come));
    if !references {
        warnings.push(
            "no reference in both runs: the machine is not cancelled, microseconds are compared as they are".into(),
        );
    }
    warnings
}

fn processors(findings: &Findings) -> String {
    format!("{} x {}", findings.machine.processors, findings.machine.cpu)
}

fn load(findings: &Findings) -> String {
    let run = &findings.run;
    format!(
        "{}, {} connections, {} tokens of {} bytes",
        run.workload, run.connections, run.known_tokens, run.token_bytes
    )
}

fn pinned(findings: &Findings) -> String {
    findings
        .run
        .pinned
        .as_ref()
        .map_or_else(|| "none".into(), |pinned| format!("{} and {}", pinned.measured, pinned.generator_and_upstream))
}

/// Scenarios, and systems in scenarios that both have.
fn only_in<'a>(one: &'a Findings, other: &'a Findings) -> impl Iterator<Item = String> + 'a {
    one.scenarios.iter().flat_map(move |scenario| {
        let Some(found) = other.scenario(&scenario.name) else { return vec![scenario.title.clone()] };
        let missing = scenario.rows.iter().filter(|row| found.variant(&row.system, &row.variant).is_none());
        let named = missing.map(|row| match row.variant.as_str() {
            "" => format!("{}: {}", scenario.title, one.title(&row.system)),
            variant => format!("{}: {}, {variant}", scenario.title, one.title(&row.system)),
        });
        named.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    #[test]
    fn every_difference_is_said_and_nothing_of_the_same_run() {
        let old = sample::findings();
        assert_eq!(of(&old, &old, true), Vec::<String>::new());
        let mut new = old.clone();
        new.machine.processors = 64;
        new.machine.kernel = "Linux 7.0".into();
        new.tollgate.profile = "debug".into();
        new.run.token_bytes = 700;
        new.run.pinned = None;
        new.systems[1].version = "nginx version: nginx/1.99".into();
        new.scenarios[0].rows.retain(|row| row.system != "haproxy_jwt");
        new.scenarios.retain(|scenario| scenario.name != "overload");
        let said = of(&old, &new, false).join("\n");
        for text in [
            "processors differ: 2 x AMD",
            "kernels differ: Linux 6.18",
            "profiles of the build differ: release",
            "tokens of 700 bytes",
            "pinned processors differ: 0 and 1 in the old run, none",
            "versions of nginx, plain pass differ",
            "only in the old run: Plain pass: HAProxy",
            "only in the old run: Ten times",
            "no reference in both",
        ] {
            assert!(said.contains(text), "{text:?} is missing in\n{said}");
        }
        assert!(of(&new, &old, true).iter().any(|said| said.starts_with("only in the new run")));
    }
}
