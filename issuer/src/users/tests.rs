//! The operations of users over both engines: codes, races, and what is left of who is gone.

use std::time::Duration;

use cognito_model::Fault;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::limits::Budget;
use crate::store::{Batch, Migration, Query, Statement, Store};
use crate::world::{World, refusal, text};

const PASSWORD: &str = "Correct-Horse-1";
const DAY: Duration = Duration::from_secs(24 * 3_600);
const MOMENT: Duration = Duration::from_millis(1);
const WRONG: &str = "CodeMismatchException: Invalid verification code provided, please try again.";
const NONE: &str = "ExpiredCodeException: Invalid code provided, please request a code again.";
const LIMIT: &str = "LimitExceededException: Attempt limit exceeded, please try after some time.";
const ABSENT: &str = "UserNotFoundException: User does not exist.";

on_both_engines!(
    a_code_is_for_one_address_for_a_day_and_for_one_use,
    a_code_is_bound_to_its_value_however_that_changes,
    one_of_many_with_the_right_code_succeeds,
    wrong_codes_and_codes_that_are_sent_have_an_end,
    changes_side_by_side_all_happen,
    nothing_of_the_deleted_works_again,
    whoever_signs_in_while_being_deleted_gets_nothing,
    enabling_revives_no_token,
    an_administrator_confirms_once,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn jane(store: Store) -> (World, String) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let token = token(&world).await;
    (world, token)
}

async fn token(world: &World) -> String {
    text(&world.sign_in("jane", PASSWORD).await.unwrap()["AccessToken"])
}

async fn set(world: &World, token: &str, name: &str, value: &str) -> Result<Value, Fault> {
    let attributes = json!([{ "Name": name, "Value": value }]);
    world.ask("UpdateUserAttributes", json!({ "AccessToken": token, "UserAttributes": attributes })).await
}

async fn verify(world: &World, token: &str, code: &str) -> Result<Value, Fault> {
    let request = json!({ "AccessToken": token, "AttributeName": "email", "Code": code });
    world.ask("VerifyUserAttribute", request).await
}

/// An attribute of the user, or nothing.
async fn attribute(world: &World, name: &str) -> String {
    let user = world.ask("AdminGetUser", person(world)).await.unwrap();
    let found = user["UserAttributes"].as_array().unwrap().iter().find(|attribute| attribute["Name"] == name);
    found.map(|attribute| text(&attribute["Value"])).unwrap_or_default()
}

fn person(world: &World) -> Value {
    json!({ "UserPoolId": world.pool, "Username": "jane" })
}

