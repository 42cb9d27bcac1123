//! Requests by what became of them, a file each: what a writer of rules reads.

use serde::Serialize;

use crate::corpus::Entry;
use crate::scenario::waf::{Answers, AtLevel, Kind, Request, Verdict};

/// A file of JSON objects, one a line.
pub struct List {
    /// `level1-attacks-only-modsecurity.jsonl`.
    pub name: String,
    pub text: String,
}

#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    line: usize,
    name: String,
    /// Level of the rule that an attack tests; `null` for others.
    rule_level: Option<&'static str>,
    modsecurity: Option<String>,
    tollgate: Option<String>,
    /// Rules of CRS that have matched.
    rules: Vec<u64>,
    /// The rule of Tollgate's web ACL that has refused it, or the edge's own reason.
    reason: Option<&'a str>,
    request: &'a Entry,
}

/// Which requests a list has.
type Belongs = fn(&Kind, Answer) -> bool;

/// Whether each side has found a request; `None` where it was not measured.
#[derive(Clone, Copy)]
struct Answer {
    modsecurity: Option<Verdict>,
    tollgate: Option<Verdict>,
}

impl Answer {
    fn by_modsecurity(self) -> bool {
        self.modsecurity.is_some_and(Verdict::is_detected)
    }

    fn by_tollgate(self) -> bool {
        self.tollgate.is_some_and(Verdict::is_detected)
    }

    fn failed(self) -> bool {
        [self.modsecurity, self.tollgate].iter().any(|verdict| matches!(verdict, Some(Verdict::Failed(_))))
    }
}

fn is_attack(kind: &Kind) -> bool {
    matches!(kind, Kind::Attack { .. })
}

fn is_clean(kind: &Kind) -> bool {
    matches!(kind, Kind::Clean { .. })
}

const LISTS: [(&str, Belongs); 7] = [
    ("attacks-only-modsecurity", |kind, answer| is_attack(kind) && answer.by_modsecurity() && !answer.by_tollgate()),
    ("attacks-only-tollgate", |kind, answer| is_attack(kind) && answer.by_tollgate() && !answer.by_modsecurity()),
    ("attacks-neither", |kind, answer| is_attack(kind) && !answer.by_tollgate() && !answer.by_modsecurity()),
    ("clean-modsecurity", |kind, answer| is_clean(kind) && answer.by_modsecurity()),
    ("clean-tollgate", |kind, answer| is_clean(kind) && answer.by_tollgate()),
    ("failed", |_, answer| answer.failed()),
    ("all", |_, _| true),
];

/// All lists of a level, empty ones too.
pub fn of(at: &AtLevel, requests: &[Request]) -> Vec<List> {
    let list = |(what, belongs): &(&str, Belongs)| {
        let pairs = requests.iter().zip(&at.answers);
        let chosen = pairs.filter(|(request, answers)| {
            let verdict = |said: Option<_>| said.map(Verdict::from);
            let answer = Answer { modsecurity: verdict(answers.modsecurity), tollgate: verdict(answers.tollgate) };
            belongs(&request.kind, answer)
        });
        let lines = chosen.map(|(request, answers)| line(request, answers));
        List { name: format!("level{}-{what}.jsonl", at.level), text: lines.collect() }
    };
    LISTS.iter().map(list).collect()
}

fn line(request: &Request, answers: &Answers) -> String {
    let said = |said: Option<_>| said.map(|said| format!("{said:?}"));
    let line = Line {
        file: &request.place.file,
        line: request.place.line,
        name: request.entry.name(),
        rule_level: match request.kind {
            Kind::Attack { level, .. } => Some(level.words()),
            _ => None,
        },
        modsecurity: said(answers.modsecurity),
        tollgate: said(answers.tollgate),
        rules: answers.rules.iter().copied().collect(),
        reason: answers.reason.as_deref(),
        request: &request.entry,
    };
    // The types hold nothing that JSON cannot.
    serde_json::to_string(&line).map(|text| text + "\n").unwrap_or_default()
}
