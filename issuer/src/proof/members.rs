//! Which members of requests make a difference, and the list of those that do not.

use std::collections::{BTreeMap, BTreeSet};

use cognito_model::shape::{Bounds, Kind, Member, Presence, TextRule};
use cognito_model::{OperationInfo, Service, specimens};
use serde_json::{Map, Value, json};

use super::examples::{self, Act, Deployment, Example, fill};
use super::ledger::Ledger;
use super::operations;
use super::stage::{Engine, House, Scene, Stage};
use crate::store::{Piece, Value as Cell};

const LEDGER: Ledger = Ledger {
    file: "members.txt",
    head: "Top-level members of requests that no request of issuer/src/proof shows to act, with the reason.
Written by TOLLGATE_BLESS=1 cargo test -p issuer --lib proof::members; may only shrink.
A member acts where the example of issuer/testdata/examples, asked twice from the same state, once as it is and once with another value of this
member that the model allows (or without it), gives another answer, another exception, or other rows. What differs between two runs of the
same request (ids, tokens, ciphertexts) is compared by its length, or not at all where that differs too. Rows of the audit record and of signed requests do not count.",
};

/// Why a member does nothing, by its name.
const REASONS: &[(&str, &[&str])] = &[
    ("is for triggers, which do not exist yet", &["ClientMetadata", "ValidationData"]),
    ("is for Amazon Pinpoint, which is not there", &["AnalyticsMetadata"]),
    ("is for threat protection, which does not exist yet", &["UserContextData", "ContextData"]),
    ("there is no style of the issuer's own that could be merged", &["ReturnMergedResources"]),
    ("there are no browser sessions that could be linked", &["RevokeAssociatedSessions"]),
    ("is for sign-ins that begin with another operation, which do not exist yet", &["Session"]),
];

/// Tables that say that there was a request, not what it did.
const NOT_COUNTED: [&str; 3] = ["audit", "admin_requests", "schema_migrations"];

#[tokio::test]
async fn each_acts_or_is_listed() {
    let deployment = examples::deployment();
    let stage = House::new(Engine::Sqlite).await.stage().await.after(&deployment.steps).await.unwrap();
    let (examples, there) = (examples::all(), operations());
    let (mut idle, mut members) = (BTreeMap::new(), 0);
    for operation in Service::Idp.operations() {
        members += operation.shape.members.len();
        let is_there = there.iter().any(|known| known.name == operation.name);
        let acting = match examples.get(operation.name).filter(|_| is_there) {
            Some(example) => acting(&stage, operation, example, &deployment).await,
            None => BTreeSet::new(),
        };
        for member in operation.shape.members.iter().filter(|member| !acting.contains(member.name)) {
            idle.insert(format!("{} {}", operation.name, member.name), reason(is_there, member));
        }
    }
    println!("{} of {members} members act", members - idle.len());
    if there.len() > 1 {
        LEDGER.check(&idle);
    } else {
        println!("{idle:#?}");
    }
}

fn reason(is_there: bool, member: &Member) -> String {
    if !is_there {
        return "the operation does not exist yet".to_owned();
    }
    if matches!(&member.shape.kind, Kind::Text { rule: TextRule::OneOf(values), .. } if values.len() == 1) {
        return "has one value in the model".to_owned();
    }
    let known = REASONS.iter().find(|(_, members)| members.contains(&member.name));
    known.map_or("not shown yet", |(reason, _)| reason).to_owned()
}

/// What a request did.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    /// The exception; empty at success.
    exception: String,
    /// The answer's values by their place.
    answer: BTreeMap<String, Value>,
    /// Rows by table, and their values by column.
    rows: BTreeMap<String, Vec<BTreeMap<String, String>>>,
}

