//! Many at once (SECURITY.md I37, T60).

use futures_util::future::join_all;
use serde_json::json;

use super::{LIMIT, NEW, NO_CODE, OLD, WRONG_CODE, WRONG_PASSWORD, change, confirm, forgot, other};
use crate::engines::on_both_engines;
use crate::limits::Budget;
use crate::store::{Migration, Store};
use crate::world::{World, refusal};

on_both_engines!(
    one_of_many_with_the_right_code_succeeds,
    wrong_codes_never_exceed_the_budget,
    wrong_sign_up_codes_never_exceed_the_budget,
    one_of_many_changes_succeeds,
    wrong_passwords_never_exceed_the_budget,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// How often each outcome came.
fn tally(outcomes: Vec<Result<serde_json::Value, cognito_model::Fault>>, kinds: &[&str]) -> (usize, Vec<usize>) {
    let (good, bad): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    let bad: Vec<String> = bad.into_iter().map(refusal).collect();
    let counts: Vec<usize> = kinds.iter().map(|kind| bad.iter().filter(|said| said == kind).count()).collect();
    assert_eq!(counts.iter().sum::<usize>(), bad.len(), "{bad:?}");
    (good.len(), counts)
}

async fn one_of_many_with_the_right_code_succeeds(store: Store) {
    let world = World::new(store).await;
    world.user("jane", OLD).await;
    world.ask("ForgotPassword", forgot(&world.legacy, "jane")).await.unwrap();
    let code = world.code("jane").await;
    let passwords: Vec<_> = (0..64).map(|n| format!("New-password-{n}")).collect();
    let tries = passwords.iter().map(|password| {
        let request = confirm(&world.legacy, "jane", &code, password);
        world.ask("ConfirmForgotPassword", request)
    });
    let outcomes = join_all(tries).await;
    let winner = outcomes.iter().position(Result::is_ok).unwrap();
    let (succeeded, _) = tally(outcomes, &[NO_CODE, LIMIT]);
    assert_eq!(succeeded, 1);
    assert_eq!(refusal(world.sign_in("jane", OLD).await), WRONG_PASSWORD);
    world.sign_in("jane", &passwords[winner]).await.unwrap();
}

async fn wrong_codes_never_exceed_the_budget(store: Store) {
    let world = World::new(store).await;
    world.user("jane", OLD).await;
    world.ask("ForgotPassword", forgot(&world.legacy, "jane")).await.unwrap();
    let wrong = other(&world.code("jane").await);
    let tries = (0..100).map(|_| world.ask("ConfirmForgotPassword", confirm(&world.legacy, "jane", &wrong, NEW)));
    let (succeeded, refused) = tally(join_all(tries).await, &[WRONG_CODE, LIMIT]);
    let budget = Budget::ConfirmForgotPassword.tries() as usize;
    assert_eq!((succeeded, refused), (0, vec![budget, 100 - budget]));
    assert_eq!(world.count("SELECT attempts FROM one_time_codes").await, budget as i64);
}

async fn wrong_sign_up_codes_never_exceed_the_budget(store: Store) {
    let world = World::new(store).await;
    let signed_up = json!({
        "ClientId": world.client, "Username": "jane", "Password": OLD,
        "UserAttributes": [{ "Name": "email", "Value": "jane@example.com" }],
    });
    world.ask("SignUp", signed_up).await.unwrap();
    let code = world.code("jane").await;
    let request = |code: &str| json!({ "ClientId": world.legacy, "Username": "jane", "ConfirmationCode": code });
    let tries = (0..100).map(|_| world.ask("ConfirmSignUp", request(&other(&code))));
    let (succeeded, refused) = tally(join_all(tries).await, &[WRONG_CODE, LIMIT]);
    assert_eq!((succeeded, refused), (0, vec![15, 85]));
    assert_eq!(refusal(world.ask("ConfirmSignUp", request(&code)).await), LIMIT);
}

async fn one_of_many_changes_succeeds(store: Store) {
    let world = World::new(store).await;
    world.user("jane", OLD).await;
    let tokens = world.sign_in("jane", OLD).await.unwrap();
    let changes = (0..20).map(|n| world.ask("ChangePassword", change(&tokens, OLD, &format!("New-password-{n}"))));
    let (succeeded, _) = tally(join_all(changes).await, &[WRONG_PASSWORD, LIMIT]);
    assert_eq!(succeeded, 1);
    assert_eq!(refusal(world.sign_in("jane", OLD).await), WRONG_PASSWORD);
}

async fn wrong_passwords_never_exceed_the_budget(store: Store) {
    let world = World::new(store).await;
    world.user("jane", OLD).await;
    let tokens = world.sign_in("jane", OLD).await.unwrap();
    let guesses = (0..40).map(|_| world.ask("ChangePassword", change(&tokens, "Wrong-password-1", NEW)));
    let (succeeded, refused) = tally(join_all(guesses).await, &[WRONG_PASSWORD, LIMIT]);
    assert_eq!((succeeded, refused), (0, vec![5, 35]));
    assert_eq!(refusal(world.ask("ChangePassword", change(&tokens, OLD, NEW)).await), LIMIT);
}
