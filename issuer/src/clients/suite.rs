//! Client secrets and session configurations, over both engines.

use std::time::Duration;

use common::ids::ClientId;
use common::secret::SecretString;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::clients;
use crate::engines::on_both_engines;
use crate::passwords::secret_hash;
use crate::store::{Migration, Query, Store};
use crate::world::{World, refusal, text, with};

on_both_engines!(
    two_secrets_are_good_until_one_goes,
    the_last_secret_stays_and_a_third_is_refused,
    a_secret_of_ones_own_is_not_shown,
    of_additions_side_by_side_one_is_taken,
    sessions_of_a_clients_pages,
    a_client_with_tokens_of_its_own_has_a_secret_and_no_other_flow,
    oauth_settings_are_set_whole_and_by_the_rules,
);

const PASSWORD: &str = "Correct-Horse-1";

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// A client with a secret: how requests name it, and the secret.
async fn confidential(world: &World) -> (Value, String) {
    let create = json!({
        "UserPoolId": world.pool, "ClientName": "server", "GenerateSecret": true,
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
    });
    let made = world.ask("CreateUserPoolClient", create).await.unwrap()["UserPoolClient"].clone();
    (json!({ "UserPoolId": world.pool, "ClientId": made["ClientId"] }), text(&made["ClientSecret"]))
}