fn other(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

async fn a_code_is_for_one_address_for_a_day_and_for_one_use(store: Store) {
    let (world, jane) = jane(store).await;
    set(&world, &jane, "email", "one@example.com").await.unwrap();
    let first = world.code("one").await;
    set(&world, &jane, "email", "two@example.com").await.unwrap();
    let second = world.code("two").await;
    if first != second {
        assert_eq!(refusal(verify(&world, &jane, &first).await), WRONG);
    }
    world.clock.advance(DAY.saturating_sub(MOMENT));
    let later = token(&world).await;
    verify(&world, &later, &second).await.unwrap();
    assert_eq!(
        (attribute(&world, "email").await, attribute(&world, "email_verified").await),
        ("two@example.com".into(), "true".into())
    );
    assert_eq!(refusal(verify(&world, &later, &second).await), NONE);

    set(&world, &later, "email", "three@example.com").await.unwrap();
    let third = world.code("three").await;
    world.clock.advance(DAY);
    let late = token(&world).await;
    assert_eq!(refusal(verify(&world, &late, &third).await), NONE);
    // Back to a value of before: the code that proved it then proves nothing now.
    set(&world, &late, "email", "two@example.com").await.unwrap();
    assert_ne!(verify(&world, &late, &other(&world.code("two").await)).await.map_err(|_| ()), Ok(Value::Null));
    assert_eq!(attribute(&world, "email_verified").await, "false");
}

/// Every change of an address replaces or withdraws its codes; the binding holds without that, too.
async fn a_code_is_bound_to_its_value_however_that_changes(store: Store) {
    let (world, jane) = jane(store).await;
    let ask = json!({ "AccessToken": jane, "AttributeName": "email" });
    world.ask("GetUserAttributeVerificationCode", ask).await.unwrap();
    let code = world.code("jane").await;
    let swap = async |from: &str, to: &str| {
        let mut batch = Batch::new();
        let sql = "UPDATE users SET attributes = REPLACE(attributes, $1, $2)";
        batch.add(Statement::new(sql).bind(from).bind(to));
        world.services.store.commit(batch).await.unwrap();
    };
    swap("jane@", "joan@").await;
    assert_eq!(refusal(verify(&world, &jane, &code).await), WRONG);
    swap("joan@", "jane@").await;
    verify(&world, &jane, &code).await.unwrap();
}

async fn one_of_many_with_the_right_code_succeeds(store: Store) {
    let (world, jane) = jane(store).await;
    set(&world, &jane, "email", "new@example.com").await.unwrap();
    let code = world.code("new").await;
    let outcomes = join_all((0..40).map(|_| verify(&world, &jane, &code))).await;
    let (good, bad): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(good.len(), 1);
    assert!(bad.into_iter().map(refusal).all(|said| said == NONE || said == LIMIT));
    assert_eq!(attribute(&world, "email_verified").await, "true");
}

async fn wrong_codes_and_codes_that_are_sent_have_an_end(store: Store) {
    let (world, jane) = jane(store).await;
    set(&world, &jane, "email", "new@example.com").await.unwrap();
    let code = world.code("new").await;
    let wrong = other(&code);
    let outcomes = join_all((0..60).map(|_| verify(&world, &jane, &wrong))).await;
    let said: Vec<_> = outcomes.into_iter().map(refusal).collect();
    let guesses = Budget::VerifyUserAttribute.tries() as usize;
    let counts = [WRONG, LIMIT].map(|kind| said.iter().filter(|said| *said == kind).count());
    assert_eq!(counts, [guesses, 60 - guesses]);
    assert_eq!(refusal(verify(&world, &jane, &code).await), LIMIT);

    let ask =
        || world.ask("GetUserAttributeVerificationCode", json!({ "AccessToken": jane, "AttributeName": "email" }));
    let sent = join_all((0..20).map(|_| ask())).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(sent, Budget::GetUserAttributeVerificationCode.tries() as usize);
    assert_eq!(refusal(ask().await), LIMIT);

    let changes = Budget::UpdateUserAttributes.tries() as usize;
    let (mut sent, mut refused) = (1, String::new());
    for n in 0..changes {
        match set(&world, &jane, "email", &format!("new{n}@example.com")).await {
            Ok(_) => sent += 1,
            Err(fault) => refused = fault.exception.name().to_owned(),
        }
    }
    assert_eq!((sent, refused.as_str()), (changes, "TooManyRequestsException"));
    set(&world, &jane, "nickname", "what sends no code has no such end").await.unwrap();
}

async fn changes_side_by_side_all_happen(store: Store) {
    let (world, jane) = jane(store).await;
    let names = ["nickname", "gender", "locale", "website", "profile", "zoneinfo", "address", "name"];
    let outcomes = join_all(names.iter().map(|name| set(&world, &jane, name, "ø"))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    for name in names {
        assert_eq!(attribute(&world, name).await, "ø", "{name}");
    }
}

async fn nothing_of_the_deleted_works_again(store: Store) {
    let (world, old) = jane(store).await;
    let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
    let sub = attribute(&world, "sub").await;
    let announced = async || {
        let query = Query::new("SELECT seq FROM feed_log WHERE subject = $1").bind(sub.as_str());
        world.services.store.read(query).await.unwrap().len()
    };
    let before = announced().await;
    world.ask("DeleteUser", json!({ "AccessToken": old })).await.unwrap();
    assert_eq!(announced().await, before + 1, "edges are told");
    for token in [old.as_str(), tokens["AccessToken"].as_str().unwrap()] {
        assert_eq!(refusal(world.ask("GetUser", json!({ "AccessToken": token })).await), ABSENT);
    }
    let refresh = json!({ "REFRESH_TOKEN": tokens["RefreshToken"] });
    let refresh = json!({ "ClientId": world.client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": refresh });
    world.user("jane", PASSWORD).await;
    assert_ne!(attribute(&world, "sub").await, sub);
    assert!(refusal(world.ask("InitiateAuth", refresh).await).starts_with("NotAuthorizedException"));
    assert_eq!(refusal(world.ask("GetUser", json!({ "AccessToken": old })).await), ABSENT);
    world.ask("GetUser", json!({ "AccessToken": token(&world).await })).await.unwrap();
    world.ask("AdminDeleteUser", person(&world)).await.unwrap();
    assert_eq!(refusal(world.ask("AdminDeleteUser", person(&world)).await), ABSENT);
}

async fn whoever_signs_in_while_being_deleted_gets_nothing(store: Store) {
    let (world, _) = jane(store).await;
    let delete = world.ask("AdminDeleteUser", person(&world));
    let sign_ins = join_all((0..6).map(|_| world.sign_in("jane", PASSWORD)));
    let (deleted, signed_in) = futures_util::future::join(delete, sign_ins).await;
    deleted.unwrap();
    for tokens in signed_in.into_iter().flatten() {
        assert_eq!(refusal(world.ask("GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await), ABSENT);
    }
    for sql in ["SELECT COUNT(*) FROM sessions", "SELECT COUNT(*) FROM users", "SELECT COUNT(*) FROM login_names"] {
        assert_eq!(world.count(sql).await, 0, "{sql}");
    }
}

async fn enabling_revives_no_token(store: Store) {
    let (world, old) = jane(store).await;
    world.ask("AdminDisableUser", person(&world)).await.unwrap();
    assert_eq!(refusal(world.sign_in("jane", PASSWORD).await), "NotAuthorizedException: User is disabled.");
    world.ask("AdminEnableUser", person(&world)).await.unwrap();
    let revoked = "NotAuthorizedException: Access Token has been revoked";
    assert_eq!(refusal(world.ask("GetUser", json!({ "AccessToken": old })).await), revoked);
    world.ask("GetUser", json!({ "AccessToken": token(&world).await })).await.unwrap();
}

async fn an_administrator_confirms_once(store: Store) {
    let world = World::new(store).await;
    let attributes = json!([{ "Name": "email", "Value": "jane@example.com" }]);
    let sign_up =
        json!({ "ClientId": world.client, "Username": "jane", "Password": PASSWORD, "UserAttributes": attributes });
    world.ask("SignUp", sign_up).await.unwrap();
    let outcomes = join_all((0..5).map(|_| world.ask("AdminConfirmSignUp", person(&world)))).await;
    let (good, bad): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(good.len(), 1);
    let text = "NotAuthorizedException: User cannot be confirmed. Current status is CONFIRMED";
    assert!(bad.into_iter().map(refusal).all(|said| said == text));
    assert_eq!(world.count("SELECT COUNT(*) FROM one_time_codes").await, 0, "the code of the sign-up is withdrawn");
    assert_ne!(attribute(&world, "email_verified").await, "true");
    world.sign_in("jane", PASSWORD).await.unwrap();
}
