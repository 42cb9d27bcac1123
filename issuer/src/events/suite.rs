//! The record of what users did, on both engines, through the operations.

use std::collections::BTreeSet;
use std::time::Duration;

use common::ids::PoolId;
use serde_json::{Value, json};

use super::{feedback, rows};
use crate::engines::on_both_engines;
use crate::pools;
use crate::store::{Batch, Migration, Statement, Store};
use crate::users;
use crate::world::{World, refusal, text, with};

const PASSWORD: &str = "Correct-Horse-1";
const OTHER: &str = "Another-Horse-2";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:136.0) Gecko/20100101 Firefox/136.0";

on_both_engines!(
    what_users_do_is_recorded,
    a_second_factor_is_an_answer,
    where_the_user_is_by_a_servers_word,
    pools_without_it_record_nothing,
    the_newest_are_kept,
    administrators_say_what_it_was,
    users_say_so_by_a_token,
    pages,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn recording(store: Store) -> World {
    let add_ons = json!({ "UserPoolAddOns": { "AdvancedSecurityMode": "AUDIT" } });
    let world = World::with_pool(store, add_ons).await;
    world.user("jane", PASSWORD).await;
    world
}

async fn events(world: &World, name: &str) -> Vec<Value> {
    let request = json!({ "UserPoolId": world.pool, "Username": name });
    world.ask("AdminListUserAuthEvents", request).await.unwrap()["AuthEvents"].as_array().unwrap().clone()
}

/// Kind, response, and what was answered: the oldest first.
async fn told(world: &World, name: &str) -> Vec<String> {
    let say = |event: &Value| {
        let challenges = event["ChallengeResponses"].as_array().unwrap().iter();
        let challenges: Vec<String> = challenges
            .map(|one| format!(" {} {}", text(&one["ChallengeName"]), text(&one["ChallengeResponse"])))
            .collect();
        format!("{} {}{}", text(&event["EventType"]), text(&event["EventResponse"]), challenges.concat())
    };
    events(world, name).await.iter().rev().map(say).collect()
}

async fn what_users_do_is_recorded(store: Store) {
    let world = recording(store).await;
    let step = || world.clock.advance(Duration::from_millis(10));
    let up = json!({
        "ClientId": world.client, "Username": "june", "Password": PASSWORD,
        "UserAttributes": [{ "Name": "email", "Value": "june@example.com" }],
    });
    world.ask("SignUp", up).await.unwrap();
    step();
    world.ask("ResendConfirmationCode", json!({ "ClientId": world.client, "Username": "june" })).await.unwrap();
    step();
    assert!(world.sign_in("june", PASSWORD).await.is_err(), "not confirmed");
    assert_eq!(told(&world, "june").await, ["SignUp Pass", "ResendCode Pass", "SignIn Fail Password Success"]);

    step();
    assert!(world.sign_in("jane", OTHER).await.is_err());
    step();
    let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
    step();
    let change = |previous: &str| {
        json!({
            "AccessToken": tokens["AccessToken"], "PreviousPassword": previous, "ProposedPassword": OTHER,
        })
    };
    assert!(world.ask("ChangePassword", change(OTHER)).await.is_err());
    step();
    world.ask("ChangePassword", change(PASSWORD)).await.unwrap();
    step();
    world.ask("ForgotPassword", json!({ "ClientId": world.client, "Username": "jane" })).await.unwrap();
    step();
    let confirm = |code: &str| {
        json!({
            "ClientId": world.client, "Username": "jane", "ConfirmationCode": code, "Password": PASSWORD,
        })
    };
    let code = world.code("jane").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert!(world.ask("ConfirmForgotPassword", confirm(wrong)).await.is_err());
    step();
    world.ask("ConfirmForgotPassword", confirm(&code)).await.unwrap();
    let seen = told(&world, "jane").await;
    assert_eq!(
        seen,
        [
            "SignIn Fail Password Failure",
            "SignIn Pass Password Success",
            "PasswordChange Fail",
            "PasswordChange Pass",
            "ForgotPassword InProgress",
            "ForgotPassword Fail",
            "ForgotPassword Pass",
        ]
    );
    let newest = events(&world, "jane").await[0].clone();
    assert_eq!(newest["EventContextData"], json!({ "DeviceName": "unknown", "IpAddress": "127.0.0.1" }));
    assert_eq!((&newest["EventRisk"], newest.get("EventFeedback")), (&json!({ "RiskDecision": "NoRisk" }), None));

    // A challenge on the way.
    let invited = json!({ "UserPoolId": world.pool, "Username": "jill", "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS" });
    world.ask("AdminCreateUser", invited).await.unwrap();
    world.sign_in("jill", PASSWORD).await.unwrap();
    assert_eq!(told(&world, "jill").await, ["SignIn InProgress Password Success"]);
    // Nobody's failures are nobody's.
    let before = world.count("SELECT COUNT(*) FROM auth_events").await;
    assert!(world.sign_in("nobody", PASSWORD).await.is_err());
    assert_eq!(world.count("SELECT COUNT(*) FROM auth_events").await, before);
}

async fn a_second_factor_is_an_answer(store: Store) {
    let world = recording(store).await;
    let mail = json!({ "Message": "Code {####}", "Subject": "Sign in" });
    let factors = json!({ "UserPoolId": world.pool, "MfaConfiguration": "OPTIONAL", "EmailMfaConfiguration": mail });
    world.ask("SetUserPoolMfaConfig", factors).await.unwrap();
    let by_mail = json!({ "UserPoolId": world.pool, "Username": "jane", "EmailMfaSettings": { "Enabled": true } });
    world.ask("AdminSetUserMFAPreference", by_mail).await.unwrap();
    let begin = json!({
        "ClientId": world.client, "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "jane", "PASSWORD": PASSWORD },
    });
    world.clock.advance(Duration::from_millis(10));
    let asked = world.ask("InitiateAuth", begin).await.unwrap();
    let code = world.code("jane").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for (code, right) in [(wrong, false), (code.as_str(), true)] {
        world.clock.advance(Duration::from_millis(10));
        let answer = json!({
            "ClientId": world.client, "ChallengeName": "EMAIL_OTP", "Session": asked["Session"],
            "ChallengeResponses": { "USERNAME": "jane", "EMAIL_OTP_CODE": code },
        });
        assert_eq!(world.ask("RespondToAuthChallenge", answer).await.is_ok(), right);
    }
    assert_eq!(
        told(&world, "jane").await,
        [
            "SignIn InProgress Password Success",
            "SignIn Fail Password Success Mfa Failure",
            "SignIn Pass Password Success Mfa Success",
        ]
    );
}

async fn where_the_user_is_by_a_servers_word(store: Store) {
    let world = recording(store).await;
    let client = json!({ "UserPoolId": world.pool, "ClientName": "server", "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"] });
    let client = text(&world.ask("CreateUserPoolClient", client).await.unwrap()["UserPoolClient"]["ClientId"]);
    let request = json!({
        "UserPoolId": world.pool, "ClientId": client, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "jane", "PASSWORD": OTHER },
        "ContextData": {
            "IpAddress": "2001:db8::7", "ServerName": "s", "ServerPath": "/",
            "HttpHeaders": [{ "headerName": "user-agent", "headerValue": FIREFOX }],
        },
    });
    assert!(world.ask("AdminInitiateAuth", request).await.is_err());
    let seen = events(&world, "jane").await[0]["EventContextData"].clone();
    assert_eq!(seen, json!({ "DeviceName": "Firefox 136, Linux", "IpAddress": "2001:db8::7" }));

    world.clock.advance(Duration::from_millis(10));
    // A client may say so if it has proven a secret and is set to.
    let own = json!({ "USERNAME": "jane", "PASSWORD": PASSWORD });
    let request = |client: &str, parameters: &Value| {
        json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
            "UserContextData": { "IpAddress": "192.0.2.9" },
        })
    };
    world.ask("InitiateAuth", request(&world.client, &own)).await.unwrap();
    assert_eq!(events(&world, "jane").await[0]["EventContextData"]["IpAddress"], "127.0.0.1");
    for (propagates, address) in [(true, "192.0.2.9"), (false, "127.0.0.1")] {
        let made = json!({
            "UserPoolId": world.pool, "ClientName": "web", "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
            "GenerateSecret": true, "EnablePropagateAdditionalUserContextData": propagates,
        });
        let made = world.ask("CreateUserPoolClient", made).await.unwrap()["UserPoolClient"].clone();
        let id = common::ids::ClientId::parse(text(&made["ClientId"])).unwrap();
        let secret = common::secret::SecretString::new(text(&made["ClientSecret"]));
        let hash = crate::passwords::secret_hash(&secret, "jane", &id);
        let parameters = with(&own, json!({ "SECRET_HASH": hash }));
        world.clock.advance(Duration::from_millis(10));
        world.ask("InitiateAuth", request(id.as_str(), &parameters)).await.unwrap();
        assert_eq!(events(&world, "jane").await[0]["EventContextData"]["IpAddress"], address);
    }
}

