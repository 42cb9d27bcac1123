//! The pages' way through a sign-in, on both engines.

use cognito_model::Fault;
use cognito_model::idp::types::ChallengeNameType;
use common::secret::SecretString;
use serde_json::json;

use super::page::{self, Stage};
use super::parameters::Parameters;
use crate::clients::{self, Client};
use crate::engines::on_both_engines;
use crate::pools::Pool;
use crate::store::{Migration, Store};
use crate::world::{World, text};

const PASSWORD: &str = "Correct-Hörse-1";
const OTHER: &str = "Another-Hörse-2";

on_both_engines!(
    a_page_needs_neither_flow_nor_secret_hash,
    a_page_learns_no_more_than_the_api,
    a_challenge_leads_on_and_counts_once,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// A client with a secret that may sign in by SRP only.
async fn confidential(world: &World) -> (Pool, Client) {
    let request = json!({
        "UserPoolId": world.pool, "ClientName": "web", "GenerateSecret": true,
        "PreventUserExistenceErrors": "ENABLED", "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"],
    });
    let made = world.ask("CreateUserPoolClient", request).await.unwrap();
    clients::of_call(&world.services, &text(&made["UserPoolClient"]["ClientId"])).await.unwrap()
}

async fn begin(world: &World, of: &(Pool, Client), name: &str, password: &str) -> Result<Stage, Fault> {
    page::begin(&world.command("CognitoAuthentication"), &of.0, &of.1, name, &SecretString::new(password)).await
}

fn text_of(outcome: Result<Stage, Fault>) -> String {
    let Err(fault) = outcome else { panic!("it went on") };
    format!("{}: {}", fault.exception.name(), fault.message)
}

async fn a_page_needs_neither_flow_nor_secret_hash(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let of = confidential(&world).await;
    let Stage::Done(proof) = begin(&world, &of, "jane", PASSWORD).await.unwrap() else { panic!("asked for more") };
    assert_eq!((proof.user().username.as_str(), proof.at()), ("jane", world.now()));
    assert_eq!(world.count("SELECT COUNT(*) FROM sessions").await, 0, "the proof is all there is");
}

async fn a_page_learns_no_more_than_the_api(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let of = confidential(&world).await;
    let wrong = "NotAuthorizedException: Incorrect username or password.";
    for (name, password) in [("jane", OTHER), ("nobody", PASSWORD)] {
        assert_eq!(text_of(begin(&world, &of, name, password).await), wrong);
    }
    let empty = text_of(begin(&world, &of, "jane", "").await);
    assert_eq!(empty, "InvalidParameterException: Missing required parameter PASSWORD");
}

async fn a_challenge_leads_on_and_counts_once(store: Store) {
    let world = World::new(store).await;
    let create = json!({
        "UserPoolId": world.pool, "Username": "new", "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS",
    });
    world.ask("AdminCreateUser", create).await.unwrap();
    let of = confidential(&world).await;
    let Stage::Ask(asked) = begin(&world, &of, "new", PASSWORD).await.unwrap() else { panic!("nothing was asked") };
    assert_eq!(asked.name, ChallengeNameType::NewPasswordRequired);
    let answer = async |password: &str| {
        let pairs = [("USERNAME", "new"), ("NEW_PASSWORD", password)];
        let answers = Parameters::of(pairs.map(|(name, value)| (name, SecretString::new(value)))).unwrap();
        page::answer(&world.command("CognitoAuthentication"), &of.0, &of.1, asked.name, &asked.session, &answers).await
    };
    let weak = text_of(answer("short").await);
    assert!(weak.starts_with("InvalidPasswordException"), "{weak}");
    // What was proven is used up by the batch of what it permits, not before.
    let Stage::Done(proof) = answer(OTHER).await.unwrap() else { panic!("asked for more") };
    let mut batch = crate::store::Batch::new();
    batch.extend(proof.into_statements());
    world.services.store.commit(batch).await.unwrap();
    assert_eq!(text_of(answer(OTHER).await), "NotAuthorizedException: Invalid session for the user.");
    assert!(matches!(begin(&world, &of, "new", OTHER).await.unwrap(), Stage::Done(_)));
}
