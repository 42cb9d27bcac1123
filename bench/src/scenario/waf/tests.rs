use super::*;
use crate::scenario::Quiet;

const LINES: [&str; 4] = [
    r#"{"rule":942100,"fam":"REQUEST-942-APPLICATION-ATTACK-SQLI","test":1,"label":"attack","uri":"/?a=1%27%20or%201%3D1--%20","headers":{"Host":"a.test","Accept":"*/*","User-Agent":"x"}}"#,
    r#"{"rule":9421000,"fam":"REQUEST-942-APPLICATION-ATTACK-SQLI","test":2,"label":"attack","uri":"/?a=b","headers":{"Host":"a.test","Accept":"*/*","User-Agent":"x"}}"#,
    r#"{"rule":920100,"fam":"REQUEST-920-PROTOCOL-ENFORCEMENT","test":1,"label":"attack","method":"G<T","uri":"/","headers":{"Host":"a.test"}}"#,
    r#"{"fam":"own","label":"clean","method":"POST","uri":"/","headers":{"Host":"a.test","Accept":"*/*","User-Agent":"x"},"data":"a=b"}"#,
];

fn options(folder: &Path, edge: &str) -> Options {
    let file = folder.join("a.jsonl");
    fs::write(&file, LINES.join("\n")).unwrap();
    let acl = folder.join("acl.json");
    fs::write(&acl, "{}").unwrap();
    Options {
        attacks: Source::Files(vec![file]),
        clean: Source::Files(Vec::new()),
        acls: BTreeMap::from([(1, acl)]),
        levels: vec![1],
        edge_command: Some(["sh", "-c", edge].map(OsString::from).to_vec()),
        installing: Installing::Off,
        ..Options::default()
    }
}

/// With ModSecurity where it is installed; where it is not it is named, and then there is nothing to measure.
#[test]
fn each_side_is_measured_or_named_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), "echo no such setting >&2; exit 64");
    let installed = Path::new(CRS_RULES).is_dir();
    match run(&options, &mut Quiet) {
        Ok(found) => {
            assert!(found.missing["Tollgate, level 1"].contains("no such setting"), "{:?}", found.missing);
            let [at] = found.levels.as_slice() else { panic!("one level was asked for") };
            let said: Vec<Verdict> = at.answers.iter().map(|answer| answer.modsecurity.unwrap().into()).collect();
            assert_eq!(said, [Verdict::Refused, Verdict::Passed, Verdict::ByServer, Verdict::Passed]);
            assert!(at.answers[0].rules.contains(&942_100), "{:?}", at.answers[0]);
            assert_eq!(at.found.judged().requests, 1);
            assert_eq!(at.found.clean["own"].requests, 1);
        }
        Err(error) => {
            assert!(matches!(&error, BenchError::NoSide(why) if why.contains("no such setting")), "{error}");
            assert!(!installed, "ModSecurity is there");
        }
    }
}

#[test]
fn nothing_to_send_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { attacks: Source::Files(Vec::new()), ..options(folder.path(), "exit 1") };
    assert!(matches!(run(&options, &mut Quiet), Err(BenchError::Options(_))));
}

#[test]
fn what_comes_with_tollgate_is_measured_where_nothing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let named = options(folder.path(), "exit 1");
    assert_eq!(named.rules(1).unwrap(), "{}");
    assert!(matches!(named.rules(2), Err(SideError::NoAcl)), "somebody's web ACL is not mixed with ours");
    let none = Options { acls: BTreeMap::new(), ..named };
    let has_strict = |level| none.rules(level).unwrap().contains("TollgateStrictRuleSet");
    assert_eq!([has_strict(1), has_strict(2)], [false, true]);
}