async fn pools_without_it_record_nothing(store: Store) {
    let world = World::with_pool(store, json!({ "UserPoolAddOns": { "AdvancedSecurityMode": "OFF" } })).await;
    world.user("jane", PASSWORD).await;
    world.sign_in("jane", PASSWORD).await.unwrap();
    assert!(world.sign_in("jane", OTHER).await.is_err());
    assert_eq!(world.count("SELECT COUNT(*) FROM auth_events").await, 0);
    let base = json!({ "UserPoolId": world.pool, "Username": "jane" });
    let feedback = with(&base, json!({ "EventId": "e", "FeedbackValue": "Valid" }));
    let said =
        format!("UserPoolAddOnNotEnabledException: Threat protection is not enabled for user pool {}.", world.pool);
    for (operation, request) in [
        ("AdminListUserAuthEvents", base),
        ("AdminUpdateAuthEventFeedback", feedback.clone()),
        ("UpdateAuthEventFeedback", with(&feedback, json!({ "FeedbackToken": "x" }))),
    ] {
        assert_eq!(refusal(world.ask(operation, request).await), said, "{operation}");
    }
    // It can be switched on, and ENFORCED records as AUDIT does.
    let on = json!({ "UserPoolId": world.pool, "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" } });
    world.ask("UpdateUserPool", on).await.unwrap();
    world.sign_in("jane", PASSWORD).await.unwrap();
    assert_eq!(told(&world, "jane").await, ["SignIn Pass Password Success"]);
}

