//! Links of users to identities at other providers, on both engines, through the operations.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal, text};

const PASSWORD: &str = "Correct-Horse-1";

on_both_engines!(
    a_link_shows_wherever_the_user_does,
    an_identity_is_of_one_user,
    five_and_no_more_also_at_once,
    who_is_no_source_and_no_destination,
    a_provider_of_the_same_name_inherits_nothing,
    a_password_that_is_switched_off,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// A world with the providers Google and Corp (which maps `email`), and `jane` and `joan`.
async fn world(store: Store) -> World {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    world.user("joan", PASSWORD).await;
    let google = json!({
        "UserPoolId": world.pool, "ProviderName": "Google", "ProviderType": "Google",
        "ProviderDetails": { "client_id": "c", "client_secret": "s", "authorize_scopes": "openid" },
    });
    world.ask("CreateIdentityProvider", google).await.unwrap();
    corp(&world).await;
    world
}

async fn corp(world: &World) {
    let corp = json!({
        "UserPoolId": world.pool, "ProviderName": "Corp", "ProviderType": "OIDC", "AttributeMapping": { "email": "mail" },
        "ProviderDetails": {
            "client_id": "c", "client_secret": "s", "authorize_scopes": "openid", "attributes_request_method": "GET",
            "oidc_issuer": "https://login.corp.example",
        },
    });
    world.ask("CreateIdentityProvider", corp).await.unwrap();
}

fn user(provider: &str, attribute: &str, value: &str) -> Value {
    json!({ "ProviderName": provider, "ProviderAttributeName": attribute, "ProviderAttributeValue": value })
}

async fn link(world: &World, name: &str, source: Value) -> Result<Value, String> {
    let destination = json!({ "ProviderName": "Cognito", "ProviderAttributeValue": name });
    let request = json!({ "UserPoolId": world.pool, "DestinationUser": destination, "SourceUser": source });
    world.ask("AdminLinkProviderForUser", request).await.map_err(|fault| refusal::<()>(Err(fault)))
}

async fn disable(world: &World, user: Value) -> Result<Value, String> {
    let request = json!({ "UserPoolId": world.pool, "User": user });
    world.ask("AdminDisableProviderForUser", request).await.map_err(|fault| refusal::<()>(Err(fault)))
}

/// The attribute, as AdminGetUser shows it.
async fn identities(world: &World, name: &str) -> Value {
    let user = world.ask("AdminGetUser", json!({ "UserPoolId": world.pool, "Username": name })).await.unwrap();
    let attributes = user["UserAttributes"].as_array().unwrap().clone();
    let found = attributes.iter().find(|attribute| attribute["Name"] == "identities");
    found.map_or(Value::Null, |attribute| serde_json::from_str(attribute["Value"].as_str().unwrap()).unwrap())
}

async fn a_link_shows_wherever_the_user_does(store: Store) {
    let world = world(store).await;
    link(&world, "jane", user("Google", "Cognito_Subject", "108")).await.unwrap();
    link(&world, "jane", user("Corp", "email", "jane@corp.example")).await.unwrap();
    let made = world.now().0;
    let one = |id: &str, provider: &str, kind: &str| {
        json!({
            "userId": id, "providerName": provider, "providerType": kind, "issuer": null, "primary": false, "dateCreated": made,
        })
    };
    let both = json!([one("108", "Google", "Google"), one("jane@corp.example", "Corp", "OIDC")]);
    assert_eq!(identities(&world, "jane").await, both);
    assert_eq!(identities(&world, "joan").await, Value::Null);

    let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
    let me = world.ask("GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await.unwrap();
    let mine = me["UserAttributes"].as_array().unwrap().iter().find(|attribute| attribute["Name"] == "identities");
    assert_eq!(serde_json::from_str::<Value>(mine.unwrap()["Value"].as_str().unwrap()).unwrap(), both);
    let list =
        world.ask("ListUsers", json!({ "UserPoolId": world.pool, "Filter": "username = \"jane\"" })).await.unwrap();
    assert!(list["Users"][0]["Attributes"].to_string().contains("identities"));
    let payload = text(&tokens["IdToken"]);
    let payload = common::jose::base64url_decode(payload.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(claims["identities"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&claims["identities"][0]["userId"], &claims["identities"][0]["primary"]),
        (&json!("108"), &json!("false"))
    );

    // A change of attributes leaves them.
    let update =
        json!({ "UserPoolId": world.pool, "Username": "jane", "UserAttributes": [{ "Name": "name", "Value": "J" }] });
    world.ask("AdminUpdateUserAttributes", update).await.unwrap();
    assert_eq!(identities(&world, "jane").await, both);
    disable(&world, user("Google", "Cognito_Subject", "108")).await.unwrap();
    assert_eq!(identities(&world, "jane").await, json!([one("jane@corp.example", "Corp", "OIDC")]));
    disable(&world, user("Corp", "email", "jane@corp.example")).await.unwrap();
    assert_eq!(identities(&world, "jane").await, Value::Null);
    let gone = disable(&world, user("Corp", "email", "jane@corp.example")).await.unwrap_err();
    assert_eq!(gone, "UserNotFoundException: User does not exist.");
    assert!(world.sign_in("jane", PASSWORD).await.is_ok(), "the password is another way");
}

/// T54: whichever comes first, one identity never leads into two accounts.
async fn an_identity_is_of_one_user(store: Store) {
    let world = world(store).await;
    let source = || user("Google", "Cognito_Subject", "108");
    link(&world, "jane", source()).await.unwrap();
    let twice = link(&world, "jane", source()).await.unwrap_err();
    assert_eq!(twice, "InvalidParameterException: SourceUser is already linked to DestinationUser");
    let other = link(&world, "joan", source()).await.unwrap_err();
    assert_eq!(other, "AliasExistsException: SourceUser is already linked to another user");
    disable(&world, source()).await.unwrap();
    link(&world, "joan", source()).await.unwrap();
    assert_eq!(identities(&world, "jane").await, Value::Null);

    // At once: one of them.
    let outcomes =
        join_all(["jane", "joan"].map(|name| link(&world, name, user("Google", "Cognito_Subject", "109")))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    // An account of that name was there first: it is not taken over.
    let name = json!({ "UserPoolId": world.pool, "Username": "Google_110", "MessageAction": "SUPPRESS" });
    world.ask("AdminCreateUser", name).await.unwrap();
    let there = link(&world, "jane", user("Google", "Cognito_Subject", "110")).await.unwrap_err();
    assert!(there.starts_with("InvalidParameterException: Merging is not currently supported"), "{there}");
    // Who is gone holds nothing.
    world.ask("AdminDeleteUser", json!({ "UserPoolId": world.pool, "Username": "joan" })).await.unwrap();
    link(&world, "jane", source()).await.unwrap();
}

async fn five_and_no_more_also_at_once(store: Store) {
    let world = world(store).await;
    let ids = ["1", "2", "3", "4", "5", "6", "7", "8"];
    let outcomes = join_all(ids.map(|id| link(&world, "jane", user("Google", "Cognito_Subject", id)))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5, "{outcomes:?}");
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused, "LimitExceededException: A user has at most 5 linked identities.");
    }
    assert_eq!(identities(&world, "jane").await.as_array().unwrap().len(), 5);
    assert_eq!(world.count("SELECT COUNT(*) FROM linked_identities").await, 5);
}

async fn who_is_no_source_and_no_destination(store: Store) {
    let world = world(store).await;
    let native = link(&world, "jane", user("Cognito", "Cognito_Subject", "joan")).await.unwrap_err();
    assert!(native.starts_with("InvalidParameterException: Invalid SourceUser: Cognito users"), "{native}");
    for (name, source, said) in [
        ("nobody", user("Google", "Cognito_Subject", "1"), "UserNotFoundException: User does not exist."),
        (
            "jane",
            user("Facebook", "Cognito_Subject", "1"),
            "ResourceNotFoundException: Identity provider Facebook does not exist.",
        ),
        (
            "jane",
            user("Google", "email", "a@b.example"),
            "InvalidParameterException: ProviderAttributeName must be Cognito_Subject for Google.",
        ),
        (
            "jane",
            user("Corp", "name", "1"),
            "InvalidParameterException: ProviderAttributeName must be Cognito_Subject, or an attribute that Corp maps to.",
        ),
        ("jane", user("Corp", "", "1"), "InvalidParameterException: ProviderAttributeName must be given."),
        (
            "jane",
            user("Corp", "email", ""),
            "InvalidParameterException: SourceUser.ProviderAttributeValue must be given.",
        ),
        (
            "jane",
            user("Corp", "email", "a\0b"),
            "InvalidParameterException: SourceUser.ProviderAttributeValue is no user's.",
        ),
    ] {
        assert_eq!(link(&world, name, source.clone()).await.unwrap_err(), said, "{source}");
    }
}

async fn a_provider_of_the_same_name_inherits_nothing(store: Store) {
    let world = world(store).await;
    let source = || user("Corp", "Cognito_Subject", "7");
    link(&world, "jane", source()).await.unwrap();
    world.ask("DeleteIdentityProvider", json!({ "UserPoolId": world.pool, "ProviderName": "Corp" })).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(1));
    corp(&world).await;
    // The other one's user 7 is nobody's yet.
    link(&world, "joan", source()).await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM linked_identities").await, 2);
    disable(&world, source()).await.unwrap();
    assert_eq!(identities(&world, "joan").await, Value::Null, "the one that counts goes first");
    disable(&world, source()).await.unwrap();
    assert_eq!(identities(&world, "jane").await, Value::Null);
}

async fn a_password_that_is_switched_off(store: Store) {
    let world = world(store).await;
    let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
    let native = || user("Cognito", "Cognito_Subject", "jane");
    let wrong = disable(&world, user("Cognito", "email", "jane")).await.unwrap_err();
    assert_eq!(wrong, "InvalidParameterException: ProviderAttributeName must be Cognito_Subject for Cognito.");
    for _ in 0..2 {
        disable(&world, native()).await.unwrap();
    }
    let named = json!({ "UserPoolId": world.pool, "Username": "jane" });
    assert_eq!(world.ask("AdminGetUser", named.clone()).await.unwrap()["UserStatus"], "EXTERNAL_PROVIDER");
    assert!(world.ask("GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await.is_err());
    let refused = refusal(world.sign_in("jane", PASSWORD).await);
    assert_eq!(refused, "NotAuthorizedException: Incorrect username or password.");
    let forgot = json!({ "ClientId": world.legacy, "Username": "jane" });
    let forgot = refusal(world.ask("ForgotPassword", forgot).await);
    assert_eq!(forgot, "NotAuthorizedException: User password cannot be reset in the current state.");
    assert!(world.ask("AdminResetUserPassword", named.clone()).await.is_err());
    let other = disable(&world, user("Cognito", "Cognito_Subject", "nobody")).await.unwrap_err();
    assert_eq!(other, "UserNotFoundException: User does not exist.");
    let again = json!({ "UserPoolId": world.pool, "Username": "jane", "Password": PASSWORD, "Permanent": true });
    world.ask("AdminSetUserPassword", again).await.unwrap();
    assert!(world.sign_in("jane", PASSWORD).await.is_ok());
}
