//! Sessions that users and administrators see, on both engines, through the operations.

use std::collections::BTreeSet;
use std::time::Duration;

use common::clock::UnixMillis;
use common::feed::Kind;
use common::ids::{PoolId, Sub};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::model::Session;
use super::rows;
use crate::engines::on_both_engines;
use crate::store::{Batch, Migration, Query, Store};
use crate::world::{World, refusal, text, with};

const PASSWORD: &str = "Correct-Horse-1";
const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36";

on_both_engines!(
    users_see_their_sessions_and_end_the_others,
    administrators_see_from_where_and_end_any,
    the_least_recently_used_make_room,
    sign_ins_at_once_stay_within_the_limit,
    without_tracking_nothing_is_kept_and_nothing_limited,
    a_refresh_is_activity,
    pages_of_a_user_who_has_many,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// A world whose pool tracks sessions, with `jane` and `joan`.
async fn tracking(store: Store, most: u32) -> World {
    let world = World::new(store).await;
    set(&world, "ENABLED", most).await;
    world.user("jane", PASSWORD).await;
    world.user("joan", PASSWORD).await;
    // Later than their passwords, which tokens must be.
    world.clock.advance(Duration::from_secs(1));
    world
}

async fn set(world: &World, tracking: &str, most: u32) {
    let request = json!({
        "UserPoolId": world.pool, "UserSessionTracking": tracking, "TokenSession": { "MaxPerUser": most },
    });
    world.ask("SetUserPoolSessionConfiguration", request).await.unwrap();
}

async fn mine(world: &World, tokens: &Value) -> Vec<Value> {
    let answer = world.ask("ListUserSessions", json!({ "AccessToken": tokens["AccessToken"] })).await.unwrap();
    answer["Sessions"].as_array().unwrap().clone()
}

async fn of(world: &World, name: &str) -> Vec<Value> {
    let request = json!({ "UserPoolId": world.pool, "Username": name });
    world.ask("AdminListUserSessions", request).await.unwrap()["Sessions"].as_array().unwrap().clone()
}

async fn lives(world: &World, tokens: &Value) -> bool {
    world.ask("GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await.is_ok()
}

async fn told(world: &World) -> i64 {
    let query = Query::new("SELECT COUNT(*) FROM feed_log WHERE kind = $1").bind(u32::from(Kind::SESSION_REVOKED.0));
    world.services.store.one(query).await.unwrap().unwrap().int(0).unwrap()
}

async fn users_see_their_sessions_and_end_the_others(store: Store) {
    let world = tracking(store, 20).await;
    let first = world.sign_in("jane", PASSWORD).await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    let second = world.sign_in("jane", PASSWORD).await.unwrap();
    let joan = world.sign_in("joan", PASSWORD).await.unwrap();

    let seen = mine(&world, &second).await;
    assert_eq!(seen.len(), 2);
    let current: Vec<bool> = seen.iter().map(|session| session["IsCurrentSession"].as_bool().unwrap()).collect();
    assert_eq!(current, [true, false], "the newest first");
    let other = &seen[1];
    assert_eq!((text(&other["ClientId"]), text(&other["SessionType"])), (world.client.clone(), "TOKEN".into()));
    assert_eq!(text(&other["LastIPAddress"]), "127.0.0.1");
    assert_eq!(
        (text(&other["DeviceType"]), text(&other["LastLocation"]["Country"])),
        ("unknown".into(), "unknown".into())
    );
    assert!(other["CreateDate"].as_f64() < seen[0]["CreateDate"].as_f64());
    assert!(text(&other["SessionId"]).starts_with("tkn") && text(&other["SessionId"]).len() == 28);
    assert!(other.get("OriginSessionId").is_none());

    let revoke = async |tokens: &Value, id: &str| {
        let request =
            json!({ "AccessToken": tokens["AccessToken"], "SessionId": id, "RevokeAssociatedSessions": "LINKED" });
        world.ask("RevokeUserSession", request).await
    };
    let id = text(&other["SessionId"]);
    let absent = |id: &str| format!("ResourceNotFoundException: Session {id} does not exist.");
    assert_eq!(refusal(revoke(&joan, &id).await), absent(&id), "another user's");
    let own = refusal(revoke(&second, &text(&seen[0]["SessionId"])).await);
    assert_eq!(own, "InvalidParameterException: The session of the access token can't be revoked by itself.");
    for nobodys in ["sso0000000000000000000000000", "tkn0000000000000000000000000", "tknzzzzzzzzzzzzzzzzzzzzzzzzz"] {
        assert_eq!(refusal(revoke(&second, nobodys).await), absent(nobodys));
    }
    assert_eq!(told(&world).await, 0);
    revoke(&second, &id).await.unwrap();
    assert!(!lives(&world, &first).await && lives(&world, &second).await && lives(&world, &joan).await);
    let again = json!({ "ClientId": world.client, "RefreshToken": first["RefreshToken"] });
    let again = refusal(world.ask("GetTokensFromRefreshToken", again).await);
    assert_eq!(again, "NotAuthorizedException: Refresh Token has been revoked");
    assert_eq!((told(&world).await, mine(&world, &second).await.len()), (1, 1));
    assert_eq!(refusal(revoke(&second, &id).await), absent(&id), "once");

    world.ask("GlobalSignOut", json!({ "AccessToken": second["AccessToken"] })).await.unwrap();
    assert_eq!((of(&world, "jane").await.len(), of(&world, "joan").await.len()), (0, 1));
}

async fn administrators_see_from_where_and_end_any(store: Store) {
    let world = tracking(store, 20).await;
    let client = json!({
        "UserPoolId": world.pool, "ClientName": "server", "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"],
        // Such tokens name no session where nothing tracks them.
        "EnableTokenRevocation": false,
    });
    let client = text(&world.ask("CreateUserPoolClient", client).await.unwrap()["UserPoolClient"]["ClientId"]);
    let request = json!({
        "UserPoolId": world.pool, "ClientId": client, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "jane", "PASSWORD": PASSWORD },
        "ContextData": {
            "IpAddress": "192.0.2.7", "ServerName": "s", "ServerPath": "/",
            "HttpHeaders": [{ "headerName": "User-Agent", "headerValue": CHROME }],
        },
    });
    let tokens = world.ask("AdminInitiateAuth", request).await.unwrap()["AuthenticationResult"].clone();
    let sessions = of(&world, "jane").await;
    let session = &sessions[0];
    assert_eq!(
        (text(&session["LastIPAddress"]), text(&session["DeviceType"])),
        ("192.0.2.7".into(), "Chrome 134, Windows".into())
    );
    assert_eq!((session["IsCurrentSession"].as_bool(), text(&session["ClientId"])), (Some(false), client));

    let revoke = |name: &str| json!({ "UserPoolId": world.pool, "Username": name, "SessionId": session["SessionId"] });
    let refused = refusal(world.ask("AdminRevokeUserSession", revoke("joan")).await);
    assert_eq!(refused, format!("ResourceNotFoundException: Session {} does not exist.", text(&session["SessionId"])));
    let refused = refusal(world.ask("AdminRevokeUserSession", revoke("nobody")).await);
    assert_eq!(refused, "UserNotFoundException: User does not exist.");
    assert!(lives(&world, &tokens).await);
    world.ask("AdminRevokeUserSession", revoke("jane")).await.unwrap();
    assert!(!lives(&world, &tokens).await && of(&world, "jane").await.is_empty());
    let forged = json!({ "UserPoolId": world.pool, "Username": "jane", "NextToken": "forged" });
    let forged = refusal(world.ask("AdminListUserSessions", forged).await);
    assert!(forged.starts_with("InvalidParameterException: Paging marker forged is invalid"), "{forged}");
}