async fn the_newest_are_kept(store: Store) {
    let world = recording(store).await;
    let sub = world.ask("AdminGetUser", json!({ "UserPoolId": world.pool, "Username": "jane" })).await.unwrap();
    let sub = text(&sub["UserAttributes"][0]["Value"]);
    let mut batch = Batch::new();
    for n in 0..rows::MOST + 20 {
        let insert = Statement::new(
            "INSERT INTO auth_events (pool, sub, id, at, kind, response, challenges, address)
             VALUES ($1, $2, $3, $4, 'SignIn', 'Pass', '', '192.0.2.1')",
        );
        batch.add(insert.bind(world.pool.as_str()).bind(sub.as_str()).bind(format!("0000{n:04}")).bind(n));
    }
    world.services.store.commit(batch).await.unwrap();
    world.sign_in("jane", PASSWORD).await.unwrap();
    let most = i64::try_from(rows::MOST).unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM auth_events").await, most);
    assert_eq!(world.count("SELECT COUNT(*) FROM auth_events WHERE id <= '00000020'").await, 0, "the oldest went");
    let mut batch = Batch::new();
    batch.add(rows::prune(world.now()));
    world.services.store.commit(batch).await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM auth_events").await, 1, "the others are old");
}

async fn administrators_say_what_it_was(store: Store) {
    let world = recording(store).await;
    world.sign_in("jane", PASSWORD).await.unwrap();
    let id = text(&events(&world, "jane").await[0]["EventId"]);
    let give = async |id: &str, value: &str| {
        let request = json!({ "UserPoolId": world.pool, "Username": "jane", "EventId": id, "FeedbackValue": value });
        world.ask("AdminUpdateAuthEventFeedback", request).await
    };
    for value in ["Invalid", "Valid"] {
        give(&id, value).await.unwrap();
        let seen = events(&world, "jane").await[0]["EventFeedback"].clone();
        assert_eq!((text(&seen["FeedbackValue"]), text(&seen["Provider"])), (value.into(), "Admin".into()));
        assert!(seen["FeedbackDate"].is_number());
    }
    assert_eq!(refusal(give("none", "Valid").await), "ResourceNotFoundException: Event none does not exist.");
}

