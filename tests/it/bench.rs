//! The bench as an operator runs it: a short run of the edge alone, its files, the comparison of runs, and that nothing stays behind.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::world::TOLLGATE;

/// One that is measured in rounds, one with the feed of the bench, one with a whole deployment.
const SCENARIOS: [&str; 3] = ["pipeline", "pushed_revocations", "key_rotation"];

/// Runs `tollgate bench` with `folder` for everything temporary.
fn bench(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(TOLLGATE);
    command.arg("bench").args(arguments).env("TMPDIR", folder).env("XDG_CACHE_HOME", folder).stdin(Stdio::null());
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The report of a short run, and its file.
fn report(folder: &Path) -> (Value, String) {
    let out = folder.join("out");
    let out = out.to_str().unwrap();
    let mut arguments = vec!["edge", "--peer", "none", "--no-install", "--rounds", "3", "--requests", "300"];
    arguments.extend(["--revocations", "200", "--minutes", "2", "--out", out]);
    arguments.extend(SCENARIOS.iter().flat_map(|name| ["--scenario", name]));
    let output = bench(folder, &arguments);
    assert!(output.status.success(), "{}", said(&output));
    let file = format!("{out}/edge.json");
    (serde_json::from_slice(&fs::read(&file).unwrap()).unwrap(), file)
}

/// Command lines of processes that name the folder.
fn left(folder: &Path) -> Vec<String> {
    let name = folder.to_str().unwrap();
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    let lines = processes.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(name)).collect()
}

#[test]
fn a_short_run_has_figures_without_failures_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (found, file) = report(folder.path());
    assert_eq!(left(folder.path()), Vec::<String>::new());
    let kept: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(kept, ["out"], "nothing temporary stays");

    let scenarios = found["scenarios"].as_array().unwrap();
    let names: Vec<_> = scenarios.iter().map(|scenario| scenario["name"].as_str().unwrap()).collect();
    assert_eq!(names, SCENARIOS, "{}", found["missing"]);
    for row in scenarios.iter().flat_map(|scenario| scenario["rows"].as_array().unwrap()) {
        assert!(row["requests"].as_u64().unwrap() > 0 && row["failures"] == json!({}), "{row}");
    }
    let pipeline = &scenarios[0]["rows"][0];
    assert_eq!((&pipeline["statuses"], &pipeline["failures"]), (&json!({ "200": 900 }), &json!({})));
    assert_eq!(pipeline["figures"]["cpu_us"]["rounds"].as_array().unwrap().len(), 3);
    let limits = found["limits"].as_array().unwrap().iter().map(|limit| limit["name"].as_str().unwrap());
    assert!(limits.clone().any(|name| name == "ring_rs256_verify"), "{:?}", limits.collect::<Vec<_>>());

    // The files can be read again, and a run is not worse than itself.
    let page = folder.path().join("page.html");
    assert!(bench(folder.path(), &["report", &file, "--html", page.to_str().unwrap()]).status.success());
    assert!(fs::read_to_string(page).unwrap().starts_with("<!doctype html>"));
    assert_eq!(bench(folder.path(), &["compare", &file, &file]).status.code(), Some(0));
    let slow = slowed(found, folder.path());
    let output = bench(folder.path(), &["compare", &file, &slow]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The same run with ten times the processor time of ours: a regression by any measure of noise.
fn slowed(mut found: Value, folder: &Path) -> String {
    let scenarios = found["scenarios"].as_array_mut().unwrap().iter_mut();
    for row in scenarios.flat_map(|scenario| scenario["rows"].as_array_mut().unwrap()) {
        let Some(figure) = row["figures"].get_mut("cpu_us") else { continue };
        for (_, value) in figure.as_object_mut().unwrap().iter_mut() {
            match value {
                Value::Array(rounds) => rounds.iter_mut().for_each(ten_times),
                other => ten_times(other),
            }
        }
    }
    let path = folder.join("slow.json");
    fs::write(&path, found.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn ten_times(value: &mut Value) {
    if let Some(number) = value.as_f64() {
        *value = json!(number * 10.0);
    }
}

#[test]
fn what_makes_no_sense_is_one_line_and_exit_code_64() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("other.json"), r#"{"schema":0}"#).unwrap();
    let other = folder.path().join("other.json");
    let other = other.to_str().unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["edge", "--scenario", "plain"], "plain_pass"),
        (&["edge", "--peer", "kong"], "haproxy_jwt"),
        (&["edge", "--rounds", "0"], "at least 1"),
        (&["compare", other, other], "version 0"),
        (&["report", "/no/such/file"], "/no/such/file"),
        (&["load", "ftp://127.0.0.1/"], "ftp"),
    ];
    for (arguments, word) in cases {
        let output = bench(folder.path(), arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {said}");
        assert!(said.lines().count() == 1 && said.contains(word), "{arguments:?}: {said}");
    }
}

#[test]
fn an_interrupted_run_ends_what_it_has_started() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(TOLLGATE);
    command.args(["bench", "edge", "--peer", "none", "--no-install", "--requests", "2000", "--revocations", "100"]);
    command.args(["--minutes", "5", "--out"]).arg(folder.path().join("out"));
    command.env("TMPDIR", folder.path()).env("XDG_CACHE_HOME", folder.path());
    let mut run = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(run.stderr.take().unwrap());
    // A line of a measurement: the edge is running by then.
    let mut line = String::new();
    while !line.contains("Plain pass") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended before it measured");
    }
    assert!(left(folder.path()).len() > 1, "the edge is running");
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.contains("interrupted"), "{rest}");
    assert_eq!(left(folder.path()), Vec::<String>::new());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing temporary, and no report");
}