async fn the_least_recently_used_make_room(store: Store) {
    let world = tracking(store, 3).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(world.sign_in("jane", PASSWORD).await.unwrap());
        world.clock.advance(Duration::from_secs(60));
    }
    // The oldest is used, so the second is the one that was used least recently.
    let refresh = json!({ "ClientId": world.client, "RefreshToken": tokens[0]["RefreshToken"] });
    world.ask("GetTokensFromRefreshToken", refresh).await.unwrap();
    tokens.push(world.sign_in("jane", PASSWORD).await.unwrap());
    let living = async |tokens: &[Value]| {
        let mut living = Vec::new();
        for one in tokens {
            living.push(lives(&world, one).await);
        }
        living
    };
    assert_eq!(living(&tokens).await, [true, false, true, true]);
    assert_eq!(told(&world).await, 1);
    // A lower limit ends nothing by itself; the next sign-in does.
    set(&world, "ENABLED", 1).await;
    assert_eq!(of(&world, "jane").await.len(), 3);
    world.clock.advance(Duration::from_secs(60));
    tokens.push(world.sign_in("jane", PASSWORD).await.unwrap());
    assert_eq!(living(&tokens).await, [false, false, false, false, true]);
    assert_eq!((told(&world).await, of(&world, "jane").await.len()), (4, 1));
}

