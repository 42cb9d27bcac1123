//! What both sides have done with the requests, counted by family and class.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::requests::{Kind, Request};
use super::side::Verdict;
use crate::clean::APART;
use crate::corpus::Level;
use crate::load::Said;

/// SQL injection, cross-site scripting, traversal and local inclusion, remote inclusion, remote execution: the families that are judged.
pub const JUDGED: [u64; 5] = [930, 931, 932, 941, 942];

/// Rules of CRS that refuse what is not on a list of methods, content types, file endings and headers, whatever it holds.
const LISTS: [u64; 5] = [911_100, 920_420, 920_440, 920_450, 920_480];

/// What each side has said to one request, and which rules of CRS have matched.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    pub modsecurity: Option<Said>,
    pub tollgate: Option<Said>,
    pub rules: BTreeSet<u64>,
    /// The rule of Tollgate's web ACL that has refused it, or the edge's own reason.
    pub reason: Option<String>,
}

/// Requests of one side by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// By rules.
    pub refused: u64,
    /// By the server itself, before any rule.
    pub by_server: u64,
    pub passed: u64,
    /// Neither refused nor passed.
    pub failed: u64,
}

impl Tally {
    pub fn detected(&self) -> u64 {
        self.refused + self.by_server
    }

    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Refused => self.refused += 1,
            Verdict::ByServer => self.by_server += 1,
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(_) => self.failed += 1,
        }
    }
}

/// Requests that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Row {
    pub requests: u64,
    /// `None` where that side was not measured.
    pub modsecurity: Option<Tally>,
    pub tollgate: Option<Tally>,
    pub both: u64,
    pub only_modsecurity: u64,
    pub only_tollgate: u64,
    /// Refused by ModSecurity for its method, type or ending alone.
    pub modsecurity_by_lists: u64,
}

impl Row {
    fn count(&mut self, answers: &Answers) {
        self.requests += 1;
        let tally = |into: &mut Option<Tally>, said: Option<Said>| {
            said.map(Verdict::from).is_some_and(|verdict| {
                into.get_or_insert_default().count(verdict);
                verdict.is_detected()
            })
        };
        let ours = tally(&mut self.tollgate, answers.tollgate);
        let theirs = tally(&mut self.modsecurity, answers.modsecurity);
        self.both += u64::from(theirs && ours);
        self.only_modsecurity += u64::from(theirs && !ours);
        self.only_tollgate += u64::from(ours && !theirs);
        let listed = !answers.rules.is_empty() && answers.rules.iter().all(|rule| LISTS.contains(rule));
        self.modsecurity_by_lists += u64::from(theirs && listed);
    }

    fn add(&mut self, other: &Self) {
        let sum = |into: &mut Option<Tally>, from: Option<Tally>| {
            if let Some(from) = from {
                let into = into.get_or_insert_default();
                into.refused += from.refused;
                into.by_server += from.by_server;
                into.passed += from.passed;
                into.failed += from.failed;
            }
        };
        sum(&mut self.modsecurity, other.modsecurity);
        sum(&mut self.tollgate, other.tollgate);
        self.requests += other.requests;
        self.both += other.both;
        self.only_modsecurity += other.only_modsecurity;
        self.only_tollgate += other.only_tollgate;
        self.modsecurity_by_lists += other.modsecurity_by_lists;
    }

    /// Of several rows; empty for none.
    pub fn sum<'a>(rows: impl IntoIterator<Item = &'a Self>) -> Self {
        rows.into_iter().fold(Self::default(), |mut sum, row| {
            sum.add(row);
            sum
        })
    }
}

/// Everything at one paranoia level.
#[derive(Clone, Debug, Default)]
pub struct LevelFinding {
    /// By family and by the level of the rule that is tested.
    pub attacks: BTreeMap<(u64, Level), Row>,
    /// What else is in a corpus; no measure of anything, but not left out.
    pub other: Row,
    pub clean: BTreeMap<String, Row>,
    pub blame: Blame,
}

/// Which rules have refused clean traffic, and how much of it. Several rules of CRS may have a part in one refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Blame {
    pub modsecurity: BTreeMap<String, u64>,
    pub tollgate: BTreeMap<String, u64>,
}

