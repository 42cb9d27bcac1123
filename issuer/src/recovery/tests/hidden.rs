//! What a client that hides who exists gets: one answer, at one price (SECURITY.md I41).

use cognito_model::Fault;
use serde_json::{Value, json};

use super::{LIMIT, NEW, OLD, WRONG_CODE, confirm, forgot, other, person};
use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal};

on_both_engines!(
    forgotten_passwords_of_anyone_look_alike,
    wrong_codes_of_anyone_look_alike,
    resending_and_recovering_name_one_address,
    confirming_and_resending_sign_ups_end_alike,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// Users in every state that gets no code, one who does, and two who don't exist; all addresses begin alike.
const NAMES: [&str; 6] = ["jane", "jdisabled", "jinvited", "jsigned", "jnobody@example.com", "jnoone@example.com"];

async fn people(world: &World) {
    for name in ["jane", "jdisabled", "jinvited"] {
        world.user(name, OLD).await;
    }
    world.ask("AdminDisableUser", person(world, "jdisabled")).await.unwrap();
    let temporary = json!({ "UserPoolId": world.pool, "Username": "jinvited", "Password": NEW, "Permanent": false });
    world.ask("AdminSetUserPassword", temporary).await.unwrap();
    let signed_up = json!({
        "ClientId": world.client, "Username": "jsigned", "Password": OLD,
        "UserAttributes": [{ "Name": "email", "Value": "jsigned@example.com" }],
    });
    world.ask("SignUp", signed_up).await.unwrap();
}

/// The answer as bytes would be, and what it left behind: audit rows and budgets, each by a commit that was waited for.
async fn seen(world: &World, operation: &'static str, input: Value) -> (String, i64, i64) {
    let rows = async || {
        let audit = world.count("SELECT COUNT(*) FROM audit").await;
        let spent = world.count("SELECT CAST(COALESCE(SUM(spent), 0) AS BIGINT) FROM budgets").await;
        (audit, spent)
    };
    let before = rows().await;
    let outcome: Result<Value, Fault> = world.ask(operation, input).await;
    let after = rows().await;
    let answer = match outcome {
        Ok(answer) => answer.to_string(),
        Err(fault) => String::from_utf8(fault.body()).unwrap(),
    };
    (answer, after.0 - before.0, after.1 - before.1)
}

async fn forgotten_passwords_of_anyone_look_alike(store: Store) {
    let world = World::new(store).await;
    people(&world).await;
    for name in NAMES {
        let details = json!({ "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": "j***@e***" });
        let expected = json!({ "CodeDeliveryDetails": details }).to_string();
        let found = seen(&world, "ForgotPassword", forgot(&world.client, name)).await;
        assert_eq!(found, (expected, 1, 1), "{name}");
    }
    let sent = async |name: &str| world.messages_to(&format!("{name}@example.com")).await.len();
    assert_eq!((sent("jane").await, sent("jdisabled").await, sent("jinvited").await), (1, 0, 0));
}

async fn wrong_codes_of_anyone_look_alike(store: Store) {
    let world = World::new(store).await;
    people(&world).await;
    world.ask("ForgotPassword", forgot(&world.client, "jane")).await.unwrap();
    let wrong = other(&world.code("jane").await);
    let tries = crate::limits::Budget::ConfirmForgotPassword.tries();
    for name in NAMES {
        for turn in 0..tries + 2 {
            let request = confirm(&world.client, name, &wrong, NEW);
            let found = refusal(world.ask("ConfirmForgotPassword", request).await);
            assert_eq!(found, if turn < tries { WRONG_CODE } else { LIMIT }, "{name}, {turn}");
        }
    }
    let right = confirm(&world.client, "jane", &world.code("jane").await, NEW);
    assert_eq!(refusal(world.ask("ConfirmForgotPassword", right).await), LIMIT, "even the right one");
}

/// If one of them showed a real address and the other a made-up one, asking both would tell who exists.
async fn resending_and_recovering_name_one_address(store: Store) {
    let world = World::new(store).await;
    people(&world).await;
    for name in NAMES.into_iter().chain(["somebody", "another"]) {
        let forgotten = world.ask("ForgotPassword", forgot(&world.client, name)).await.unwrap();
        let resent = world.ask("ResendConfirmationCode", forgot(&world.client, name)).await.unwrap();
        assert_eq!(forgotten, resent, "{name}");
    }
}

async fn confirming_and_resending_sign_ups_end_alike(store: Store) {
    let world = World::new(store).await;
    people(&world).await;
    let wrong = other(&world.code("jsigned").await);
    for name in NAMES {
        let request = json!({ "ClientId": world.client, "Username": name, "ConfirmationCode": wrong });
        for turn in 0..17 {
            let found = refusal(world.ask("ConfirmSignUp", request.clone()).await);
            assert_eq!(found, if turn < 15 { WRONG_CODE } else { LIMIT }, "{name}, {turn}");
        }
        for _ in 0..5 {
            world.ask("ResendConfirmationCode", forgot(&world.client, name)).await.unwrap();
        }
        let refused = refusal(world.ask("ResendConfirmationCode", forgot(&world.client, name)).await);
        assert_eq!(refused, LIMIT, "{name}");
    }
}
