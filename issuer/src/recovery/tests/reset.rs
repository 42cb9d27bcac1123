//! AdminResetUserPassword, and signing in until the password is another.

use std::time::Duration;

use serde_json::json;

use super::{NEW, OLD, RESET_REQUIRED, WRONG_PASSWORD, confirm, forgot, person};
use crate::engines::on_both_engines;
use crate::messages::Kind;
use crate::store::{Migration, Store};
use crate::world::{World, refusal};

on_both_engines!(a_reset_password_signs_nobody_in_until_it_is_another, who_cannot_be_reset,);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn a_reset_password_signs_nobody_in_until_it_is_another(store: Store) {
    let world = World::new(store).await;
    world.user("jane", OLD).await;
    let tokens = world.sign_in("jane", OLD).await.unwrap();
    world.ask("AdminResetUserPassword", person(&world, "jane")).await.unwrap();
    let message = world.messages_to("jane@example.com").await.pop().unwrap();
    assert_eq!(message.kind, Kind::ForgotPassword);

    let get = json!({ "AccessToken": tokens["AccessToken"] });
    let dead = refusal(world.ask("GetUser", get).await);
    assert_eq!(dead, "NotAuthorizedException: Access Token has been revoked");
    let refresh = json!({
        "ClientId": world.client, "AuthFlow": "REFRESH_TOKEN_AUTH",
        "AuthParameters": { "REFRESH_TOKEN": tokens["RefreshToken"] },
    });
    let dead = refusal(world.ask("InitiateAuth", refresh).await);
    assert_eq!(dead, "NotAuthorizedException: Refresh Token has been revoked");
    assert_eq!(refusal(world.sign_in("jane", OLD).await), RESET_REQUIRED, "the right password");
    assert_eq!(refusal(world.sign_in("jane", NEW).await), WRONG_PASSWORD, "a wrong one");

    // Another reset, and the user's own asking, send another code; the newest is the one that counts.
    world.clock.advance(Duration::from_secs(1));
    world.ask("AdminResetUserPassword", person(&world, "jane")).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    world.ask("ForgotPassword", forgot(&world.client, "jane")).await.unwrap();
    assert_eq!(world.messages_to("jane@example.com").await.len(), 3);
    let code = world.code("jane").await;
    world.ask("ConfirmForgotPassword", confirm(&world.client, "jane", &code, NEW)).await.unwrap();
    world.sign_in("jane", NEW).await.unwrap();
    assert_eq!(refusal(world.sign_in("jane", OLD).await), WRONG_PASSWORD);
}

async fn who_cannot_be_reset(store: Store) {
    let world = World::new(store.clone()).await;
    for name in ["disabled", "invited"] {
        world.user(name, OLD).await;
    }
    world.ask("AdminDisableUser", person(&world, "disabled")).await.unwrap();
    let temporary = json!({ "UserPoolId": world.pool, "Username": "invited", "Password": NEW, "Permanent": false });
    world.ask("AdminSetUserPassword", temporary).await.unwrap();
    let signed_up = json!({ "ClientId": world.client, "Username": "signed", "Password": OLD });
    world.ask("SignUp", signed_up).await.unwrap();
    let bare = json!({ "UserPoolId": world.pool, "Username": "bare", "MessageAction": "SUPPRESS" });
    world.ask("AdminCreateUser", bare).await.unwrap();
    let set = json!({ "UserPoolId": world.pool, "Username": "bare", "Password": OLD, "Permanent": true });
    world.ask("AdminSetUserPassword", set).await.unwrap();

    let state = "NotAuthorizedException: User password cannot be reset in the current state.";
    for (name, expected) in [
        ("nobody", "UserNotFoundException: User does not exist."),
        ("disabled", "NotAuthorizedException: User is disabled."),
        ("invited", state),
        ("signed", state),
        (
            "bare",
            "InvalidParameterException: Cannot reset password for the user as there is no registered/verified email \
             or phone_number",
        ),
    ] {
        let found = refusal(world.ask("AdminResetUserPassword", person(&world, name)).await);
        assert_eq!(found, expected, "{name}");
    }
    world.sign_in("bare", OLD).await.unwrap();

    let only_admins = json!({ "RecoveryMechanisms": [{ "Name": "admin_only", "Priority": 1 }] });
    let world = World::with_pool(store, json!({ "AccountRecoverySetting": only_admins })).await;
    world.user("jane", OLD).await;
    let found = refusal(world.ask("AdminResetUserPassword", person(&world, "jane")).await);
    assert_eq!(found, "NotAuthorizedException: Contact administrator to reset password.");
    world.sign_in("jane", OLD).await.unwrap();
}