impl Blame {
    fn count(&mut self, answers: &Answers) {
        let detected = |said: Option<Said>| said.map(Verdict::from).is_some_and(Verdict::is_detected);
        if detected(answers.modsecurity) {
            for rule in &answers.rules {
                *self.modsecurity.entry(rule.to_string()).or_default() += 1;
            }
        }
        if let Some(reason) = answers.reason.as_ref().filter(|_| detected(answers.tollgate)) {
            *self.tollgate.entry(reason.clone()).or_default() += 1;
        }
    }
}

impl LevelFinding {
    pub fn of(requests: &[Request], answers: &[Answers]) -> Self {
        let mut found = Self::default();
        for (request, answers) in requests.iter().zip(answers) {
            let row = match &request.kind {
                Kind::Attack { family, level } => found.attacks.entry((*family, *level)).or_default(),
                Kind::Other => &mut found.other,
                Kind::Clean { class } => {
                    found.blame.count(answers);
                    found.clean.entry(class.clone()).or_default()
                }
            };
            row.count(answers);
        }
        found
    }

    /// Attacks of the judged families whose rules have level 1 or 2.
    pub fn judged(&self) -> Row {
        let counts =
            |(family, level): &(u64, Level)| JUDGED.contains(family) && matches!(level, Level::One | Level::Two);
        Row::sum(self.attacks.iter().filter(|(key, _)| counts(key)).map(|(_, row)| row))
    }

    /// The same of one family.
    pub fn judged_family(&self, family: u64) -> Row {
        let levels = [Level::One, Level::Two];
        Row::sum(levels.iter().filter_map(|level| self.attacks.get(&(family, *level))))
    }

    /// Clean traffic without the classes that are judged apart.
    pub fn honest(&self) -> Row {
        Row::sum(self.clean.iter().filter(|(class, _)| !APART.contains(&class.as_str())).map(|(_, row)| row))
    }

    pub fn all_clean(&self) -> Row {
        Row::sum(self.clean.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Entry;
    use crate::scenario::waf::requests::Place;

    fn request(kind: Kind) -> Request {
        Request { place: Place { file: "a".into(), line: 1 }, kind, entry: Entry::default() }
    }

    fn answers(modsecurity: u16, tollgate: Option<u16>, rules: &[u64]) -> Answers {
        Answers {
            modsecurity: Some(Said::Status(modsecurity)),
            tollgate: tollgate.map(Said::Status),
            rules: rules.iter().copied().collect(),
            reason: tollgate.filter(|status| *status == 403).map(|_| "rules/x".to_owned()),
        }
    }

    #[test]
    fn requests_are_counted_where_they_belong() {
        let attack = |family, level| request(Kind::Attack { family, level });
        let clean = |class: &str| request(Kind::Clean { class: class.into() });
        let requests = [
            attack(942, Level::One),
            attack(942, Level::Two),
            attack(942, Level::Absent),
            attack(933, Level::One),
            request(Kind::Other),
            clean("json"),
            clean("json"),
            clean("code"),
        ];
        let said = [
            answers(403, Some(403), &[942_100]),
            answers(403, Some(200), &[942_100]),
            answers(200, Some(400), &[]),
            answers(403, Some(502), &[933_100]),
            answers(200, Some(200), &[]),
            answers(403, Some(200), &[911_100, 920_420]),
            answers(403, Some(403), &[911_100, 942_100]),
            answers(403, Some(403), &[942_100]),
        ];
        let found = LevelFinding::of(&requests, &said);
        let judged = found.judged();
        assert_eq!((judged.requests, judged.both, judged.only_modsecurity, judged.only_tollgate), (2, 1, 1, 0));
        assert_eq!(judged, found.judged_family(942));
        assert_eq!(found.attacks[&(942, Level::Absent)].tollgate.unwrap().by_server, 1);
        assert_eq!(found.attacks[&(933, Level::One)].tollgate.unwrap().failed, 1);
        let honest = found.honest();
        assert_eq!((honest.requests, honest.modsecurity_by_lists, honest.both), (2, 1, 1));
        assert_eq!((found.all_clean().requests, found.other.requests), (3, 1));
        assert_eq!(found.blame.modsecurity["911100"], 2);
        assert_eq!(found.blame.tollgate, BTreeMap::from([("rules/x".to_owned(), 2)]));
    }

    #[test]
    fn a_side_that_was_not_measured_has_no_figures() {
        let found = LevelFinding::of(&[request(Kind::Other)], &[answers(403, None, &[])]);
        assert_eq!((found.other.tollgate, found.other.only_modsecurity), (None, 1));
    }
}
