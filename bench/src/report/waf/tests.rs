use super::*;
use crate::corpus::{Entry, Level};
use crate::load::Said;
use crate::scenario::waf::{Answers, Kind, LevelFinding, Place, Request};

fn report(tollgate: [Option<u16>; 4]) -> WafReport {
    let request = |line, kind| {
        let entry = Entry { fam: "x".into(), rule: 942_100, test: line as u64, ..Entry::default() };
        Request { place: Place { file: "a.jsonl".into(), line }, kind, entry }
    };
    let attack = |line, level| request(line, Kind::Attack { family: 942, level });
    let clean = |line, class: &str| request(line, Kind::Clean { class: class.into() });
    let requests = vec![attack(1, Level::One), attack(2, Level::Two), clean(3, "json"), clean(4, "code")];
    let theirs = [403, 200, 403, 403].map(|status| Some(Said::Status(status)));
    let answers: Vec<Answers> = theirs
        .into_iter()
        .zip(tollgate)
        .map(|(modsecurity, ours)| {
            let (tollgate, reason) = (ours.map(Said::Status), Some("rules/sqli".to_owned()));
            Answers { modsecurity, tollgate, rules: [942_100].into(), reason }
        })
        .collect();
    let found = LevelFinding::of(&requests, &answers);
    let systems = vec![("ModSecurity".to_owned(), "3".to_owned())];
    let levels = vec![AtLevel { level: 1, systems, answers, found }];
    let (machine, unsent, missing) = (Machine::read(), Vec::new(), BTreeMap::new());
    WafReport::new(Findings { machine, requests, unsent, levels, missing, seconds: 1.0 })
}

#[test]
fn promises_are_kept_or_broken() {
    let met = |tollgate| report(tollgate).levels[0].verdicts.iter().map(|(_, met)| *met).collect::<Vec<_>>();
    let some = |statuses: [u16; 4]| statuses.map(Some);
    assert_eq!(met(some([403, 200, 200, 403])), [Some(true), Some(true), Some(true)]);
    assert_eq!(met(some([200, 200, 403, 403])), [Some(false), Some(false), Some(false)]);
    assert_eq!(met([None; 4]), [None; 3]);
}

#[test]
fn table_json_and_lists_name_what_was_found() {
    let report = report([Some(403), Some(400), Some(502), Some(200)]);
    let table = report.to_string();
    for text in ["942 SQL injection, 1", "all five", "without markup and code", "1 (1)", ", 1 failed", "met"] {
        assert!(table.contains(text), "{text:?} is missing in\n{table}");
    }
    let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert_eq!(json["levels"][0]["judged"]["only_tollgate"], 1);
    assert_eq!(json["levels"][0]["attacks"][0]["level"], "1");
    let list = |name: &str| report.lists().iter().find(|list| list.name == name).unwrap().text.lines().count();
    assert_eq!(list("level1-attacks-only-tollgate.jsonl"), 1);
    assert_eq!(list("level1-clean-modsecurity.jsonl"), 2);
    assert_eq!((list("level1-failed.jsonl"), list("level1-all.jsonl")), (1, 4));
}