async fn sign_in(world: &World, client: &Value, secret: &str) -> Result<(), String> {
    let id = text(&client["ClientId"]);
    let hash = secret_hash(&SecretString::new(secret), "jane", &ClientId::parse(id.as_str()).unwrap());
    let parameters = json!({ "USERNAME": "jane", "PASSWORD": PASSWORD, "SECRET_HASH": hash });
    let request = json!({ "ClientId": id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let outcome = world.ask("InitiateAuth", request).await;
    if outcome.is_ok() { Ok(()) } else { Err(refusal(outcome)) }
}

async fn list(world: &World, client: &Value) -> Vec<Value> {
    world.ask("ListUserPoolClientSecrets", client.clone()).await.unwrap()["ClientSecrets"].as_array().unwrap().clone()
}

async fn two_secrets_are_good_until_one_goes(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let (client, first) = confidential(&world).await;
    world.clock.advance(Duration::from_secs(1));
    let added = world.ask("AddUserPoolClientSecret", client.clone()).await.unwrap()["ClientSecretDescriptor"].clone();
    let second = text(&added["ClientSecretValue"]);
    assert!(second.len() == 51 && second != first && added["ClientSecretCreateDate"].is_f64());
    let listed = list(&world, &client).await;
    assert!(listed.len() == 2 && listed.iter().all(|secret| secret.get("ClientSecretValue").is_none()));
    assert_eq!(listed[1]["ClientSecretId"], added["ClientSecretId"]);
    for secret in [&first, &second] {
        assert_eq!(sign_in(&world, &client, secret).await, Ok(()));
    }
    let delete = |id: &Value| with(&client, json!({ "ClientSecretId": id }));
    world.ask("DeleteUserPoolClientSecret", delete(&listed[0]["ClientSecretId"])).await.unwrap();
    assert_eq!(sign_in(&world, &client, &second).await, Ok(()));
    let dead = sign_in(&world, &client, &first).await.unwrap_err();
    assert!(dead.starts_with("NotAuthorizedException: Unable to verify secret hash for client "), "{dead}");
    let again = world.ask("DeleteUserPoolClientSecret", delete(&listed[0]["ClientSecretId"])).await;
    assert_eq!(refusal(again), "ResourceNotFoundException: Client secret does not exist.");
    // The place that became free is taken again, and settings leave secrets alone.
    let third = world.ask("AddUserPoolClientSecret", client.clone()).await.unwrap()["ClientSecretDescriptor"].clone();
    let update = with(&client, json!({ "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] }));
    let shown = world.ask("UpdateUserPoolClient", update).await.unwrap();
    assert_eq!(text(&shown["UserPoolClient"]["ClientSecret"]), second, "the older one");
    for secret in [&second, &text(&third["ClientSecretValue"])] {
        assert_eq!(sign_in(&world, &client, secret).await, Ok(()));
    }
}

async fn the_last_secret_stays_and_a_third_is_refused(store: Store) {
    let world = World::new(store).await;
    let (client, _) = confidential(&world).await;
    let only = list(&world, &client).await[0]["ClientSecretId"].clone();
    let delete = with(&client, json!({ "ClientSecretId": only }));
    assert_eq!(
        refusal(world.ask("DeleteUserPoolClientSecret", delete).await),
        "InvalidParameterException: The last secret of an app client can't be deleted."
    );
    world.ask("AddUserPoolClientSecret", client.clone()).await.unwrap();
    let third = world.ask("AddUserPoolClientSecret", client.clone()).await;
    assert_eq!(refusal(third), "LimitExceededException: An app client can have two secrets at most.");
    let public = json!({ "UserPoolId": world.pool, "ClientId": world.client });
    let refused = refusal(world.ask("AddUserPoolClientSecret", public.clone()).await);
    assert!(refused.starts_with("InvalidParameterException: ") && refused.contains("public client"), "{refused}");
    assert_eq!(list(&world, &public).await, Vec::<Value>::new());
    let token = with(&client, json!({ "NextToken": "x" }));
    assert!(refusal(world.ask("ListUserPoolClientSecrets", token).await).contains("Paging marker"));
    let absent = json!({ "UserPoolId": world.pool, "ClientId": "none", "ClientSecretId": "x" });
    for operation in ["AddUserPoolClientSecret", "ListUserPoolClientSecrets", "DeleteUserPoolClientSecret"] {
        let said = refusal(world.ask(operation, absent.clone()).await);
        assert_eq!(said, "ResourceNotFoundException: User pool client none does not exist.", "{operation}");
    }
}

async fn a_secret_of_ones_own_is_not_shown(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let (client, _) = confidential(&world).await;
    let own = "abcdefghijklmnopqrstuvwx";
    let add = with(&client, json!({ "ClientSecret": own }));
    let added = world.ask("AddUserPoolClientSecret", add).await.unwrap();
    assert!(added["ClientSecretDescriptor"].get("ClientSecretValue").is_none());
    assert_eq!(sign_in(&world, &client, own).await, Ok(()));
    let row = Query::new("SELECT second_secret FROM clients WHERE second_secret IS NOT NULL");
    let row = world.services.store.one(row).await.unwrap().unwrap();
    assert!(!row.bytes(0).unwrap().windows(24).any(|window| window == own.as_bytes()));
}

async fn of_additions_side_by_side_one_is_taken(store: Store) {
    let world = World::new(store).await;
    let (client, _) = confidential(&world).await;
    let ended = join_all((0..8).map(|_| world.ask("AddUserPoolClientSecret", client.clone()))).await;
    assert_eq!(ended.iter().filter(|end| end.is_ok()).count(), 1);
    assert_eq!(list(&world, &client).await.len(), 2);
}

async fn sessions_of_a_clients_pages(store: Store) {
    let world = World::new(store).await;
    let client = json!({ "UserPoolId": world.pool, "ClientId": world.client });
    let get = async || world.ask("GetUserPoolClientSessionConfiguration", client.clone()).await.unwrap();
    let answer = |minutes: i32| with(&client, json!({ "SSOSession": { "MaxValidityMinutes": minutes } }));
    assert_eq!(get().await, answer(60));
    let untracked = refusal(world.ask("SetUserPoolClientSessionConfiguration", answer(0)).await);
    assert_eq!(untracked, "OperationNotEnabledException: User session tracking is not enabled for this user pool.");
    let tracking =
        json!({ "UserPoolId": world.pool, "UserSessionTracking": "ENABLED", "TokenSession": { "MaxPerUser": 20 } });
    world.ask("SetUserPoolSessionConfiguration", tracking).await.unwrap();
    assert_eq!(world.ask("SetUserPoolClientSessionConfiguration", answer(0)).await.unwrap(), answer(0));
    world.ask("UpdateUserPoolClient", client.clone()).await.unwrap();
    assert_eq!(get().await, answer(0), "an update of the client keeps it");
    let refused = refusal(world.ask("SetUserPoolClientSessionConfiguration", answer(129_601)).await);
    assert!(refused.contains("less than or equal to 129600"), "{refused}");
}

async fn a_client_with_tokens_of_its_own_has_a_secret_and_no_other_flow(store: Store) {
    let world = World::new(store).await;
    let base = json!({ "UserPoolId": world.pool, "ClientName": "service", "AllowedOAuthFlowsUserPoolClient": true });
    let alone = json!({ "AllowedOAuthFlows": ["client_credentials"] });
    let mixed = json!({ "AllowedOAuthFlows": ["code", "client_credentials"], "GenerateSecret": true });
    let refused = refusal(world.ask("CreateUserPoolClient", with(&base, alone.clone())).await);
    let text = "client_credentials flow can not be selected if client does not have a client secret.";
    assert_eq!(refused, format!("InvalidOAuthFlowException: {text}"));
    let refused = refusal(world.ask("CreateUserPoolClient", with(&base, mixed)).await);
    let text = "client_credentials flow can not be selected along with code flow or implicit flow.";
    assert_eq!(refused, format!("InvalidOAuthFlowException: {text}"));

    let of_users = json!({ "UserPoolId": world.pool, "ClientId": world.client });
    let refused = refusal(world.ask("UpdateUserPoolClient", with(&of_users, alone.clone())).await);
    assert!(refused.starts_with("InvalidOAuthFlowException"), "{refused}");
    let (client, _) = confidential(&world).await;
    world.ask("UpdateUserPoolClient", with(&client, alone)).await.unwrap();
}

async fn oauth_settings_are_set_whole_and_by_the_rules(store: Store) {
    let world = World::new(store).await;
    let named = async || clients::named(&world.services, &world.pool, &world.client).await.unwrap();
    let set = async |oauth: Value| {
        let (pool, client) = named().await;
        clients::set_oauth(&world.command("SetClientOAuth"), &pool, client, oauth.to_string().as_bytes()).await
    };
    let first =
        json!({ "profile": "openid", "pkce": "required", "claims": [{ "attribute": "email", "claim": "mail" }] });
    assert!(set(first).await.unwrap().settings.oauth.pkce == clients::oauth::Pkce::Required);
    let second = set(json!({ "back_channel": { "uri": "https://app.example/out" } })).await.unwrap();
    let (_, stored) = named().await;
    assert_eq!(stored.settings.oauth, second.settings.oauth);
    assert!(stored.settings.oauth.claims.is_empty() && stored.modified > stored.created, "all of it is replaced");
    for (oauth, why) in [
        (json!({ "registered": "dynamically" }), "registered: nobody sets it"),
        (json!({ "dpop_bond": true }), "dpop_bond: unknown member; did you mean `dpop_bound`?"),
        (json!({ "auth_methods": ["client_secret_basic"] }), "auth_methods: the client has no secret"),
        (json!({ "jwks_uri": "https://169.254.169.254/keys" }), "jwks_uri: its host has no public address"),
        (
            json!({ "claims": [{ "attribute": "custom:none", "claim": "x" }] }),
            "claims: users have no attribute custom:none",
        ),
        (json!({ "claims": [{ "attribute": "email", "claim": "sub" }] }), "claims: sub is the issuer's own"),
    ] {
        assert_eq!(refusal(set(oauth).await), format!("InvalidParameterException: {why}"));
    }
    assert_eq!(named().await.1.settings.oauth, second.settings.oauth);
    let (pool, read) = named().await;
    set(json!({})).await.unwrap();
    let late = clients::set_oauth(&world.command("SetClientOAuth"), &pool, read, b"{}").await;
    assert!(refusal(late).starts_with("ConcurrentModificationException"));
    let audited =
        "SELECT COUNT(*) FROM audit WHERE operation = 'SetClientOAuth' AND subject IS NOT NULL AND result = 'ok'";
    assert_eq!(world.count(audited).await, 3);
}
