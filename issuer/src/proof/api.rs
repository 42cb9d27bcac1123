//! docs/API.md: every operation with its status, its differences from Cognito, and an example that was just asked and answered.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use cognito_model::{Auth, OperationInfo, Service};
use serde_json::{Map, Value, json};

use super::examples::{self, Example};
use super::ledger::Ledgers;
use super::place::Place;
use super::stage::{Engine, House, Stage};
use super::{operations, setting};

const HEAD: &str = include_str!("api.md");

/// What documentation shows for what is new at every run, by the name under which the deployment keeps it.
const SHOWN: &[(&str, &str)] = &[
    ("pool", "eu-test-1_AbCdEf123"),
    ("other_pool", "eu-test-1_GhIjKl456"),
    ("client", "1example23456789web"),
    ("legacy", "1example23456789old"),
    ("rotating", "1example23456789rot"),
    ("server", "1example23456789srv"),
    ("machine", "1example23456789job"),
    ("exchanger", "1example23456789exc"),
    ("other_client", "1example23456789oth"),
];
/// In seconds since 1970.
const A_TIME: f64 = 1_790_000_000.0;
const UUID: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

#[tokio::test]
async fn the_page_is_up_to_date() {
    let deployment = examples::deployment();
    let stage = async || House::new(Engine::Sqlite).await.stage().await.after(&deployment.steps).await.unwrap();
    // What differs between two deployments is new at every run.
    let stages = [stage().await, stage().await];
    let (examples, there) = (examples::all(), operations());
    let mut page = HEAD.to_owned();
    let ledgers = Ledgers::read();
    let differences = differences();
    table(&mut page, &there);
    for operation in Service::Idp.operations() {
        let _ = writeln!(page, "\n## {}\n", operation.name);
        let is_there = there.iter().any(|known| known.name == operation.name);
        let _ = writeln!(page, "{} {}\n", status(is_there), who(operation.auth));
        ledgers.describe(&mut page, operation.name, is_there);
        if let Some(places) = differences.get(operation.name) {
            let _ = writeln!(page, "Differences: {}.\n", places.join(", "));
        }
        if let Some(example) = examples.get(operation.name).filter(|_| is_there) {
            shown(&mut page, &stages, operation, example).await;
        }
    }
    let page = format!("{}\n", page.trim_end());
    if setting("TOLLGATE_ONLY").is_some() {
        return println!("{page}");
    }
    let path = docs().join("API.md");
    if setting("TOLLGATE_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(page.lines()).find(|(ours, theirs)| ours != theirs);
    let how = "TOLLGATE_BLESS=1 cargo test -p issuer --lib proof::api";
    assert!(committed == page, "docs/API.md is out of date ({how}): {differs:?}");
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn table(page: &mut String, there: &[&OperationInfo]) {
    let all = Service::Idp.operations();
    let _ = writeln!(page, "{} of {} operations are there.\n", there.len(), all.len());
    let _ = writeln!(page, "| operation | status | who calls it |\n|---|---|---|");
    for operation in all {
        let is_there = there.iter().any(|known| known.name == operation.name);
        let (name, anchor) = (operation.name, operation.name.to_lowercase());
        let _ = writeln!(
            page,
            "| [{name}](#{anchor}) | {} | {} |",
            if is_there { "there" } else { "not yet" },
            short(operation.auth)
        );
    }
}

fn status(is_there: bool) -> &'static str {
    if is_there { "There." } else { "Not there yet: `UnknownOperationException`." }
}

fn short(auth: Auth) -> &'static str {
    match auth {
        Auth::None => "anyone",
        Auth::AccessToken => "the user",
        Auth::SigV4 => "an administrator",
        Auth::SigV4OrClient => "a client",
    }
}

fn who(auth: Auth) -> &'static str {
    match auth {
        Auth::None => "Unsigned: the request itself shows what its sender may do.",
        Auth::AccessToken => "For the bearer of an access token.",
        Auth::SigV4 => "Signed with an admin key (SigV4).",
        Auth::SigV4OrClient => {
            "Unsigned, with a client's id and secret (GetDerivedToken also signed with an admin key)."
        }
    }
}

/// Sections of docs/DIVERGENCES.md that name an operation, as links.
fn differences() -> BTreeMap<&'static str, Vec<String>> {
    let text = std::fs::read_to_string(docs().join("DIVERGENCES.md")).unwrap();
    let mut all: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut link = String::new();
    for line in text.lines() {
        if let Some(title) = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')) {
            let kept =
                title.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -".contains(*c)).collect::<String>();
            link = format!("[{title}](DIVERGENCES.md#{})", kept.replace(' ', "-"));
        }
        let words: Vec<&str> = line.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        for operation in Service::Idp.operations().iter().filter(|operation| words.contains(&operation.name)) {
            let links = all.entry(operation.name).or_default();
            if !links.contains(&link) {
                links.push(link.clone());
            }
        }
    }
    all
}

