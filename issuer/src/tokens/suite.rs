//! Refreshing on both engines, through the operations, at times that the test sets.

use std::time::Duration;

use common::clock::UnixMillis;
use common::feed::Kind;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::sessions::grace::{Ran, close};
use crate::store::{Batch, Migration, Query, Statement, Store};
use crate::world::{World, refusal, text};

const PASSWORD: &str = "Correct-Horse-1";
const REUSED: &str = "RefreshTokenReuseException: Refresh Token has been reused";
const REVOKED: &str = "NotAuthorizedException: Refresh Token has been revoked";
const INVALID: &str = "NotAuthorizedException: Invalid Refresh Token.";
const MANY: usize = 16;

on_both_engines!(
    each_use_gives_another_token_and_the_end_stays,
    without_rotation_the_token_stays,
    without_grace_one_of_many_succeeds_and_the_family_dies,
    in_the_grace_everyone_gets_the_same_successor,
    a_grace_ends_and_its_token_ends_the_family,
    an_older_token_ends_the_family_also_in_the_grace,
    clocks_that_go_back_revive_nothing,
    a_call_that_was_kept_waiting_is_no_reuse,
    tokens_of_before_rotation_can_be_rotated,
    rotation_that_is_turned_off_keeps_the_present_token,
    any_token_of_a_family_revokes_it,
    sign_out_and_disabling_end_families,
    what_is_not_the_clients_or_not_a_token_is_refused,
    the_secret_itself_is_asked_for,
    a_restored_row_gives_nothing_to_tokens_that_it_does_not_know,
    reuse_is_in_the_audit_record,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// A world with one user, and a client whose refresh tokens are rotated.
struct Rotating {
    world: World,
    client: String,
}

impl Rotating {
    async fn new(store: Store, grace: u32) -> Self {
        let world = World::new(store).await;
        world.user("jane", PASSWORD).await;
        let client = client(&world, json!({ "Feature": "ENABLED", "RetryGracePeriodSeconds": grace })).await;
        Self { world, client }
    }

    async fn sign_in(&self) -> Tokens {
        sign_in(&self.world, &self.client).await
    }

    async fn renew(&self, token: &str) -> Result<Tokens, String> {
        renew(&self.world, &self.client, token).await
    }

    /// Whether the issuer takes an access token.
    async fn lives(&self, tokens: &Tokens) -> bool {
        self.world.ask("GetUser", json!({ "AccessToken": tokens.access })).await.is_ok()
    }

    fn set(&self, seconds_since_start: i64, start: UnixMillis) {
        let now = i64::try_from(start.0).unwrap() + seconds_since_start * 1_000;
        self.world.clock.set(UnixMillis(u64::try_from(now).unwrap()));
    }

    /// What every issuer does once a second.
    async fn close(&self) {
        let (now, took) = (self.world.now(), Duration::from_secs(1));
        close(&self.world.services.store, Ran { from: now.minus(took), to: now, took }).await.unwrap();
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Tokens {
    access: String,
    /// Empty where there was none.
    refresh: String,
}

impl Tokens {
    fn of(result: &Value) -> Self {
        Self {
            access: text(&result["AccessToken"]),
            refresh: result["RefreshToken"].as_str().unwrap_or_default().into(),
        }
    }
}

async fn client(world: &World, rotation: Value) -> String {
    let request = json!({
        "UserPoolId": world.pool, "ClientName": "rotating", "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        "RefreshTokenRotation": rotation, "RefreshTokenValidity": 1,
    });
    let made = world.ask("CreateUserPoolClient", request).await.unwrap();
    assert_eq!(made["UserPoolClient"]["RefreshTokenRotation"], rotation);
    text(&made["UserPoolClient"]["ClientId"])
}

async fn sign_in(world: &World, client: &str) -> Tokens {
    let parameters = json!({ "USERNAME": "jane", "PASSWORD": PASSWORD });
    let request = json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    Tokens::of(&world.ask("InitiateAuth", request).await.unwrap()["AuthenticationResult"])
}

async fn renew(world: &World, client: &str, token: &str) -> Result<Tokens, String> {
    let request = json!({ "ClientId": client, "RefreshToken": token });
    match world.ask("GetTokensFromRefreshToken", request).await {
        Ok(answer) => Ok(Tokens::of(&answer["AuthenticationResult"])),
        refused => Err(refusal(refused)),
    }
}

async fn by_flow(world: &World, client: &str, token: &str) -> Result<Tokens, String> {
    let parameters = json!({ "REFRESH_TOKEN": token });
    let request = json!({ "ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters });
    match world.ask("InitiateAuth", request).await {
        Ok(answer) => Ok(Tokens::of(&answer["AuthenticationResult"])),
        refused => Err(refusal(refused)),
    }
}

async fn change(world: &World, statement: Statement) {
    let mut batch = Batch::new();
    batch.add(statement);
    world.services.store.commit(batch).await.unwrap();
}

async fn each_use_gives_another_token_and_the_end_stays(store: Store) {
    let it = Rotating::new(store, 0).await;
    let start = it.world.now();
    let mut tokens = vec![it.sign_in().await];
    for turn in 1..=5 {
        it.set(turn * 3_600, start);
        let next = it.renew(&tokens.last().unwrap().refresh).await.unwrap();
        assert!(!tokens.iter().any(|earlier| earlier.refresh == next.refresh || earlier.access == next.access));
        tokens.push(next);
    }
    let refused = by_flow(&it.world, &it.client, &tokens[5].refresh).await.unwrap_err();
    assert_eq!(refused, "InvalidParameterException: REFRESH_TOKEN_AUTH flow not enabled for this client");
    // A day after the sign-in, however young the token is.
    it.set(86_400, start);
    let refused = it.renew(&tokens[5].refresh).await.unwrap_err();
    assert_eq!(refused, "NotAuthorizedException: Refresh Token has expired");
    it.set(86_399, start);
    it.renew(&tokens[5].refresh).await.unwrap();
}

async fn without_rotation_the_token_stays(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let off = client(&world, json!({ "Feature": "DISABLED", "RetryGracePeriodSeconds": 10 })).await;
    for client in [&world.client, &off] {
        let first = sign_in(&world, client).await;
        for _ in 0..3 {
            let again = renew(&world, client, &first.refresh).await.unwrap();
            assert_eq!(again.refresh, "", "no new refresh token");
            assert_ne!(again.access, first.access);
        }
    }
    let first = sign_in(&world, &world.client).await;
    assert_eq!(by_flow(&world, &world.client, &first.refresh).await.unwrap().refresh, "");
}

async fn without_grace_one_of_many_succeeds_and_the_family_dies(store: Store) {
    let it = Rotating::new(store, 0).await;
    let first = it.sign_in().await;
    let outcomes = join_all((0..MANY).map(|_| it.renew(&first.refresh))).await;
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, MANY - 1));
    assert!(lost.iter().all(|refused| *refused == Err(REUSED.to_owned())), "{lost:?}");
    let winner = won.into_iter().next().unwrap().unwrap();
    assert_eq!(it.renew(&winner.refresh).await, Err(REVOKED.to_owned()), "the successor too");
    assert_eq!(it.renew(&first.refresh).await, Err(REUSED.to_owned()), "and always");
    assert!(!it.lives(&winner).await && !it.lives(&first).await, "and what came from it");
    let told = Query::new("SELECT COUNT(*) FROM feed_log WHERE kind = $1").bind(u32::from(Kind::SESSION_REVOKED.0));
    let told = it.world.services.store.one(told).await.unwrap().unwrap();
    assert_eq!(told.int(0).unwrap(), 1, "the edges were told once");
    assert!(it.lives(&it.sign_in().await).await, "another sign-in is another family");
}

async fn in_the_grace_everyone_gets_the_same_successor(store: Store) {
    let it = Rotating::new(store, 10).await;
    let first = it.sign_in().await;
    let outcomes = join_all((0..MANY).map(|_| it.renew(&first.refresh))).await;
    let tokens: Vec<Tokens> = outcomes.into_iter().map(Result::unwrap).collect();
    let successor = &tokens[0].refresh;
    assert!(tokens.iter().all(|tokens| tokens.refresh == *successor) && *successor != first.refresh);
    it.world.clock.advance(Duration::from_millis(9_999));
    it.close().await;
    assert_eq!(it.renew(&first.refresh).await.unwrap().refresh, *successor);
    assert_ne!(it.renew(successor).await.unwrap().refresh, *successor);
}

async fn a_grace_ends_and_its_token_ends_the_family(store: Store) {
    let it = Rotating::new(store, 10).await;
    let first = it.sign_in().await;
    let second = it.renew(&first.refresh).await.unwrap();
    it.world.clock.advance(Duration::from_secs(10));
    assert_eq!(it.renew(&first.refresh).await, Err(REUSED.to_owned()));
    assert_eq!(it.renew(&second.refresh).await, Err(REVOKED.to_owned()));
}

async fn an_older_token_ends_the_family_also_in_the_grace(store: Store) {
    let it = Rotating::new(store, 60).await;
    let mut tokens = vec![it.sign_in().await];
    for _ in 0..3 {
        tokens.push(it.renew(&tokens.last().unwrap().refresh).await.unwrap());
    }
    // Two back, and not the first: nothing is stored of it.
    assert_eq!(it.renew(&tokens[1].refresh).await, Err(REUSED.to_owned()));
    for token in &tokens[..3] {
        assert_eq!(it.renew(&token.refresh).await.unwrap_err(), if token == &tokens[2] { REVOKED } else { REUSED });
    }
    assert_eq!(it.renew(&tokens[3].refresh).await, Err(REVOKED.to_owned()));
}

async fn clocks_that_go_back_revive_nothing(store: Store) {
    let it = Rotating::new(store, 10).await;
    let start = it.world.now();
    // Back to before the rotation.
    let first = it.sign_in().await;
    let second = it.renew(&first.refresh).await.unwrap();
    it.set(-300, start);
    assert_eq!(it.renew(&first.refresh).await, Err(REUSED.to_owned()));
    it.set(0, start);
    assert_eq!(it.renew(&second.refresh).await, Err(REVOKED.to_owned()), "what was refused stays refused");

    // Back into a grace that was over.
    it.set(100, start);
    let first = it.sign_in().await;
    let second = it.renew(&first.refresh).await.unwrap();
    it.set(160, start);
    it.close().await;
    it.set(101, start);
    assert_eq!(it.renew(&first.refresh).await, Err(REUSED.to_owned()));
    assert_eq!(it.renew(&second.refresh).await, Err(REVOKED.to_owned()));
}

/// It arrived seconds before the call that rotated the token, and is looked at after it.
async fn a_call_that_was_kept_waiting_is_no_reuse(store: Store) {
    let it = Rotating::new(store, 10).await;
    let arrived = it.world.now();
    let first = it.sign_in().await;
    it.world.clock.advance(Duration::from_secs(5));
    let second = it.renew(&first.refresh).await.unwrap();
    let request = json!({ "ClientId": it.client, "RefreshToken": first.refresh });
    let late = it.world.ask_at(arrived, "GetTokensFromRefreshToken", request).await.unwrap();
    assert_eq!(late["AuthenticationResult"]["RefreshToken"], second.refresh);
}

async fn tokens_of_before_rotation_can_be_rotated(store: Store) {
    let it = Rotating::new(store, 0).await;
    // The session as the issuer before this one wrote it: that one made the same first tokens.
    let first = it.sign_in().await;
    assert_eq!(first.refresh.len(), 44);
    let second = it.renew(&first.refresh).await.unwrap();
    let third = it.renew(&second.refresh).await.unwrap();
    assert_eq!(it.renew(&first.refresh).await, Err(REUSED.to_owned()), "the first one is still known");
    assert_eq!(it.renew(&third.refresh).await, Err(REVOKED.to_owned()));
}

async fn rotation_that_is_turned_off_keeps_the_present_token(store: Store) {
    let it = Rotating::new(store, 0).await;
    let first = it.sign_in().await;
    let second = it.renew(&first.refresh).await.unwrap();
    let off = r#"{"enable_token_revocation":true,"refresh_token_validity":1}"#;
    change(&it.world, Statement::new("UPDATE clients SET settings = $1 WHERE name = 'rotating'").bind(off)).await;
    for _ in 0..2 {
        assert_eq!(it.renew(&second.refresh).await.unwrap().refresh, "");
        assert_eq!(by_flow(&it.world, &it.client, &second.refresh).await.unwrap().refresh, "");
    }
    assert_eq!(by_flow(&it.world, &it.client, &first.refresh).await, Err(REUSED.to_owned()));
    assert_eq!(it.renew(&second.refresh).await, Err(REVOKED.to_owned()));
}

async fn any_token_of_a_family_revokes_it(store: Store) {
    let it = Rotating::new(store, 0).await;
    for which in 0..3 {
        let first = it.sign_in().await;
        let second = it.renew(&first.refresh).await.unwrap();
        let third = it.renew(&second.refresh).await.unwrap();
        let chosen = [&first, &second, &third][which];
        for _ in 0..2 {
            let revoke = json!({ "ClientId": it.client, "Token": chosen.refresh });
            it.world.ask("RevokeToken", revoke).await.unwrap();
        }
        assert_eq!(it.renew(&third.refresh).await, Err(REVOKED.to_owned()), "by token {which}");
        assert!(!it.lives(&third).await);
    }
    for unknown in ["nonsense", &"r".repeat(92), &"A".repeat(44)] {
        it.world.ask("RevokeToken", json!({ "ClientId": it.client, "Token": unknown })).await.unwrap();
    }
}

async fn sign_out_and_disabling_end_families(store: Store) {
    let it = Rotating::new(store, 60).await;
    let person = json!({ "UserPoolId": it.world.pool, "Username": "jane" });
    for (operation, by_token) in [("GlobalSignOut", true), ("AdminUserGlobalSignOut", false)] {
        let first = it.sign_in().await;
        let second = it.renew(&first.refresh).await.unwrap();
        let request = if by_token { json!({ "AccessToken": second.access }) } else { person.clone() };
        it.world.ask(operation, request).await.unwrap();
        for token in [&first, &second] {
            assert_eq!(it.renew(&token.refresh).await, Err(REVOKED.to_owned()), "{operation}");
        }
        assert!(!it.lives(&second).await);
    }
    let first = it.sign_in().await;
    it.world.ask("AdminDisableUser", person).await.unwrap();
    assert_eq!(it.renew(&first.refresh).await, Err("NotAuthorizedException: User is disabled.".to_owned()));
}

async fn what_is_not_the_clients_or_not_a_token_is_refused(store: Store) {
    let it = Rotating::new(store, 0).await;
    let other = client(&it.world, json!({ "Feature": "ENABLED", "RetryGracePeriodSeconds": 0 })).await;
    let first = it.sign_in().await;
    let second = it.renew(&first.refresh).await.unwrap();
    for token in [&first.refresh, &second.refresh] {
        assert_eq!(renew(&it.world, &other, token).await, Err(INVALID.to_owned()), "another client's token");
    }
    for nonsense in ["nonsense", &"r".repeat(92), &first.access, &second.refresh[..91]] {
        assert_eq!(it.renew(nonsense).await, Err(INVALID.to_owned()), "{nonsense}");
    }
    it.renew(&second.refresh).await.expect("none of that was a use of the token");
}

async fn the_secret_itself_is_asked_for(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let request = json!({
        "UserPoolId": world.pool, "ClientName": "secret", "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        "GenerateSecret": true, "RefreshTokenRotation": { "Feature": "ENABLED" },
    });
    let made = world.ask("CreateUserPoolClient", request).await.unwrap()["UserPoolClient"].clone();
    let (id, secret) = (text(&made["ClientId"]), text(&made["ClientSecret"]));
    // Its sign-in needs a hash of the secret, which is not the business here: the session is of another client, and made over.
    let first = sign_in(&world, &world.client).await;
    change(&world, Statement::new("UPDATE sessions SET client = $1").bind(id.as_str())).await;
    for wrong in [json!(null), json!("w".repeat(24)), json!(secret.to_uppercase())] {
        let mut request = json!({ "ClientId": id, "RefreshToken": first.refresh });
        if !wrong.is_null() {
            request["ClientSecret"] = wrong;
        }
        let refused = refusal(world.ask("GetTokensFromRefreshToken", request).await);
        assert_eq!(refused, "NotAuthorizedException: Invalid client secret.");
    }
    let request = json!({ "ClientId": id, "RefreshToken": first.refresh, "ClientSecret": secret });
    let answer = world.ask("GetTokensFromRefreshToken", request).await.unwrap();
    assert_ne!(text(&answer["AuthenticationResult"]["RefreshToken"]), first.refresh);
}

/// A backup was made, the token was rotated, the backup is restored (R18): the restore ends every session, and without that the
/// token that came after the backup would end this one.
async fn a_restored_row_gives_nothing_to_tokens_that_it_does_not_know(store: Store) {
    let it = Rotating::new(store, 60).await;
    for ended_by_the_restore in [true, false] {
        let first = it.sign_in().await;
        let second = it.renew(&first.refresh).await.unwrap();
        let restored = Statement::new(
            "UPDATE sessions SET refresh_digest = first_digest, first_digest = NULL, generation = 0, rotated_at = NULL, \
             grace_until = NULL WHERE generation = 1",
        );
        change(&it.world, restored).await;
        if ended_by_the_restore {
            let end = Statement::new("UPDATE sessions SET revoked_at = $1 WHERE revoked_at IS NULL");
            change(&it.world, end.bind(it.world.now())).await;
            assert_eq!(it.renew(&first.refresh).await, Err(REVOKED.to_owned()));
        }
        assert_eq!(it.renew(&second.refresh).await, Err(REUSED.to_owned()));
        assert_eq!(it.renew(&first.refresh).await, Err(REVOKED.to_owned()));
        assert!(!it.lives(&first).await);
    }
}

async fn reuse_is_in_the_audit_record(store: Store) {
    let it = Rotating::new(store, 0).await;
    let first = it.sign_in().await;
    it.renew(&first.refresh).await.unwrap();
    it.renew(&first.refresh).await.unwrap_err();
    let query = Query::new("SELECT COUNT(subject) FROM audit WHERE operation = $1 AND result = $2");
    let query = query.bind("GetTokensFromRefreshToken").bind("RefreshTokenReuseException");
    let found = it.world.services.store.one(query).await.unwrap().unwrap();
    assert_eq!(found.int(0).unwrap(), 1);
}