async fn acting(
    stage: &Stage,
    operation: &'static OperationInfo,
    example: &Example,
    deployment: &Deployment,
) -> BTreeSet<&'static str> {
    let stage = stage.after(&example.before).await.unwrap();
    let scene = stage.scene().await;
    let good = scene.filled(&Value::Object(example.request.clone())).await.as_object().unwrap().clone();
    let first = outcome(scene, operation.name, &good).await.unwrap();
    let second = outcome(stage.scene().await, operation.name, &good).await.unwrap();
    let mask = Mask::of(&first, &second);
    let first = mask.over(first);
    assert_eq!(first, mask.over(second), "{}: two runs differ", operation.name);
    let mut acting = BTreeSet::new();
    for member in operation.shape.members {
        let also = example.also.get(member.name).into_iter().flatten();
        let strangers = deployment.strangers.get(member.name).into_iter().flatten();
        let filled: Vec<Value> = also.chain(strangers).map(|value| fill(value, &stage.kept)).collect();
        for value in values(member, good.get(member.name), filled) {
            let mut request = good.clone();
            match value {
                Some(value) => request.insert(member.name.to_owned(), value),
                None => request.remove(member.name),
            };
            if request == good {
                continue;
            }
            let other = outcome(stage.scene().await, operation.name, &request).await;
            if other.is_some_and(|other| mask.over(other) != first) {
                acting.insert(member.name);
                break;
            }
        }
    }
    for act in &example.acts {
        if acting.contains(act.member.as_str()) {
            continue;
        }
        if let Some(member) = operation.shape.members.iter().find(|member| member.name == act.member) {
            let mut shows = false;
            // On a loaded machine a run may be refused, and two refusals are alike.
            for _ in 0..3 {
                shows = shows || differs(&stage, operation, example, act).await;
            }
            assert!(shows, "{}: {} makes no difference in its own example", operation.name, act.member);
            acting.insert(member.name);
        }
    }
    acting
}

/// Whether a request gets another answer with the member than without it.
async fn differs(stage: &Stage, operation: &'static OperationInfo, example: &Example, act: &Act) -> bool {
    let stage = stage.after(&act.before).await.unwrap();
    let mut request = example.request.clone();
    request.extend(act.with.clone());
    act.without.iter().chain([&act.member]).for_each(|name| drop(request.remove(name)));
    let mut other = request.clone();
    other.insert(act.member.clone(), act.value.clone());
    let scene = stage.scene().await;
    let without = scene.filled(&Value::Object(request)).await.as_object().unwrap().clone();
    let with = scene.filled(&Value::Object(other)).await.as_object().unwrap().clone();
    let first = outcome(scene, operation.name, &without).await.unwrap();
    let mask = Mask::of(&first, &outcome(stage.scene().await, operation.name, &without).await.unwrap());
    mask.over(first) != mask.over(outcome(stage.scene().await, operation.name, &with).await.unwrap())
}

/// Other values of a member than the example's, the likeliest to make a difference first; `None`: without it.
fn values(member: &Member, here: Option<&Value>, known: Vec<Value>) -> Vec<Option<Value>> {
    let mut all: Vec<Option<Value>> = known.into_iter().map(Some).collect();
    if here.is_some() && member.presence == Presence::Optional {
        all.push(None);
    }
    let sample = specimens::value(member.shape, &[Presence::Required]);
    match &member.shape.kind {
        Kind::Text { rule: TextRule::OneOf(values), .. } => all.extend(values.iter().map(|value| Some(json!(value)))),
        Kind::Boolean => all.extend([Some(json!(true)), Some(json!(false))]),
        Kind::Integer(bounds) | Kind::Long(bounds) => {
            let Bounds { min, max } = *bounds;
            all.extend([min, max, Some(1), Some(2)].into_iter().flatten().map(|number| Some(json!(number))));
        }
        Kind::List { .. } => all.extend([Some(json!([])), Some(sample)]),
        Kind::Structure(structure) => {
            let full = specimens::request(structure, &[Presence::Required, Presence::Optional]);
            all.extend([Some(json!({})), Some(sample), Some(json!(full))]);
        }
        _ => all.push(Some(sample)),
    }
    all
}