async fn users_say_so_by_a_token(store: Store) {
    let world = recording(store).await;
    world.user("joan", PASSWORD).await;
    world.sign_in("jane", PASSWORD).await.unwrap();
    let id = text(&events(&world, "jane").await[0]["EventId"]);
    let pool_id = PoolId::parse(world.pool.as_str()).unwrap();
    let pool = pools::find(&world.services.store, &pool_id).await.unwrap();
    let key = world.services.pool_keys.key(&pool_id).await.unwrap();
    let token = async |name: &str, event: &str| {
        let user = users::by_name(&world.services.store, &pool, name).await.unwrap().unwrap();
        feedback::token(&key, &user, event).expose().to_owned()
    };
    let give = async |name: &str, token: &str, event: &str| {
        let request = json!({
            "UserPoolId": world.pool, "Username": name, "EventId": event, "FeedbackToken": token, "FeedbackValue": "Invalid",
        });
        world.ask("UpdateAuthEventFeedback", request).await
    };
    let good = token("jane", &id).await;
    let invalid = "NotAuthorizedException: Invalid feedback token.";
    for (name, token, event) in [
        ("jane", "x", id.as_str()),
        ("jane", &token("joan", &id).await, &id),
        ("jane", &token("jane", "other").await, &id),
        ("jane", &good, "other"),
        ("joan", &good, &id),
        ("nobody", &good, &id),
    ] {
        assert_eq!(refusal(give(name, token, event).await), invalid, "{name} {event}");
    }
    assert!(events(&world, "jane").await[0].get("EventFeedback").is_none());
    give("jane", &good, &id).await.unwrap();
    let seen = events(&world, "jane").await[0]["EventFeedback"].clone();
    assert_eq!((text(&seen["FeedbackValue"]), text(&seen["Provider"])), ("Invalid".into(), "User".into()));
    let gone = give("jane", &token("jane", "gone").await, "gone").await;
    assert_eq!(refusal(gone), "ResourceNotFoundException: Event gone does not exist.");
}

async fn pages(store: Store) {
    let world = recording(store).await;
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(1));
        world.sign_in("jane", PASSWORD).await.unwrap();
    }
    let base = json!({ "UserPoolId": world.pool, "Username": "jane", "MaxResults": 2 });
    let (mut seen, mut dates, mut next) = (BTreeSet::new(), Vec::new(), Value::Null);
    for wanted in [2, 2, 1] {
        let request = if next.is_null() { base.clone() } else { with(&base, json!({ "NextToken": next })) };
        let page = world.ask("AdminListUserAuthEvents", request).await.unwrap();
        let events = page["AuthEvents"].as_array().unwrap();
        assert_eq!(events.len(), wanted);
        seen.extend(events.iter().map(|event| text(&event["EventId"])));
        dates.extend(events.iter().map(|event| event["CreationDate"].as_f64().unwrap()));
        next = page["NextToken"].clone();
    }
    assert!(next.is_null() && seen.len() == 5 && dates.is_sorted_by(|a, b| a > b));
    let all = world.ask("AdminListUserAuthEvents", with(&base, json!({ "MaxResults": 0 }))).await.unwrap();
    assert_eq!(all["AuthEvents"].as_array().unwrap().len(), 5);
}