async fn sign_ins_at_once_stay_within_the_limit(store: Store) {
    let world = tracking(store, 2).await;
    let outcomes = join_all((0..5).map(|_| world.sign_in("jane", PASSWORD))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let mut living = 0;
    for tokens in outcomes.iter().flatten() {
        living += u32::from(lives(&world, tokens).await);
    }
    assert_eq!((living, of(&world, "jane").await.len()), (2, 2));
}

async fn without_tracking_nothing_is_kept_and_nothing_limited(store: Store) {
    let world = tracking(store, 2).await;
    set(&world, "DISABLED", 1).await;
    let first = world.sign_in("jane", PASSWORD).await.unwrap();
    let second = world.sign_in("jane", PASSWORD).await.unwrap();
    assert!(lives(&world, &first).await && lives(&world, &second).await);
    assert_eq!(world.count("SELECT COUNT(*) FROM sessions WHERE address IS NOT NULL").await, 0);
    let said = "OperationNotEnabledException: User session tracking is not enabled for this user pool.";
    let (token, id) = (json!({ "AccessToken": second["AccessToken"] }), "tkn0000000000000000000000000");
    let admin = json!({ "UserPoolId": world.pool, "Username": "jane" });
    for (operation, request) in [
        ("ListUserSessions", token.clone()),
        ("RevokeUserSession", with(&token, json!({ "SessionId": id }))),
        ("AdminListUserSessions", admin.clone()),
        ("AdminRevokeUserSession", with(&admin, json!({ "SessionId": id }))),
    ] {
        assert_eq!(refusal(world.ask(operation, request).await), said, "{operation}");
    }
    // Where it is switched on again, they are there, and known to be from before.
    set(&world, "ENABLED", 20).await;
    let sessions = mine(&world, &second).await;
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().all(|session| session.get("LastIPAddress").is_none()));
}

async fn a_refresh_is_activity(store: Store) {
    let world = tracking(store, 20).await;
    let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
    let before = of(&world, "jane").await[0].clone();
    assert_eq!(before["LastActiveDate"], before["CreateDate"]);
    world.clock.advance(Duration::from_secs(600));
    let refresh = json!({ "ClientId": world.client, "RefreshToken": tokens["RefreshToken"] });
    world.ask("GetTokensFromRefreshToken", refresh).await.unwrap();
    let after = of(&world, "jane").await[0].clone();
    assert_eq!((&after["SessionId"], &after["CreateDate"]), (&before["SessionId"], &before["CreateDate"]));
    assert_eq!(after["LastActiveDate"].as_f64().unwrap() - before["LastActiveDate"].as_f64().unwrap(), 600.0);
}

async fn pages_of_a_user_who_has_many(store: Store) {
    let world = tracking(store, 20).await;
    let pool = PoolId::parse(world.pool.as_str()).unwrap();
    let sub = world.ask("AdminGetUser", json!({ "UserPoolId": world.pool, "Username": "jane" })).await.unwrap();
    let sub = Sub::parse(text(&sub["UserAttributes"][0]["Value"])).unwrap();
    let mut batch = Batch::new();
    for n in 0..130_u8 {
        batch.add(rows::insert(&Session {
            pool: pool.clone(),
            sub: sub.clone(),
            origin_jti: uuid::Uuid::from_u128(u128::from(n)).to_string(),
            refresh_digest: [n; 32],
            // Some of one instant.
            minted: UnixMillis(world.now().0 + 1 + u64::from(n / 10)),
            expires: world.now().plus(Duration::from_secs(3_600)),
            ..Session::sample()
        }));
    }
    world.services.store.commit(batch).await.unwrap();
    let request = json!({ "UserPoolId": world.pool, "Username": "jane" });
    let first = world.ask("AdminListUserSessions", request.clone()).await.unwrap();
    let next = with(&request, json!({ "NextToken": first["NextToken"] }));
    let second = world.ask("AdminListUserSessions", next).await.unwrap();
    let ids = |page: &Value| -> BTreeSet<String> {
        page["Sessions"].as_array().unwrap().iter().map(|session| text(&session["SessionId"])).collect()
    };
    assert_eq!((ids(&first).len(), ids(&second).len()), (125, 5));
    assert!(ids(&first).is_disjoint(&ids(&second)) && second.get("NextToken").is_none());
}
