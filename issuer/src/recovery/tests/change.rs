//! ChangePassword.

use std::time::Duration;

use serde_json::json;

use super::{LIMIT, NEW, NEWER, OLD, WRONG_PASSWORD, change, confirm, forgot, person};
use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal, with};

on_both_engines!(
    a_password_is_changed_and_tokens_stay,
    wrong_passwords_run_out,
    what_is_missing_or_weak_is_told,
    former_passwords_do_not_come_back,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn a_password_is_changed_and_tokens_stay(store: Store) {
    let world = World::new(store).await;
    world.user("jane", OLD).await;
    let tokens = world.sign_in("jane", OLD).await.unwrap();
    world.ask("ChangePassword", change(&tokens, OLD, NEW)).await.unwrap();
    assert_eq!(refusal(world.sign_in("jane", OLD).await), WRONG_PASSWORD);
    world.sign_in("jane", NEW).await.unwrap();

    let get = json!({ "AccessToken": tokens["AccessToken"] });
    world.ask("GetUser", get.clone()).await.unwrap();
    let refresh = json!({
        "ClientId": world.client, "AuthFlow": "REFRESH_TOKEN_AUTH",
        "AuthParameters": { "REFRESH_TOKEN": tokens["RefreshToken"] },
    });
    world.ask("InitiateAuth", refresh).await.unwrap();
    // A success gives the tries back.
    for turn in 0..7 {
        let (from, to) = if turn % 2 == 0 { (NEW, NEWER) } else { (NEWER, NEW) };
        world.ask("ChangePassword", change(&tokens, from, to)).await.unwrap();
    }
    world.ask("GlobalSignOut", get).await.unwrap();
    let refused = refusal(world.ask("ChangePassword", change(&tokens, NEWER, OLD)).await);
    assert_eq!(refused, "NotAuthorizedException: Access Token has been revoked");
}

async fn wrong_passwords_run_out(store: Store) {
    let world = World::new(store).await;
    world.user("jane", OLD).await;
    let tokens = world.sign_in("jane", OLD).await.unwrap();
    for turn in 0..7 {
        let refused = refusal(world.ask("ChangePassword", change(&tokens, NEWER, NEW)).await);
        assert_eq!(refused, if turn < 5 { WRONG_PASSWORD } else { LIMIT }, "{turn}");
    }
    assert_eq!(refusal(world.ask("ChangePassword", change(&tokens, OLD, NEW)).await), LIMIT);
    world.clock.advance(Duration::from_secs(3_600));
    let tokens = world.sign_in("jane", OLD).await.unwrap();
    world.ask("ChangePassword", change(&tokens, OLD, NEW)).await.unwrap();
}

async fn what_is_missing_or_weak_is_told(store: Store) {
    let world = World::new(store).await;
    world.user("jane", OLD).await;
    let tokens = world.sign_in("jane", OLD).await.unwrap();
    let weak = "InvalidPasswordException: Password did not conform with policy: Password not long enough";
    assert_eq!(refusal(world.ask("ChangePassword", change(&tokens, OLD, "Short1!")).await), weak);
    let without = json!({ "AccessToken": tokens["AccessToken"], "ProposedPassword": NEW });
    let missing = "InvalidParameterException: Missing required parameter PreviousPassword";
    assert_eq!(refusal(world.ask("ChangePassword", without).await), missing);
    world.sign_in("jane", OLD).await.unwrap();
    world.ask("AdminDisableUser", person(&world, "jane")).await.unwrap();
    let refused = refusal(world.ask("ChangePassword", change(&tokens, OLD, NEW)).await);
    assert_eq!(refused, "NotAuthorizedException: Access Token has been revoked");
}

/// Of the last two passwords, the present one among them, none may come again: by no way that sets one.
async fn former_passwords_do_not_come_back(store: Store) {
    let policy = |size: u32| json!({ "Policies": { "PasswordPolicy": { "PasswordHistorySize": size } } });
    let world = World::with_pool(store, policy(2)).await;
    world.user("jane", OLD).await;
    let tokens = world.sign_in("jane", OLD).await.unwrap();
    let set = async |from, to| world.ask("ChangePassword", change(&tokens, from, to)).await;
    let repeated = "PasswordHistoryPolicyViolationException: Password has previously been used";
    assert_eq!(refusal(set(OLD, OLD).await), repeated);
    set(OLD, NEW).await.unwrap();
    assert_eq!(refusal(set(NEW, OLD).await), repeated);
    assert_eq!(refusal(set(NEW, NEW).await), repeated);
    set(NEW, NEWER).await.unwrap();
    set(NEWER, OLD).await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM users WHERE former_passwords LIKE '[\"$argon2%\"]'").await, 1);

    let permanent = |password: &str| {
        let person = with(&person(&world, "jane"), json!({ "Password": password, "Permanent": true }));
        world.ask("AdminSetUserPassword", person)
    };
    assert_eq!(refusal(permanent(NEWER).await), repeated);
    world.ask("ForgotPassword", forgot(&world.client, "jane")).await.unwrap();
    let code = world.code("jane").await;
    let by_code = |password: &str| world.ask("ConfirmForgotPassword", confirm(&world.client, "jane", &code, password));
    assert_eq!(refusal(by_code(OLD).await), repeated);
    by_code(NEW).await.unwrap();
    world.sign_in("jane", NEW).await.unwrap();

    // A pool that asks for none forgets them with the next password.
    let pool = with(&json!({ "UserPoolId": world.pool, "AutoVerifiedAttributes": ["email"] }), policy(0));
    world.ask("UpdateUserPool", pool).await.unwrap();
    permanent(NEW).await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM users WHERE former_passwords IS NOT NULL").await, 0);
}