/// Without a product to compare with: what is made, and what makes no sense.
#[test]
fn clean_traffic_is_written_and_a_run_that_makes_no_sense_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clean.jsonl");
    let output = bench(folder.path(), &["waf", "--write-clean", file.to_str().unwrap(), "--seed", "7"]);
    assert!(output.status.success(), "{}", said(&output));
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() >= 6_000 && lines.iter().all(|line| line["label"] == "clean"), "{}", lines.len());
    for arguments in [
        &["--corpus", "/no/such/file"][..],
        &["--corpus", "none", "--clean", "none"],
        &["--acl", "1="],
        &["--level", "3"],
    ] {
        let output = bench(folder.path(), &[&["waf", "--no-install"], arguments].concat());
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", said(&output));
        let lines = said(&output).lines().filter(|line| line.starts_with("tollgate: ")).count();
        assert_eq!(lines, 1, "{arguments:?}: {}", said(&output));
    }
}

/// Every load of the issuer's endpoints is answered, each is beside its bare work, and a product that is not there is null.
#[test]
fn a_short_run_of_the_oauth_endpoints_has_tokens_without_failures() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        bench(folder.path(), &["oauth", "--json", "--rounds", "2", "--milliseconds", "200", "--connections", "4"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(left(folder.path()), Vec::<String>::new());
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let loads = found["loads"].as_object().unwrap();
    let names: Vec<_> = loads.keys().map(String::as_str).collect();
    assert_eq!(names, ["client_credentials_es256", "client_credentials_rs256", "code_flow", "refresh"]);
    for (name, load) in loads {
        assert!(load["succeeded"].as_u64().unwrap() > 0 && load["failed"] == 0, "{name}: {load}");
        assert_eq!(load["cpu_us"]["rounds"].as_array().unwrap().len(), 2, "{name}: {load}");
    }
    let limits: Vec<_> =
        found["limits"].as_array().unwrap().iter().map(|limit| limit["name"].as_str().unwrap()).collect();
    assert_eq!(limits, ["issuer_rs256_sign", "ring_rs256_sign", "graviola_rs256_sign", "ring_es256_sign", "argon2id"]);
    assert_eq!(found["peer"], Value::Null, "nothing is installed in this folder");
    assert_eq!(found["budgets"].as_array().unwrap().len(), 5);
}
