//! The lockout in sign-ins, on both engines (SECURITY.md I36, I37, I39, T59, T60).

use std::time::Duration;

use cognito_model::Fault;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::limits::lockout::Ladder;
use crate::store::{Migration, Store};
use crate::world::{World, refusal, text};

const RIGHT: &str = "Right-password-1";
const NEW: &str = "Other-password-1";
const GUESS: &str = "Wrong-password-1";
const WRONG: &str = "NotAuthorizedException: Incorrect username or password.";
const LOCKED: &str = "NotAuthorizedException: Password attempts exceeded";

on_both_engines!(
    a_hundred_wrong_guesses_at_once_get_five_tries,
    guesses_and_right_passwords_at_once,
    thirty_two_sign_ins_at_once_all_succeed,
    the_rungs_by_the_clock,
    every_spelling_and_alias_is_one_count,
    who_is_unknown_is_locked_like_a_user,
    what_the_password_permits_forgets_the_failures,
    a_right_password_that_permits_nothing_is_no_failure,
    srp_answers_are_counted_with_passwords,
    another_proof_ends_a_lock,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn world(store: Store) -> World {
    let settings = json!({ "UsernameConfiguration": { "CaseSensitive": false }, "AliasAttributes": ["email"] });
    let world = World::with_pool(store, settings).await;
    world.user("jane", RIGHT).await;
    world
}

/// Both kinds of refusal, and how many succeeded.
fn tally(outcomes: Vec<Result<Value, Fault>>) -> (usize, usize, usize) {
    let (good, bad): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    let bad: Vec<String> = bad.into_iter().map(refusal).collect();
    let count = |text: &str| bad.iter().filter(|said| *said == text).count();
    let (wrong, locked) = (count(WRONG), count(LOCKED));
    assert_eq!(wrong + locked, bad.len(), "{bad:?}");
    (good.len(), wrong, locked)
}

async fn guess(world: &World, times: usize) {
    for _ in 0..times {
        assert_eq!(refusal(world.sign_in("jane", GUESS).await), WRONG);
    }
}

async fn a_hundred_wrong_guesses_at_once_get_five_tries(store: Store) {
    let world = world(store).await;
    let guesses = |count: usize| join_all((0..count).map(|_| world.sign_in("jane", GUESS)));
    assert_eq!(tally(guesses(100).await), (0, 5, 95));
    for rung in [1, 2, 4] {
        assert_eq!(tally(guesses(10).await), (0, 0, 10), "attempts in a lock");
        world.clock.advance(Duration::from_secs(rung));
        assert_eq!(tally(guesses(10).await), (0, 1, 9), "after {rung} s");
    }
    assert_eq!(refusal(world.sign_in("jane", RIGHT).await), LOCKED);
    world.clock.advance(Duration::from_secs(8));
    world.sign_in("jane", RIGHT).await.unwrap();
}

async fn guesses_and_right_passwords_at_once(store: Store) {
    let world = world(store).await;
    guess(&world, 4).await;
    let both = (0..40).map(|n| world.sign_in("jane", if n == 20 { RIGHT } else { GUESS }));
    let (good, wrong, _) = tally(join_all(both).await);
    // A success forgets the failures, so each that got through has opened five more tries.
    assert!(wrong <= 1 + 5 * good, "{good} {wrong}");
}

async fn thirty_two_sign_ins_at_once_all_succeed(store: Store) {
    let world = world(store).await;
    guess(&world, 4).await;
    assert_eq!(tally(join_all((0..32).map(|_| world.sign_in("jane", RIGHT))).await), (32, 0, 0));
    assert_eq!(world.count("SELECT failures + in_flight FROM lockouts").await, 0);
}

async fn the_rungs_by_the_clock(store: Store) {
    let world = world(store).await;
    guess(&world, 5).await;
    for rung in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] {
        world.clock.advance(Duration::from_secs(rung) - Duration::from_millis(1));
        assert_eq!(refusal(world.sign_in("jane", RIGHT).await), LOCKED, "{rung} s");
        world.clock.advance(Duration::from_millis(1));
        guess(&world, 1).await;
    }
    // The fifteenth failure: 15 minutes, after which it is also quiet.
    world.clock.advance(Ladder::COGNITO.longest_lock - Duration::from_millis(1));
    assert_eq!(refusal(world.sign_in("jane", RIGHT).await), LOCKED);
    world.clock.advance(Duration::from_millis(1));
    guess(&world, 4).await;
    world.sign_in("jane", RIGHT).await.unwrap();
}

