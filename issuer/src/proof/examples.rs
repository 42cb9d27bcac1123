//! The examples: for each operation a request that is answered, in a deployment that has one of everything, and requests that are refused.
//!
//! They are data (`issuer/testdata/examples`). `${name}` stands for what an earlier answer said and a step kept; `${code:ADDRESS}` for the code in
//! the last message to an address, `${totp:NAME}` for an authenticator's code by a seed that was kept, `${hash:USER}` for the
//! `SECRET_HASH` of the client with a secret, `${passkey:NAME}` for what an authenticator makes of a challenge that was kept
//! (`${passkey_of_another_origin:NAME}`, `${passkey_of_another_party:NAME}`: for somebody else's site; `${passkey_of_nobody:NAME}`: by an
//! authenticator that saw no user), `${srp_a}`, `${srp_time}` and `${srp:PASSWORD}` for a client's part in SRP,
//! `${feedback:NAME}` for the token by which a user speaks of an event that was kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

/// One request that prepares something, or time that goes by before it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub ask: Option<String>,
    #[serde(default)]
    pub with: Map<String, Value>,
    /// Names for parts of the answer, by JSON pointer.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
    /// Seconds that go by first.
    pub wait: Option<u64>,
    /// It may be refused: what counts is that it was tried.
    #[serde(default)]
    pub fails: bool,
    /// How often; once where it is not said. `${nth}` counts from 0, and says afterwards how often it was.
    pub times: Option<u32>,
    /// Steps that go before it, each time.
    #[serde(default)]
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    #[serde(default)]
    pub before: Vec<Step>,
    pub request: Map<String, Value>,
    /// More values of members that must make a difference.
    #[serde(default)]
    pub also: BTreeMap<String, Vec<Value>>,
    /// Members that make a difference to another request than the example's.
    #[serde(default)]
    pub acts: Vec<Act>,
    #[serde(default)]
    pub refusals: Vec<Refusal>,
}

/// A request that gets another answer with a member than without it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Act {
    pub member: String,
    pub value: Value,
    #[serde(default)]
    pub before: Vec<Step>,
    /// Members beside, and in the place of, those of the example.
    #[serde(default)]
    pub with: Map<String, Value>,
    #[serde(default)]
    pub without: Vec<String>,
}

/// A request that gets an exception.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refusal {
    pub by: String,
    /// So many equal requests side by side, of which one at least gets the exception: the others were first.
    pub at_once: Option<usize>,
    #[serde(default)]
    pub before: Vec<Step>,
    /// Members beside, and in the place of, those of the example.
    #[serde(default)]
    pub with: Map<String, Value>,
    #[serde(default)]
    pub without: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deployment {
    pub steps: Vec<Step>,
    /// Values of members that belong to somebody or something else.
    pub strangers: BTreeMap<String, Vec<Value>>,
}

pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/examples")
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> T {
    let text = std::fs::read_to_string(file).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

pub(super) fn deployment() -> Deployment {
    read(&folder().join("deployment.json"))
}

/// All examples, by operation.
pub(super) fn all() -> BTreeMap<String, Example> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().path();
        let is_one = file.extension().is_some_and(|end| end == "json") && !file.ends_with("deployment.json");
        let examples: BTreeMap<String, Example> = if is_one { read(&file) } else { continue };
        for (operation, example) in examples {
            assert!(all.insert(operation.clone(), example).is_none(), "{operation} has two examples");
        }
    }
    all
}

/// Replaces placeholders. One that is a whole text becomes the value, whatever its type; what is not known stays.
pub(super) fn fill(value: &Value, kept: &Map<String, Value>) -> Value {
    match value {
        Value::String(text) => fill_text(text, kept),
        Value::Array(items) => items.iter().map(|item| fill(item, kept)).collect(),
        Value::Object(members) => {
            let filled = |name: &String| fill_text(name, kept).as_str().unwrap_or(name).to_owned();
            Value::Object(members.iter().map(|(name, member)| (filled(name), fill(member, kept))).collect())
        }
        other => other.clone(),
    }
}

fn fill_text(text: &str, kept: &Map<String, Value>) -> Value {
    let whole = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    if let Some(value) = whole.and_then(|name| kept.get(name)) {
        return value.clone();
    }
    let mut text = text.to_owned();
    for (name, value) in kept {
        if let Some(value) = value.as_str() {
            text = text.replace(&format!("${{{name}}}"), value);
        }
    }
    text.into()
}

/// The names in placeholders such as `${code:NAME}`.
pub(super) fn calls_in(request: &Value, call: &str) -> BTreeSet<String> {
    let text = request.to_string();
    let parts = text.split(&format!("${{{call}:")).skip(1).map(str::to_owned).collect::<Vec<_>>();
    parts.iter().filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}
