//! The report of `bench waf`: one JSON object for programs, a table for people, and lists of what only one side has found.

mod lists;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::clean;
use crate::measure::{Build, Machine};
use crate::scenario::waf::{AtLevel, Blame, Findings, JUDGED, Row, Tally};

pub use self::lists::List;

/// Shape of the JSON; it grows, and never renames.
const SCHEMA: u32 = 1;
/// Rules that a table names for their false positives.
const MOST_RULES: usize = 12;

/// What a family of CRS is about.
fn title(family: u64) -> &'static str {
    match family {
        911 => "methods",
        913 => "scanners",
        920 => "protocol",
        921 => "protocol attacks",
        922 => "multipart",
        930 => "traversal, local inclusion",
        931 => "remote inclusion",
        932 => "remote execution",
        933 => "PHP",
        934 => "generic, Node.js",
        941 => "cross-site scripting",
        942 => "SQL injection",
        943 => "session fixation",
        944 => "Java",
        950..=956 => "leaks in answers",
        949 | 959 | 980 => "decision",
        _ => "",
    }
}

/// What `tollgate bench waf` prints and writes.
#[derive(Serialize)]
pub struct WafReport {
    schema: u32,
    tollgate: Build,
    machine: Machine,
    seconds: f64,
    requests: usize,
    /// Requests that could not be sent.
    unsent: Vec<Unsent>,
    levels: Vec<LevelReport>,
    missing: BTreeMap<String, String>,
    #[serde(skip)]
    lists: Vec<List>,
}

#[derive(Serialize)]
struct Unsent {
    file: String,
    line: usize,
    name: String,
    reason: String,
}

#[derive(Serialize)]
struct LevelReport {
    level: u8,
    systems: Vec<(String, String)>,
    /// Attacks of the judged families whose rules have level 1 or 2 in the installed CRS.
    judged: Row,
    judged_families: BTreeMap<u64, Row>,
    attacks: Vec<FamilyRow>,
    other: Row,
    /// Clean traffic without the classes that are judged apart.
    honest: Row,
    clean: BTreeMap<String, Row>,
    all_clean: Row,
    /// Clean requests that were refused, by the rules that did.
    blame: Blame,
    verdicts: Vec<(String, Option<bool>)>,
}

#[derive(Serialize)]
struct FamilyRow {
    family: u64,
    title: &'static str,
    /// Level of the rules that are tested: 1 to 4, `none`, `absent` from the installed CRS.
    level: &'static str,
    #[serde(flatten)]
    row: Row,
}

impl WafReport {
    pub(crate) fn new(findings: Findings) -> Self {
        let lists = findings.levels.iter().flat_map(|level| lists::of(level, &findings.requests)).collect();
        let unsent = findings.unsent.into_iter().map(|unsent| Unsent {
            file: unsent.place.file,
            line: unsent.place.line,
            name: unsent.name,
            reason: unsent.reason,
        });
        Self {
            schema: SCHEMA,
            tollgate: Build::this(),
            machine: findings.machine,
            seconds: findings.seconds,
            requests: findings.requests.len(),
            unsent: unsent.collect(),
            levels: findings.levels.iter().map(LevelReport::of).collect(),
            missing: findings.missing,
            lists,
        }
    }

    /// The whole report as one JSON object on one line.
    ///
    /// # Errors
    /// None that is known: the types hold nothing that JSON cannot.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Files beside the report: what each side has said to which request.
    pub fn lists(&self) -> &[List] {
        &self.lists
    }
}

impl LevelReport {
    fn of(at: &AtLevel) -> Self {
        let found = &at.found;
        let attacks = found.attacks.iter().map(|((family, level), row)| FamilyRow {
            family: *family,
            title: title(*family),
            level: level.words(),
            row: row.clone(),
        });
        let judged = found.judged();
        let judged_families = JUDGED.iter().map(|family| (*family, found.judged_family(*family))).collect();
        let (honest, all_clean) = (found.honest(), found.all_clean());
        let verdicts = vec![
            ("no fewer attacks detected than by ModSecurity".to_owned(), detects_no_fewer(&judged)),
            ("at most half of its false positives".to_owned(), half_of_false_positives(&all_clean)),
            ("the same without markup and code".to_owned(), half_of_false_positives(&honest)),
        ];
        Self {
            level: at.level,
            systems: at.systems.clone(),
            judged,
            judged_families,
            attacks: attacks.collect(),
            other: found.other.clone(),
            honest,
            clean: found.clean.clone(),
            all_clean,
            blame: found.blame.clone(),
            verdicts,
        }
    }
}