async fn every_spelling_and_alias_is_one_count(store: Store) {
    let world = world(store).await;
    let sub = text(&world.ask("AdminGetUser", json!({ "UserPoolId": world.pool, "Username": "jane" })).await.unwrap()
        ["UserAttributes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|attribute| attribute["Name"] == "sub")
        .unwrap()["Value"]);
    for name in ["jane", "JANE", "Jane", "jane@example.com", "Jane@Example.com"] {
        assert_eq!(refusal(world.sign_in(name, GUESS).await), WRONG, "{name}");
    }
    for name in ["jane", "jAnE", "JANE@example.com", &sub] {
        assert_eq!(refusal(world.sign_in(name, RIGHT).await), LOCKED, "{name}");
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM lockouts").await, 1);
}

async fn who_is_unknown_is_locked_like_a_user(store: Store) {
    let world = world(store).await;
    let mut answers = Vec::new();
    for names in [["jane", "Jane"], ["nobody", "NoBody"]] {
        let mut said = Vec::new();
        for n in 0..9 {
            let fault = world.sign_in(names[n % 2], GUESS).await.unwrap_err();
            said.push((fault.exception.name(), fault.message));
        }
        answers.push(said);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(world.count("SELECT COUNT(*) FROM lockouts WHERE failures = 5").await, 2);
    let versions = "SELECT COUNT(DISTINCT version) FROM lockouts";
    assert_eq!(world.count(versions).await, 1, "the same number of commits");
    assert_eq!(world.count("SELECT COUNT(*) FROM lockouts WHERE subject LIKE '%nobody%'").await, 0);
    // Who may know hears it at once, and nothing is counted.
    let request = json!({ "ClientId": world.legacy, "AuthFlow": "USER_PASSWORD_AUTH",
                          "AuthParameters": { "USERNAME": "who", "PASSWORD": GUESS } });
    assert_eq!(refusal(world.ask("InitiateAuth", request).await), "UserNotFoundException: User does not exist.");
    assert_eq!(world.count("SELECT COUNT(*) FROM lockouts").await, 2);
}

async fn what_the_password_permits_forgets_the_failures(store: Store) {
    let world = world(store).await;
    guess(&world, 4).await;
    world.sign_in("jane", RIGHT).await.unwrap();
    guess(&world, 4).await;
    let temporary = json!({ "UserPoolId": world.pool, "Username": "jane", "Password": NEW });
    world.ask("AdminSetUserPassword", temporary).await.unwrap();
    guess(&world, 4).await;
    // NEW_PASSWORD_REQUIRED
    assert_eq!(world.sign_in("jane", NEW).await.unwrap(), Value::Null);
    guess(&world, 4).await;
    assert_eq!(world.sign_in("jane", NEW).await.unwrap(), Value::Null);
    assert_eq!(world.count("SELECT failures + in_flight FROM lockouts").await, 0);
}

async fn a_right_password_that_permits_nothing_is_no_failure(store: Store) {
    let world = world(store).await;
    guess(&world, 3).await;
    let jane = json!({ "UserPoolId": world.pool, "Username": "jane" });
    world.ask("AdminDisableUser", jane).await.unwrap();
    for _ in 0..10 {
        assert_eq!(refusal(world.sign_in("jane", RIGHT).await), "NotAuthorizedException: User is disabled.");
    }
    assert_eq!(world.count("SELECT failures * 10 + in_flight FROM lockouts").await, 30);
}

/// An answer to PASSWORD_VERIFIER with a wrong signature.
async fn srp_guess(world: &World, name: &str) -> Result<Value, Fault> {
    let parameters = json!({ "USERNAME": name, "SRP_A": "02".repeat(384) });
    let request = json!({ "ClientId": world.client, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters });
    let asked = world.ask("InitiateAuth", request).await?;
    let answers = json!({
        "USERNAME": name,
        "PASSWORD_CLAIM_SECRET_BLOCK": asked["ChallengeParameters"]["SECRET_BLOCK"],
        "PASSWORD_CLAIM_SIGNATURE": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "TIMESTAMP": "Mon Sep 21 14:13:20 UTC 2026",
    });
    let request = json!({ "ClientId": world.client, "ChallengeName": "PASSWORD_VERIFIER", "Session": asked["Session"],
                          "ChallengeResponses": answers });
    world.ask("RespondToAuthChallenge", request).await
}

async fn srp_answers_are_counted_with_passwords(store: Store) {
    let world = world(store).await;
    guess(&world, 2).await;
    assert_eq!(tally(join_all((0..20).map(|_| srp_guess(&world, "JANE@example.com"))).await), (0, 3, 17));
    assert_eq!(refusal(world.sign_in("jane", RIGHT).await), LOCKED);
    assert_eq!(tally(join_all((0..20).map(|_| srp_guess(&world, "Nobody"))).await), (0, 5, 15));
    assert_eq!(refusal(world.sign_in("nobody", GUESS).await), LOCKED);
    // Answers that a lock refuses leave their sessions: 17 and 15.
    assert_eq!(world.count("SELECT COUNT(*) FROM attempts").await, 32);
}

async fn another_proof_ends_a_lock(store: Store) {
    let world = world(store).await;
    guess(&world, 5).await;
    let by_admin = json!({ "UserPoolId": world.pool, "Username": "jane", "Password": NEW, "Permanent": true });
    world.ask("AdminSetUserPassword", by_admin).await.unwrap();
    world.sign_in("jane", NEW).await.unwrap();

    guess(&world, 5).await;
    world.clock.advance(Duration::from_millis(1));
    world.ask("ForgotPassword", json!({ "ClientId": world.client, "Username": "jane" })).await.unwrap();
    let code = world.code("jane").await;
    let confirm = json!({ "ClientId": world.client, "Username": "jane", "ConfirmationCode": code, "Password": RIGHT });
    world.ask("ConfirmForgotPassword", confirm).await.unwrap();
    let tokens = world.sign_in("jane", RIGHT).await.unwrap();

    guess(&world, 5).await;
    let change = json!({ "AccessToken": tokens["AccessToken"], "PreviousPassword": RIGHT, "ProposedPassword": NEW });
    world.ask("ChangePassword", change).await.unwrap();
    world.sign_in("jane", NEW).await.unwrap();
}
