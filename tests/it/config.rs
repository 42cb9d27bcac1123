//! Wrong settings are told in one line and exit code 64, before anything starts.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::world::TOLLGATE;

const ISSUER: &str = r#"
[listen]
http = "127.0.0.1:8700"
admin = "127.0.0.1:8702"
feed = "127.0.0.1:8701"
[issuer]
public_url = "http://127.0.0.1:8700"
[storage]
sqlite = "tollgate.db"
[secrets]
root_key_file = "root.key"
[feed]
public_address = "127.0.0.1:8701"
"#;

const EDGE: &str = r#"
[listen]
http = "127.0.0.1:8800"
admin = "127.0.0.1:8802"
[feed]
issuer = "127.0.0.1:8701"
state_dir = "state"
[[upstream]]
name = "orders"
servers = ["10.0.0.5:9000"]
[[route]]
match = { path = "/orders/*" }
upstream = "orders"
token = { issuers = ["pool:us-east-1_AbCdEf123"], use = "access" }
"#;

struct Checked {
    code: Option<i32>,
    said: String,
}

fn check(role: &str, text: &str, environment: &[(&str, &str)]) -> Checked {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(format!("{role}.toml"));
    std::fs::write(&file, text).unwrap();
    check_file(role, &file, environment)
}

fn check_file(role: &str, file: &Path, environment: &[(&str, &str)]) -> Checked {
    let mut command = Command::new(TOLLGATE);
    command.args([role, "--check-config", "--config"]).arg(file).stdin(Stdio::null());
    let output = command.envs(environment.iter().copied()).output().unwrap();
    Checked { code: output.status.code(), said: String::from_utf8_lossy(&output.stderr).into_owned() }
}

fn assert_refused(checked: &Checked, words: &[&str]) {
    assert_eq!(checked.code, Some(64), "{}", checked.said);
    assert_eq!(checked.said.lines().count(), 1, "{}", checked.said);
    for word in words {
        assert!(checked.said.contains(word), "no {word:?} in: {}", checked.said);
    }
}

#[test]
fn good_settings_pass_in_silence() {
    for (role, text) in [("issuer", ISSUER), ("edge", EDGE)] {
        let checked = check(role, text, &[]);
        assert_eq!((checked.code, checked.said.as_str()), (Some(0), ""));
    }
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let cases = [
        ("issuer", ISSUER.replace("public_url", "public_ulr"), ["public_ulr", "public_url"]),
        ("issuer", ISSUER.replace("[storage]", "[storrage]"), ["storrage", "storage"]),
        (
            "edge",
            EDGE.replace("state_dir = \"state\"", "state_dir = \"state\"\njoin_tokn_file = \"x\""),
            ["join_tokn_file", "join_token_file"],
        ),
        ("edge", EDGE.replace("upstream = \"orders\"", "upstream = \"orders\"\nheadrs = {}"), ["headrs", "headers"]),
    ];
    for (role, text, words) in cases {
        assert_refused(&check(role, &text, &[]), &words);
    }
}

#[test]
fn wrong_values_and_missing_files_are_told() {
    assert_refused(
        &check("issuer", &ISSUER.replace("127.0.0.1:8700\"\nadmin", "here\"\nadmin"), &[]),
        &["issuer.toml"],
    );
    assert_refused(&check("issuer", "not toml", &[]), &["issuer.toml"]);
    assert_refused(&check("edge", &EDGE.replace("\"access\"", "\"acces\""), &[]), &["acces"]);
    assert_refused(&check("edge", "not toml", &[]), &["edge.toml"]);
    for role in ["issuer", "edge"] {
        assert_refused(&check_file(role, Path::new("/nonexistent/x.toml"), &[]), &["/nonexistent/x.toml"]);
    }
}

#[test]
fn the_environment_is_held_to_the_same_rules() {
    for (role, text) in [("issuer", ISSUER), ("edge", EDGE)] {
        assert_refused(&check(role, text, &[("TOLLGATE_LISTEN__HTPP", "127.0.0.1:1")]), &["htpp", "http"]);
        assert_eq!(check(role, text, &[("TOLLGATE_LISTEN__HTTP", "127.0.0.1:1")]).code, Some(0));
        assert_eq!(check(role, text, &[("TOLLGATE_LONG", "1")]).code, Some(0), "not a setting");
    }
}
