//! Passkeys through the operations, on both engines.

use std::time::Duration;

use cognito_model::Fault;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::virtual_authenticator::Authenticator;
use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal, text, with};

const PASSWORD: &str = "Correct-horse-1";
const ORIGIN: &str = "https://app.example.com";
const NO_CHALLENGE: &str = "WebAuthnChallengeNotFoundException: The challenge was not found or has expired.";

on_both_engines!(
    passkeys_are_registered_listed_and_deleted,
    a_challenge_is_good_once_for_a_time_and_for_one_client,
    what_does_not_fit_is_refused,
    a_credential_is_of_one_user,
    a_user_has_at_most_twenty,
    pools_without_passkeys,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// A pool with passkeys, and `jane` and `bob`.
async fn world(store: Store) -> World {
    let policies = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"] } });
    let world = World::with_pool(store, json!({ "Policies": policies })).await;
    configure(&world, json!({ "RelyingPartyId": "example.com" })).await;
    for name in ["jane", "bob"] {
        world.user(name, PASSWORD).await;
    }
    world
}

async fn configure(world: &World, passkeys: Value) {
    let request = json!({ "UserPoolId": world.pool, "WebAuthnConfiguration": passkeys });
    world.ask("SetUserPoolMfaConfig", request).await.unwrap();
}

async fn token(world: &World, name: &str) -> Value {
    world.sign_in(name, PASSWORD).await.unwrap()["AccessToken"].clone()
}

async fn start(world: &World, token: &Value) -> Result<Value, Fault> {
    let started = world.ask("StartWebAuthnRegistration", json!({ "AccessToken": token })).await?;
    Ok(started["CredentialCreationOptions"].clone())
}

async fn complete(world: &World, token: &Value, credential: Value) -> Result<Value, Fault> {
    world.ask("CompleteWebAuthnRegistration", json!({ "AccessToken": token, "Credential": credential })).await
}

async fn register(world: &World, token: &Value, authenticator: &Authenticator) -> Result<Value, Fault> {
    let options = start(world, token).await?;
    let answer = authenticator.register("example.com", ORIGIN, options["challenge"].as_str().unwrap());
    complete(world, token, answer).await
}

async fn list(world: &World, token: &Value, more: Value) -> Result<Value, Fault> {
    world.ask("ListWebAuthnCredentials", with(&json!({ "AccessToken": token }), more)).await
}

async fn passkeys_are_registered_listed_and_deleted(store: Store) {
    let world = world(store).await;
    let jane = token(&world, "jane").await;
    let options = start(&world, &jane).await.unwrap();
    assert_eq!(options["rp"], json!({ "id": "example.com", "name": "example.com" }));
    assert_eq!((&options["user"]["name"], &options["excludeCredentials"]), (&json!("jane"), &json!([])));
    for id in 1..=3 {
        register(&world, &jane, &Authenticator::with_id(id)).await.unwrap();
    }
    assert_eq!(start(&world, &jane).await.unwrap()["excludeCredentials"].as_array().unwrap().len(), 3);
    let first = list(&world, &jane, json!({ "MaxResults": 2 })).await.unwrap();
    let next = json!({ "MaxResults": 2, "NextToken": first["NextToken"] });
    let second = list(&world, &jane, next.clone()).await.unwrap();
    let sizes = [&first, &second].map(|page| page["Credentials"].as_array().unwrap().len());
    assert_eq!((sizes, &second["NextToken"]), ([2, 1], &Value::Null));
    let one = &second["Credentials"][0];
    assert_eq!((&one["RelyingPartyId"], &one["FriendlyCredentialName"]), (&json!("example.com"), &json!("Passkey")));
    assert_eq!(
        (&one["AuthenticatorTransports"], &one["AuthenticatorAttachment"]),
        (&json!(["internal", "hybrid"]), &json!("platform"))
    );
    assert!(one["CreatedAt"].is_number());
    let bob = token(&world, "bob").await;
    assert!(refusal(list(&world, &bob, next).await).starts_with("InvalidParameterException: Paging marker"));
    let delete = async |token: &Value, id: &Value| {
        world.ask("DeleteWebAuthnCredential", json!({ "AccessToken": token, "CredentialId": id })).await
    };
    let absent = "ResourceNotFoundException: The credential does not exist.";
    assert_eq!(refusal(delete(&bob, &one["CredentialId"]).await), absent, "another user's");
    delete(&jane, &one["CredentialId"]).await.unwrap();
    for id in [one["CredentialId"].clone(), json!("a\0"), json!("x".repeat(2_000))] {
        assert_eq!(refusal(delete(&jane, &id).await), absent);
    }
    let factors = world.ask("GetUserAuthFactors", json!({ "AccessToken": jane })).await.unwrap();
    assert_eq!(factors["ConfiguredUserAuthFactors"], json!(["PASSWORD", "WEB_AUTHN"]));
    world.ask("DeleteUser", json!({ "AccessToken": jane })).await.unwrap();
    for table in ["SELECT COUNT(*) FROM passkeys", "SELECT COUNT(*) FROM passkey_challenges"] {
        assert_eq!(world.count(table).await, 0);
    }
}

async fn a_challenge_is_good_once_for_a_time_and_for_one_client(store: Store) {
    let world = world(store).await;
    let jane = token(&world, "jane").await;
    let answer = async |id: u8| {
        let options = start(&world, &jane).await.unwrap();
        Authenticator::with_id(id).register("example.com", ORIGIN, options["challenge"].as_str().unwrap())
    };
    let unasked = Authenticator::with_id(9).register("example.com", ORIGIN, "Y2hhbGxlbmdl");
    assert_eq!(refusal(complete(&world, &jane, unasked).await), NO_CHALLENGE);
    let older = answer(1).await;
    let newer = answer(2).await;
    assert_eq!(refusal(complete(&world, &jane, older).await), NO_CHALLENGE, "a newer one has replaced it");
    let at_once = join_all((0..4).map(|_| complete(&world, &jane, newer.clone()))).await;
    assert_eq!(at_once.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(refusal(complete(&world, &jane, newer).await), NO_CHALLENGE, "it was used");
    let late = answer(3).await;
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(refusal(complete(&world, &jane, late).await), NO_CHALLENGE);
    let started = answer(4).await;
    let parameters = json!({ "USERNAME": "jane", "PASSWORD": PASSWORD });
    let by_legacy = json!({ "ClientId": world.legacy, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let by_legacy = world.ask("InitiateAuth", by_legacy).await.unwrap();
    let other = complete(&world, &by_legacy["AuthenticationResult"]["AccessToken"], started.clone()).await;
    assert!(refusal(other).starts_with("WebAuthnClientMismatchException: "));
    let bob = token(&world, "bob").await;
    assert_eq!(refusal(complete(&world, &bob, started.clone()).await), NO_CHALLENGE, "another user's");
    complete(&world, &jane, started).await.unwrap();
}

async fn what_does_not_fit_is_refused(store: Store) {
    let world = world(store).await;
    let jane = token(&world, "jane").await;
    let options = start(&world, &jane).await.unwrap();
    let challenge = text(&options["challenge"]);
    let authenticator = Authenticator::with_id(1);
    let refused = async |credential: Value| refusal(complete(&world, &jane, credential).await);
    let evil = refused(authenticator.register("example.com", "https://evil.org", &challenge)).await;
    assert_eq!(evil, "WebAuthnOriginNotAllowedException: The origin https://evil.org is not allowed.");
    let other = refused(authenticator.register("evil.org", ORIGIN, &challenge)).await;
    assert!(other.starts_with("WebAuthnRelyingPartyMismatchException: "), "{other}");
    let unseen = Authenticator { flags: 0x44, ..Authenticator::with_id(1) };
    let unseen = refused(unseen.register("example.com", ORIGIN, &challenge)).await;
    assert!(unseen.starts_with("WebAuthnCredentialNotSupportedException: "), "{unseen}");
    for malformed in [json!({}), json!([]), json!({ "id": 1 }), json!("x")] {
        let said = refused(malformed).await;
        assert!(said.starts_with("InvalidParameterException: "), "{said}");
    }
    configure(&world, json!({ "RelyingPartyId": "example.com", "UserVerification": "required" })).await;
    let unverified = Authenticator { flags: 0x41, ..Authenticator::with_id(1) };
    let said = refused(unverified.register("example.com", ORIGIN, &challenge)).await;
    assert!(said.starts_with("WebAuthnCredentialNotSupportedException: "), "{said}");
    assert_eq!(start(&world, &jane).await.unwrap()["authenticatorSelection"]["userVerification"], "required");
    register(&world, &jane, &authenticator).await.unwrap();
}

async fn a_credential_is_of_one_user(store: Store) {
    let world = world(store).await;
    let (jane, bob) = (token(&world, "jane").await, token(&world, "bob").await);
    register(&world, &jane, &Authenticator::with_id(1)).await.unwrap();
    for who in [&jane, &bob] {
        let said = refusal(register(&world, who, &Authenticator::with_id(1)).await);
        assert!(said.starts_with("WebAuthnCredentialNotSupportedException: "), "{said}");
    }
    assert_eq!(list(&world, &bob, json!({})).await.unwrap(), json!({ "Credentials": [] }));
}

async fn a_user_has_at_most_twenty(store: Store) {
    let world = world(store).await;
    let jane = token(&world, "jane").await;
    for id in 1..=20 {
        register(&world, &jane, &Authenticator::with_id(id)).await.unwrap();
    }
    let full = refusal(register(&world, &jane, &Authenticator::with_id(21)).await);
    assert_eq!(full, "LimitExceededException: A user can have at most 20 passkeys.");
    assert_eq!(list(&world, &jane, json!({})).await.unwrap()["Credentials"].as_array().unwrap().len(), 20);
}

async fn pools_without_passkeys(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let jane = token(&world, "jane").await;
    let disabled = "WebAuthnNotEnabledException: Passkeys are not enabled for this user pool.";
    assert_eq!(refusal(start(&world, &jane).await), disabled);
    assert_eq!(refusal(complete(&world, &jane, json!({})).await), disabled);
    assert_eq!(list(&world, &jane, json!({})).await.unwrap(), json!({ "Credentials": [] }));
    configure(&world, json!({ "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION" })).await;
    let missing = refusal(start(&world, &jane).await);
    assert!(missing.starts_with("WebAuthnConfigurationMissingException: "), "{missing}");
    let domain = json!({ "UserPoolId": world.pool, "Domain": "zoo" });
    world.ask("CreateUserPoolDomain", domain).await.unwrap();
    assert_eq!(start(&world, &jane).await.unwrap()["rp"]["id"], "zoo.auth.issuer.test");
    configure(
        &world,
        json!({ "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION", "RelyingPartyId": "zoo.example" }),
    )
    .await;
    let options = start(&world, &jane).await.unwrap();
    assert_eq!(
        (&options["rp"]["id"], &options["authenticatorSelection"]["userVerification"]),
        (&json!("zoo.example"), &json!("required"))
    );
}
