//! Which exceptions of its model each operation raises here, and the list of those that it does not.

use std::collections::{BTreeMap, BTreeSet};

use cognito_model::{Exception, OperationInfo, Service};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::examples::{self, Deployment, Example, Refusal};
use super::ledger::Ledger;
use super::place::Place;
use super::reasons;
use super::stage::{Answer, Engine, House, Scene, Stage, Terrain};
use super::{judge, operations, strangers};
use crate::limits::quotas::{Category, Settings};
use crate::store::fixture::break_sqlite;

/// So often a refusal that takes two at once is tried for.
const RACES: usize = 30;

const LEDGER: Ledger = Ledger {
    file: "exceptions.txt",
    head: "Exceptions that Cognito's model gives an operation and that no request of issuer/src/proof makes it raise, with the reason.
Written by TOLLGATE_BLESS=1 cargo test -p issuer --lib proof::exceptions; may only shrink.
The requests: an empty one; each example of issuer/testdata/examples with somebody else's, forged, expired or absent things; its refusals; more
of them than the quota allows; one past the edges, where only they may ask; one by a key without the right; and one while storage is broken.",
};

#[tokio::test]
async fn each_is_raised_or_listed() {
    let mut raised = Raised::default();
    let deployment = examples::deployment();
    let stage = House::new(Engine::Sqlite).await.stage().await.after(&deployment.steps).await.unwrap();
    let (examples, operations) = (examples::all(), operations());
    let of_operations = || operations.iter().filter_map(|operation| Some((*operation, examples.get(operation.name)?)));
    for (operation, example) in of_operations() {
        raised.operation(&stage, operation, example, &deployment).await;
    }
    assert!(raised.complaints.is_empty(), "{}", raised.complaints.join("\n"));
    let mut missing = BTreeMap::new();
    let mut pairs = 0;
    for operation in Service::Idp.operations() {
        let is_there = operations.iter().any(|there| there.name == operation.name);
        for error in operation.errors {
            pairs += 1;
            if !raised.pairs.contains(&(operation.name, error.name().to_owned())) {
                missing
                    .insert(format!("{} {}", operation.name, error.name()), reasons::of(operation, *error, is_there));
            }
        }
    }
    println!("{} of {pairs} pairs of an operation and an exception are raised", pairs - missing.len());
    if operations.len() > 1 {
        LEDGER.check(&missing);
    }
}

#[derive(Default)]
struct Raised {
    pairs: BTreeSet<(&'static str, String)>,
    complaints: Vec<String>,
}

impl Raised {
    async fn operation(
        &mut self,
        stage: &Stage,
        operation: &'static OperationInfo,
        example: &Example,
        deployment: &Deployment,
    ) {
        let mut place = match Place::of(stage, operation, example).await {
            Ok(place) => place,
            Err(why) => return self.complaints.push(why),
        };
        let (good, kept) = (place.good.clone(), place.stage.kept.clone());
        let others = strangers::of(operation, &good, deployment, &kept).map(|(_, request)| request);
        for request in [json!({})].into_iter().chain(others) {
            let answer = place.ask(request.to_string().into_bytes()).await;
            self.note(operation, answer);
        }
        for refusal in &example.refusals {
            self.refused(&place.stage, operation, example, refusal).await;
        }
        self.too_many(&place).await;
        self.kept_out(&place).await;
        let scene = place.stage.scene().await;
        break_sqlite(scene.file().unwrap(), &["admin_keys", "admin_requests"]).unwrap();
        match scene.ask(operation.name, json!(good).to_string().into_bytes()).await {
            // A fixed text, and nothing of what broke.
            Ok(answer) if answer.json()["message"] == "Internal error." && answer.status >= 500 => {
                self.pairs.insert((operation.name, answer.exception()));
            }
            other => self.complaints.push(format!("{}, without tables: {other:?}", operation.name)),
        }
    }

    async fn refused(
        &mut self,
        stage: &Stage,
        operation: &'static OperationInfo,
        example: &Example,
        refusal: &Refusal,
    ) {
        let stage = match stage.after(&refusal.before).await {
            Ok(stage) => stage,
            Err(why) => return self.complaints.push(format!("{}, {}, before: {why}", operation.name, refusal.by)),
        };
        let mut request: Map<String, Value> = example.request.clone();
        request.extend(refusal.with.clone());
        refusal.without.iter().for_each(|name| drop(request.remove(name)));
        let (mut found, mut asked) = (BTreeSet::new(), Value::Null);
        // Who comes first of several is for the machine to say.
        for _ in 0..refusal.at_once.map_or(1, |_| RACES) {
            let scene = stage.scene().await;
            asked = scene.filled(&Value::Object(request.clone())).await;
            let body = asked.to_string().into_bytes();
            let all = (0..refusal.at_once.unwrap_or(1)).map(|_| scene.ask(operation.name, body.clone()));
            for answer in join_all(all).await {
                let answer = self.note(operation, answer);
                found.extend(
                    answer.map(|answer| if answer.status == 200 { "success".into() } else { answer.exception() }),
                );
            }
            if found.contains(&refusal.by) {
                return;
            }
        }
        self.complaints.push(format!("{}: {found:?}, not {} to {asked}", operation.name, refusal.by));
    }

    /// One request a second and no more, in each category.
    async fn too_many(&mut self, place: &Place) {
        let rates = Category::ALL.iter().map(|category| (*category, 1)).collect();
        let terrain = Terrain { quotas: Settings { enabled: true, rates }, ..Terrain::default() };
        let scene = place.stage.scene_on(&terrain).await;
        for _ in 0..6 {
            self.ask(&scene, place.operation, &json!(place.good)).await;
        }
    }

    /// As whom the listener, or the key, does not let through.
    async fn kept_out(&mut self, place: &Place) {
        let body = || json!(place.good).to_string().into_bytes();
        if place.operation.errors.contains(&Exception::Forbidden) {
            let scene = place.stage.scene_on(&Terrain { only_edges: true, ..Terrain::default() }).await;
            let answer = scene.ask_as(place.operation, None, body()).await;
            self.note(place.operation, answer);
        }
        if place.operation.errors.contains(&Exception::AccessDenied) {
            let answer = place.scene.ask_as(place.operation, Some(place.scene.denied()), body()).await;
            self.note(place.operation, answer);
        }
    }

    async fn ask(&mut self, scene: &Scene, operation: &'static OperationInfo, request: &Value) -> Option<Answer> {
        let answer = scene.ask(operation.name, request.to_string().into_bytes()).await;
        self.note(operation, answer)
    }

    fn note(&mut self, operation: &'static OperationInfo, answer: Result<Answer, String>) -> Option<Answer> {
        let answer = answer.map_err(|panic| self.complaints.push(format!("{}: panic: {panic}", operation.name)));
        let answer = answer.ok()?;
        self.complaints.extend(judge::complaint(operation, &answer).map(|why| format!("{}: {why}", operation.name)));
        if answer.status != 200 {
            self.pairs.insert((operation.name, answer.exception()));
        }
        Some(answer)
    }
}
