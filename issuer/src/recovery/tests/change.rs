//! ChangePassword.

use std::time::Duration;

use serde_json::json;

use super::{LIMIT, NEW, NEWER, OLD, WRONG_PASSWORD, change, person};
use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal};

on_both_engines!(a_password_is_changed_and_tokens_stay, wrong_passwords_run_out, what_is_missing_or_weak_is_told,);

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
