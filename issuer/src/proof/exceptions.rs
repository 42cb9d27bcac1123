//! Which exceptions of its model each operation raises here, and the list of those that it does not.

use std::collections::{BTreeMap, BTreeSet};

use cognito_model::{Auth, Exception, OperationInfo, Service};
use serde_json::{Map, Value, json};

use super::examples::{self, Deployment, Example, Refusal};
use super::ledger::Ledger;
use super::place::Place;
use super::stage::{Answer, Engine, House, Scene, Stage};
use super::{judge, operations, strangers};
use crate::limits::quotas::{Category, Settings};
use crate::store::fixture::break_sqlite;

const LEDGER: Ledger = Ledger {
    file: "exceptions.txt",
    head: "Exceptions that Cognito's model gives an operation and that no request of issuer/src/proof makes it raise, with the reason.
Written by TOLLGATE_BLESS=1 cargo test -p issuer --lib proof::exceptions; may only shrink.
The requests: an empty one; each example of issuer/testdata/examples with somebody else's, forged, expired or absent things; its refusals; more
of them than the quota allows; and one while storage is broken.",
};

/// Why an exception can't be raised; what is not here is not shown yet.
const REASONS: &[(&str, &[Exception])] = &[
    (
        "triggers do not exist yet",
        &[Exception::UnexpectedLambda, Exception::UserLambdaValidation, Exception::InvalidLambdaResponse],
    ),
    (
        "text messages have no sender, so no role of one is asked",
        &[Exception::InvalidSmsRoleAccessPolicy, Exception::InvalidSmsRoleTrustRelationship],
    ),
    (
        "messages are queued with the change and sent later: what becomes of them is in their status",
        &[Exception::CodeDeliveryFailure],
    ),
    ("no pool is a secondary replica: every operation is enabled", &[Exception::OperationNotEnabled]),
    ("every feature is there in every tier", &[Exception::FeatureUnavailableInTier, Exception::TierChangeNotAllowed]),
    ("threat protection does not exist yet", &[Exception::UserPoolAddOnNotEnabled]),
];

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
    let rates = Category::ALL.iter().map(|category| (*category, 1)).collect();
    let stage = stage.with_quotas(Settings { enabled: true, rates });
    for (operation, example) in of_operations() {
        raised.too_many(&stage, operation, example).await;
    }
    assert!(raised.complaints.is_empty(), "{}", raised.complaints.join("\n"));
    let mut missing = BTreeMap::new();
    let mut pairs = 0;
    for operation in Service::Idp.operations() {
        let is_there = operations.iter().any(|there| there.name == operation.name);
        for error in operation.errors {
            pairs += 1;
            if !raised.pairs.contains(&(operation.name, error.name().to_owned())) {
                missing.insert(format!("{} {}", operation.name, error.name()), reason(operation, *error, is_there));
            }
        }
    }
    println!("{} of {pairs} pairs of an operation and an exception are raised", pairs - missing.len());
    if operations.len() > 1 {
        LEDGER.check(&missing);
    }
}

fn reason(operation: &OperationInfo, error: Exception, is_there: bool) -> String {
    if !is_there {
        return "the operation does not exist yet".to_owned();
    }
    if operation.auth == Auth::SigV4 && error == Exception::NotAuthorized {
        return "not shown yet, of signed requests: who may not sign gets AWS's own AccessDeniedException".to_owned();
    }
    let known = REASONS.iter().find(|(_, exceptions)| exceptions.contains(&error));
    known.map_or("not shown yet", |(reason, _)| reason).to_owned()
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
        let scene = stage.scene().await;
        let request = scene.filled(&Value::Object(request)).await;
        let answer = self.ask(&scene, operation, &request).await;
        let found = answer.map(|answer| if answer.status == 200 { "success".into() } else { answer.exception() });
        if found.as_ref() != Some(&refusal.by) {
            self.complaints.push(format!("{}: {found:?}, not {} to {request}", operation.name, refusal.by));
        }
    }

    /// The request is counted whatever becomes of it, so nothing is prepared: that would use up the quota.
    async fn too_many(&mut self, stage: &Stage, operation: &'static OperationInfo, example: &Example) {
        let scene = stage.scene().await;
        let good = scene.filled(&Value::Object(example.request.clone())).await;
        for _ in 0..6 {
            self.ask(&scene, operation, &good).await;
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