/// `None` where the request is not one that the model allows.
async fn outcome(scene: Scene, operation: &str, request: &Map<String, Value>) -> Option<Outcome> {
    let answer = scene.ask(operation, json!(request).to_string().into_bytes()).await.unwrap();
    let exception = answer.exception();
    if exception == "SerializationException" || answer.text().contains(" validation error") {
        return None;
    }
    let mut values = BTreeMap::new();
    flatten("", &answer.json(), &mut values);
    Some(Outcome { exception, answer: values, rows: rows(&scene).await })
}

fn flatten(at: &str, value: &Value, out: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| flatten(&format!("{at}/{name}"), value, out)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(nth, value)| flatten(&format!("{at}/{nth}"), value, out))
        }
        leaf => drop(out.insert(at.to_owned(), leaf.clone())),
    }
}

async fn rows(scene: &Scene) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let mut dump = scene.world.services.store.dump().await.unwrap();
    let (mut all, mut table, mut names) = (BTreeMap::<_, Vec<_>>::new(), String::new(), Vec::new());
    loop {
        match dump.next().await.unwrap() {
            Piece::Table { name, columns } => (table, names) = (name, columns),
            Piece::Rows(rows) if NOT_COUNTED.contains(&table.as_str()) => drop(rows),
            Piece::Rows(rows) => {
                let cells = |row: crate::store::Row| {
                    let values = row.into_values().into_iter().map(|cell| shown(&cell));
                    names.iter().cloned().zip(values).collect::<BTreeMap<_, _>>()
                };
                all.entry(table.clone()).or_default().extend(rows.into_iter().map(cells));
            }
            Piece::End => return all,
        }
    }
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        other => format!("{other:?}"),
    }
}

/// What differs between two runs of one request, and whether it has one length in both.
struct Mask {
    places: BTreeMap<String, bool>,
    columns: BTreeMap<(String, String), bool>,
}

impl Mask {
    fn of(first: &Outcome, second: &Outcome) -> Self {
        let (mut places, mut columns) = (BTreeMap::new(), BTreeMap::new());
        for (place, value) in &first.answer {
            let other = second.answer.get(place).cloned().unwrap_or_default();
            if *value != other {
                places.insert(place.clone(), length(value) == length(&other));
            }
        }
        for (table, rows) in &first.rows {
            let others = second.rows.get(table).cloned().unwrap_or_default();
            let names: BTreeSet<&String> = rows.iter().flat_map(BTreeMap::keys).collect();
            for name in names {
                let (ours, theirs) = (column(rows, name), column(&others, name));
                if ours != theirs {
                    let is_as_long = lengths(&ours) == lengths(&theirs);
                    columns.insert((table.clone(), name.clone()), is_as_long);
                }
            }
        }
        Self { places, columns }
    }

    fn over(&self, mut outcome: Outcome) -> Outcome {
        for (place, value) in &mut outcome.answer {
            if let Some(is_as_long) = self.places.get(place) {
                *value = if *is_as_long { length(value).into() } else { Value::Null };
            }
        }
        for (table, rows) in &mut outcome.rows {
            for (name, value) in rows.iter_mut().flatten() {
                if let Some(is_as_long) = self.columns.get(&(table.clone(), name.clone())) {
                    *value = if *is_as_long { value.len().to_string() } else { String::new() };
                }
            }
            rows.sort();
        }
        outcome
    }
}

fn column(rows: &[BTreeMap<String, String>], name: &str) -> Vec<String> {
    let mut values: Vec<String> = rows.iter().filter_map(|row| row.get(name).cloned()).collect();
    values.sort();
    values
}

fn lengths(values: &[String]) -> Vec<usize> {
    let mut lengths: Vec<usize> = values.iter().map(String::len).collect();
    lengths.sort_unstable();
    lengths
}

fn length(value: &Value) -> usize {
    value.as_str().map_or(0, str::len)
}