async fn shown(page: &mut String, stages: &[Stage; 2], operation: &'static OperationInfo, example: &Example) {
    let mut answers = Vec::new();
    for stage in stages {
        let place = Place::of(stage, operation, example).await.unwrap();
        let body = json!(place.good).to_string().into_bytes();
        let answer = place.scene.ask(operation.name, body).await.unwrap();
        assert_eq!(answer.status, 200, "{}: {}", operation.name, answer.text());
        let mut answer = named(&answer.json(), &names(&place.stage.kept));
        if operation.name.starts_with("List") {
            // Some lists are in the order of ids that are new at every run.
            for list in answer.as_object_mut().into_iter().flat_map(Map::values_mut).filter_map(Value::as_array_mut) {
                list.sort_by_key(Value::to_string);
            }
        }
        answers.push(answer);
    }
    let request = example_request(&Value::Object(example.request.clone()));
    let _ = writeln!(page, "```json\n{}\n```\n", pretty(&request));
    if answers[0].is_null() {
        let _ = writeln!(page, "Answer: HTTP 200 without a body.");
    } else {
        let _ = writeln!(page, "```json\n{}\n```", pretty(&settled(&answers[0], &answers[1])));
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(&by_name(value)).unwrap()
}

/// Members in the order of their names: whether `serde_json` keeps another one depends on which crates are built with it.
fn by_name(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: std::collections::BTreeMap<_, _> = members.iter().collect();
            Value::Object(members.into_iter().map(|(name, value)| (name.clone(), by_name(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(by_name).collect()),
        other => other.clone(),
    }
}

/// Placeholders of the deployment, as documentation shows them.
fn example_request(request: &Value) -> Value {
    let mut kept: Map<String, Value> = SHOWN.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    for (name, value) in [("access", "eyJraWQiOi…"), ("refresh", "…"), ("rotating_refresh", "…"), ("session", "…")]
    {
        kept.insert(name.to_owned(), json!(value));
    }
    for name in ["terms", "branding"] {
        kept.insert(name.to_owned(), json!(UUID));
    }
    let arn = |pool: &str| json!(format!("arn:aws:cognito-idp:eu-test-1:000000000000:userpool/{pool}"));
    kept.insert("pool_arn".to_owned(), arn("eu-test-1_AbCdEf123"));
    let text = super::examples::fill(request, &kept).to_string();
    // Codes and what else only a run knows.
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("${") {
        let (name, left) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(if name.starts_with("code:") { "123456" } else { "…" });
        rest = left;
    }
    serde_json::from_str(&(out + rest)).unwrap()
}

/// Values of the deployment and what stands for them.
fn names(kept: &Map<String, Value>) -> Vec<(String, &'static str)> {
    let shown = SHOWN.iter().filter_map(|(name, shown)| Some((kept.get(*name)?.as_str()?.to_owned(), *shown)));
    shown.collect()
}

/// An answer with what documentation shows in the place of what the deployment's things are called.
fn named(value: &Value, names: &[(String, &'static str)]) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), named(member, names))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(|item| named(item, names)).collect(),
        Value::String(text) => {
            json!(names.iter().fold(text.clone(), |text, (value, shown)| text.replace(value.as_str(), shown)))
        }
        // Times go by with every step that the deployment gets.
        Value::Number(number) if number.as_f64().is_some_and(|number| number > A_TIME) => json!(A_TIME),
        other => other.clone(),
    }
}

/// What is the same in both answers, and stand-ins for the rest.
fn settled(first: &Value, second: &Value) -> Value {
    match (first, second) {
        (Value::Object(members), Value::Object(others)) => {
            let of = |(name, member): (&String, &Value)| {
                (name.clone(), settled(member, others.get(name).unwrap_or(&Value::Null)))
            };
            members.iter().map(of).collect::<Map<_, _>>().into()
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            items.iter().zip(others).map(|(item, other)| settled(item, other)).collect()
        }
        (Value::String(text), other) if first != other => json!(stand_in(text)),
        (value, _) => value.clone(),
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::parse_str(text).is_ok()
}

fn stand_in(text: &str) -> String {
    match text {
        text if is_uuid(text) => UUID.to_owned(),
        text if text.starts_with("eyJ") => "eyJraWQiOi…".to_owned(),
        text if text.starts_with("eu-test-1_") => "eu-test-1_MnOpQr789".to_owned(),
        text if text.starts_with("arn:aws:cognito-idp:") => {
            "arn:aws:cognito-idp:eu-test-1:000000000000:userpool/eu-test-1_MnOpQr789".to_owned()
        }
        text if text.len() == 26 => "1example23456789new".to_owned(),
        _ => "…".to_owned(),
    }
}