/// `None` where one side was not measured, or there was nothing to measure.
fn detects_no_fewer(row: &Row) -> Option<bool> {
    Some(row.tollgate?.detected() >= row.modsecurity?.detected())
}

fn half_of_false_positives(row: &Row) -> Option<bool> {
    Some(row.tollgate?.detected() * 2 <= row.modsecurity?.detected())
}

const HEAD: &str = "requests  ModSecurity (server)   Tollgate (server)     both  only M.  only T.";

impl fmt::Display for WafReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (build, machine) = (&self.tollgate, &self.machine);
        let commit = build.commit.as_deref().unwrap_or("unknown commit");
        writeln!(f, "tollgate bench {} ({commit}, {} build)", build.version, build.profile)?;
        writeln!(f, "{}, {} processors, {}", machine.cpu, machine.processors, machine.kernel)?;
        writeln!(f, "{} requests to each, {:.0} s", self.requests, self.seconds)?;
        self.levels.iter().try_for_each(|level| level.write(f))?;
        if !self.unsent.is_empty() {
            writeln!(f, "\nNot sent: {}", self.unsent.len())?;
        }
        for Unsent { file, line, name, reason } in &self.unsent {
            writeln!(f, "  {file}, line {line} {name}: {reason}")?;
        }
        self.missing.iter().try_for_each(|(name, reason)| writeln!(f, "Without figures: {name}: {reason}"))
    }
}

impl LevelReport {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nParanoia level {}", self.level)?;
        self.systems.iter().try_for_each(|(title, version)| writeln!(f, "  {title}: {version}"))?;
        writeln!(f, "\n  {:<34} {HEAD}", "Attacks, by level of the rule")?;
        for FamilyRow { family, title, level, row } in &self.attacks {
            line(&format!("{family} {title}, {level}"), row, f)?;
        }
        line("not attacks, or not by themselves", &self.other, f)?;
        writeln!(f, "  Judged: rules of level 1 and 2")?;
        for (family, row) in &self.judged_families {
            line(&format!("  {family}"), row, f)?;
        }
        line("  all five", &self.judged, f)?;
        writeln!(f, "\n  {:<34} {HEAD}  M. by lists", "False positives on clean traffic")?;
        self.clean.iter().try_for_each(|(class, row)| clean_line(class, row, f))?;
        clean_line(&format!("without {}", clean::APART.join(" and ")), &self.honest, f)?;
        clean_line("all", &self.all_clean, f)?;
        for (side, rules) in [("ModSecurity", &self.blame.modsecurity), ("Tollgate", &self.blame.tollgate)] {
            if !rules.is_empty() {
                writeln!(f, "  By these rules of {side}, mostly: {}", greatest(rules))?;
            }
        }
        writeln!(f)?;
        for (promise, verdict) in &self.verdicts {
            let word = match verdict {
                Some(true) => "met",
                Some(false) => "missed",
                None => "unknown: not measured",
            };
            writeln!(f, "  {promise}: {word}")?;
        }
        Ok(())
    }
}

/// Those with the most refusals, each with their number.
fn greatest(rules: &BTreeMap<String, u64>) -> String {
    let mut rules: Vec<(&String, &u64)> = rules.iter().collect();
    rules.sort_by(|one, other| other.1.cmp(one.1));
    rules.iter().take(MOST_RULES).map(|(rule, count)| format!("{rule} {count}")).collect::<Vec<_>>().join(", ")
}

fn line(name: &str, row: &Row, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "  {name:<34} {}", columns(row))
}

fn clean_line(name: &str, row: &Row, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "  {name:<34} {}  {:>11}", columns(row), row.modsecurity_by_lists)
}

fn columns(row: &Row) -> String {
    let side = |tally: Option<Tally>| match tally {
        None => "-".to_owned(),
        Some(tally) => {
            let failed = if tally.failed > 0 { format!(", {} failed", tally.failed) } else { String::new() };
            format!("{} ({}){failed}", tally.detected(), tally.by_server)
        }
    };
    let (theirs, ours) = (side(row.modsecurity), side(row.tollgate));
    let (requests, both, only_m, only_t) = (row.requests, row.both, row.only_modsecurity, row.only_tollgate);
    format!("{requests:>8}  {theirs:>20}  {ours:>19}  {both:>7}  {only_m:>7}  {only_t:>7}")
}

#[cfg(test)]
mod tests;
