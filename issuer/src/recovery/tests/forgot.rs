//! ForgotPassword and ConfirmForgotPassword, by a client that tells what is wrong.

use std::time::Duration;

use super::{LIMIT, NEW, NEWER, NO_CODE, OLD, WRONG_CODE, WRONG_PASSWORD, change, confirm, forgot, other, person};
use crate::engines::on_both_engines;
use crate::messages::{Channel, Kind};
use crate::store::{Migration, Store};
use crate::world::{World, refusal};
use serde_json::json;

on_both_engines!(
    a_forgotten_password_is_recovered,
    a_code_is_for_one_user_and_ends_after_an_hour,
    any_other_password_ends_the_code,
    a_weak_password_costs_no_try,
    refusals_in_cognitos_words,
    the_setting_says_where_codes_go,
    who_is_not_confirmed_is_confirmed_by_the_code,
    asking_has_a_limit,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn a_forgotten_password_is_recovered(store: Store) {
    let world = World::new(store).await;
    world.user("jane", OLD).await;
    let tokens = world.sign_in("jane", OLD).await.unwrap();
    let answer = world.ask("ForgotPassword", forgot(&world.legacy, "jane")).await.unwrap();
    let details = json!({ "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": "j***@e***" });
    assert_eq!(answer, json!({ "CodeDeliveryDetails": details }));
    let message = world.messages_to("jane@example.com").await.pop().unwrap();
    assert_eq!((message.kind, message.channel), (Kind::ForgotPassword, Channel::Email));
    let code = message.code;
    world.sign_in("jane", OLD).await.unwrap();

    let wrong = confirm(&world.legacy, "jane", &other(&code), NEW);
    assert_eq!(refusal(world.ask("ConfirmForgotPassword", wrong).await), WRONG_CODE);
    let right = confirm(&world.legacy, "jane", &code, NEW);
    world.ask("ConfirmForgotPassword", right.clone()).await.unwrap();
    assert_eq!(refusal(world.ask("ConfirmForgotPassword", right).await), NO_CODE, "it works once");

    assert_eq!(refusal(world.sign_in("jane", OLD).await), WRONG_PASSWORD);
    let fresh = world.sign_in("jane", NEW).await.unwrap();
    let get = |tokens: &serde_json::Value| json!({ "AccessToken": tokens["AccessToken"] });
    let dead = refusal(world.ask("GetUser", get(&tokens)).await);
    assert_eq!(dead, "NotAuthorizedException: Access Token has been revoked");
    let refresh = json!({
        "ClientId": world.client, "AuthFlow": "REFRESH_TOKEN_AUTH",
        "AuthParameters": { "REFRESH_TOKEN": tokens["RefreshToken"] },
    });
    let dead = refusal(world.ask("InitiateAuth", refresh).await);
    assert_eq!(dead, "NotAuthorizedException: Refresh Token has been revoked");
    world.ask("GetUser", get(&fresh)).await.unwrap();
    let told = "SELECT COUNT(*) FROM feed_log";
    assert!(world.count(told).await > 0);
}

async fn a_code_is_for_one_user_and_ends_after_an_hour(store: Store) {
    let world = World::new(store).await;
    for name in ["jane", "joan"] {
        world.user(name, OLD).await;
        world.ask("ForgotPassword", forgot(&world.legacy, name)).await.unwrap();
    }
    let (jane, joan) = (world.code("jane").await, world.code("joan").await);
    if jane != joan {
        let crossed = confirm(&world.legacy, "joan", &jane, NEW);
        assert_eq!(refusal(world.ask("ConfirmForgotPassword", crossed).await), WRONG_CODE);
    }
    world.clock.advance(Duration::from_secs(3_600) - Duration::from_millis(1));
    world.ask("ConfirmForgotPassword", confirm(&world.legacy, "jane", &jane, NEW)).await.unwrap();
    world.clock.advance(Duration::from_millis(1));
    let late = confirm(&world.legacy, "joan", &joan, NEW);
    assert_eq!(refusal(world.ask("ConfirmForgotPassword", late).await), NO_CODE);
}

async fn any_other_password_ends_the_code(store: Store) {
    let world = World::new(store).await;
    for (name, by_admin) in [("jane", true), ("joan", false)] {
        world.user(name, OLD).await;
        let tokens = world.sign_in(name, OLD).await.unwrap();
        world.ask("ForgotPassword", forgot(&world.legacy, name)).await.unwrap();
        let code = world.code(name).await;
        if by_admin {
            let set = json!({ "UserPoolId": world.pool, "Username": name, "Password": NEW, "Permanent": true });
            world.ask("AdminSetUserPassword", set).await.unwrap();
        } else {
            world.ask("ChangePassword", change(&tokens, OLD, NEW)).await.unwrap();
        }
        let expected = if by_admin { WRONG_CODE } else { NO_CODE };
        let late = confirm(&world.legacy, name, &code, NEWER);
        assert_eq!(refusal(world.ask("ConfirmForgotPassword", late).await), expected);
        world.sign_in(name, NEW).await.unwrap();
    }
}

async fn a_weak_password_costs_no_try(store: Store) {
    let world = World::new(store).await;
    world.user("jane", OLD).await;
    world.ask("ForgotPassword", forgot(&world.legacy, "jane")).await.unwrap();
    let code = world.code("jane").await;
    let weak = "InvalidPasswordException: Password did not conform with policy: Password not long enough";
    for name in ["jane", "nobody"] {
        for _ in 0..30 {
            let request = confirm(&world.client, name, &code, "Short1!");
            assert_eq!(refusal(world.ask("ConfirmForgotPassword", request).await), weak);
        }
    }
    world.ask("ConfirmForgotPassword", confirm(&world.legacy, "jane", &code, NEW)).await.unwrap();
}

async fn refusals_in_cognitos_words(store: Store) {
    let world = World::new(store).await;
    for name in ["plain", "disabled", "unproven", "invited"] {
        world.user(name, OLD).await;
    }
    world.ask("AdminDisableUser", person(&world, "disabled")).await.unwrap();
    let temporary = json!({ "UserPoolId": world.pool, "Username": "invited", "Password": NEW, "Permanent": false });
    world.ask("AdminSetUserPassword", temporary).await.unwrap();
    let bare = json!({ "UserPoolId": world.pool, "Username": "bare", "MessageAction": "SUPPRESS" });
    world.ask("AdminCreateUser", bare).await.unwrap();
    let set = json!({ "UserPoolId": world.pool, "Username": "bare", "Password": OLD, "Permanent": true });
    world.ask("AdminSetUserPassword", set).await.unwrap();

    let no_user = "UserNotFoundException: Username/client id combination not found.";
    let disabled = "NotAuthorizedException: User is disabled.";
    let state = "NotAuthorizedException: User password cannot be reset in the current state.";
    let no_address = "InvalidParameterException: Cannot reset password for the user as there is no \
                      registered/verified email or phone_number";
    for (name, when_asked, when_confirmed) in [
        ("nobody", no_user, no_user),
        ("disabled", disabled, disabled),
        ("invited", state, NO_CODE),
        ("bare", no_address, NO_CODE),
    ] {
        assert_eq!(refusal(world.ask("ForgotPassword", forgot(&world.legacy, name)).await), when_asked, "{name}");
        let request = confirm(&world.legacy, name, "123456", NEW);
        assert_eq!(refusal(world.ask("ConfirmForgotPassword", request).await), when_confirmed, "{name}");
    }
    let unasked = confirm(&world.legacy, "plain", "123456", NEW);
    assert_eq!(refusal(world.ask("ConfirmForgotPassword", unasked).await), NO_CODE);
    let stranger = refusal(world.ask("ForgotPassword", forgot("nobodysclient", "plain")).await);
    assert!(stranger.starts_with("ResourceNotFoundException"), "{stranger}");
}

async fn the_setting_says_where_codes_go(store: Store) {
    let only_phone = json!({ "RecoveryMechanisms": [{ "Name": "verified_phone_number", "Priority": 1 }] });
    let world = World::with_pool(store.clone(), json!({ "AccountRecoverySetting": only_phone })).await;
    world.user("jane", OLD).await;
    let refused = refusal(world.ask("ForgotPassword", forgot(&world.legacy, "jane")).await);
    assert!(refused.starts_with("InvalidParameterException: Cannot reset password"), "{refused}");

    let only_admins = json!({ "RecoveryMechanisms": [{ "Name": "admin_only", "Priority": 1 }] });
    let world = World::with_pool(store, json!({ "AccountRecoverySetting": only_admins })).await;
    world.user("jane", OLD).await;
    let contact = "NotAuthorizedException: Contact administrator to reset password.";
    for (client, name) in [(&world.client, "jane"), (&world.client, "nobody"), (&world.legacy, "nobody")] {
        assert_eq!(refusal(world.ask("ForgotPassword", forgot(client, name)).await), contact);
        let request = confirm(client, name, "123456", NEW);
        assert_eq!(refusal(world.ask("ConfirmForgotPassword", request).await), contact);
    }
}

async fn who_is_not_confirmed_is_confirmed_by_the_code(store: Store) {
    let world = World::new(store).await;
    let signed_up = json!({
        "ClientId": world.client, "Username": "jane", "Password": OLD,
        "UserAttributes": [{ "Name": "email", "Value": "jane@example.com" }],
    });
    world.ask("SignUp", signed_up).await.unwrap();
    let refused = refusal(world.ask("ForgotPassword", forgot(&world.legacy, "jane")).await);
    assert!(refused.starts_with("InvalidParameterException: Cannot reset password"), "{refused}");
    assert!(refusal(world.sign_in("jane", OLD).await).starts_with("UserNotConfirmedException"));

    // An administrator vouches for the address.
    let proven = r#"{"email":"jane@example.com","email_verified":"true"}"#;
    let mut batch = crate::store::Batch::new();
    batch.add(crate::store::Statement::new("UPDATE users SET attributes = $1").bind(proven));
    world.services.store.commit(batch).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    world.ask("ForgotPassword", forgot(&world.legacy, "jane")).await.unwrap();
    let code = world.code("jane").await;
    world.ask("ConfirmForgotPassword", confirm(&world.legacy, "jane", &code, NEW)).await.unwrap();
    world.sign_in("jane", NEW).await.unwrap();
}

async fn asking_has_a_limit(store: Store) {
    let world = World::new(store).await;
    world.user("jane", OLD).await;
    for name in ["jane", "nobody"] {
        for _ in 0..5 {
            world.ask("ForgotPassword", forgot(&world.client, name)).await.unwrap();
        }
        assert_eq!(refusal(world.ask("ForgotPassword", forgot(&world.client, name)).await), LIMIT, "{name}");
    }
    world.clock.advance(Duration::from_secs(3_600));
    for name in ["jane", "nobody"] {
        world.ask("ForgotPassword", forgot(&world.client, name)).await.unwrap();
    }
}
