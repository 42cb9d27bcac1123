//! Identity providers, over both engines.

use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::store::{Migration, Query, Store};
use crate::world::{World, refusal, text, with};

on_both_engines!(
    a_provider_from_its_making_to_its_end,
    identifiers_belong_to_one_provider,
    clients_name_providers_that_exist,
    secrets_lie_sealed,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

fn oidc(world: &World, name: &str, more: Value) -> Value {
    let details = json!({
        "client_id": "c", "client_secret": "hush-hush", "attributes_request_method": "GET",
        "oidc_issuer": "https://idp.example.com", "authorize_scopes": "openid email",
    });
    let request =
        json!({ "UserPoolId": world.pool, "ProviderName": name, "ProviderType": "OIDC", "ProviderDetails": details });
    with(&request, more)
}

async fn a_provider_from_its_making_to_its_end(store: Store) {
    let world = World::new(store).await;
    let more = json!({ "AttributeMapping": { "email": "email" }, "AcrMapping": { "Level1": "pwd" } });
    let made = world.ask("CreateIdentityProvider", oidc(&world, "Corp", more)).await.unwrap();
    let made = made["IdentityProvider"].clone();
    assert_eq!(made["ProviderDetails"]["client_secret"], "hush-hush");
    assert_eq!(made["ProviderDetails"]["attributes_url_add_attributes"], "false");
    assert_eq!((&made["AttributeMapping"]["email"], &made["AcrMapping"]["Level1"]), (&json!("email"), &json!("pwd")));
    assert!(made["CreationDate"].is_f64() && made["UserPoolId"] == world.pool.as_str());
    let named = json!({ "UserPoolId": world.pool, "ProviderName": "Corp" });
    let found = world.ask("DescribeIdentityProvider", named.clone()).await.unwrap();
    assert_eq!(found["IdentityProvider"], made);
    assert_eq!(
        refusal(world.ask("CreateIdentityProvider", oidc(&world, "Corp", json!({}))).await),
        "DuplicateProviderException: A provider with the name Corp already exists."
    );

    world.clock.advance(std::time::Duration::from_secs(1));
    let update = with(&named, json!({ "AttributeMapping": { "name": "display" } }));
    let updated = world.ask("UpdateIdentityProvider", update).await.unwrap()["IdentityProvider"].clone();
    assert_eq!(updated["AttributeMapping"], json!({ "name": "display" }));
    assert_eq!(updated["ProviderDetails"], made["ProviderDetails"], "what is left out stays");
    assert!(updated["LastModifiedDate"].as_f64() > made["LastModifiedDate"].as_f64());

    world.ask("CreateIdentityProvider", oidc(&world, "Aux", json!({}))).await.unwrap();
    let list = async |more: Value| {
        let pool = json!({ "UserPoolId": world.pool });
        world.ask("ListIdentityProviders", with(&pool, more)).await.unwrap()
    };
    let first = list(json!({ "MaxResults": 1 })).await;
    let second = list(json!({ "MaxResults": 1, "NextToken": first["NextToken"] })).await;
    assert_eq!(
        (text(&first["Providers"][0]["ProviderName"]), text(&second["Providers"][0]["ProviderName"])),
        ("Aux".into(), "Corp".into())
    );
    assert!(second.get("NextToken").is_none() && second["Providers"][0].get("ProviderDetails").is_none());

    world.ask("DeleteIdentityProvider", named.clone()).await.unwrap();
    for operation in ["DescribeIdentityProvider", "UpdateIdentityProvider", "DeleteIdentityProvider"] {
        let said = refusal(world.ask(operation, named.clone()).await);
        assert_eq!(said, "ResourceNotFoundException: Identity provider Corp does not exist.", "{operation}");
    }
    let own = json!({ "UserPoolId": world.pool, "ProviderName": "COGNITO" });
    for operation in ["UpdateIdentityProvider", "DeleteIdentityProvider"] {
        let said = refusal(world.ask(operation, own.clone()).await);
        assert!(said.starts_with("UnsupportedIdentityProviderException: "), "{said}");
    }
}

async fn identifiers_belong_to_one_provider(store: Store) {
    let world = World::new(store).await;
    let create = |name: &str, identifiers: Value| oidc(&world, name, json!({ "IdpIdentifiers": identifiers }));
    world.ask("CreateIdentityProvider", create("Corp", json!(["corp.example", "corp.test"]))).await.unwrap();
    let find = async |identifier: &str| {
        let request = json!({ "UserPoolId": world.pool, "IdpIdentifier": identifier });
        world.ask("GetIdentityProviderByIdentifier", request).await
    };
    assert_eq!(find("corp.test").await.unwrap()["IdentityProvider"]["ProviderName"], "Corp");
    let other = world.ask("CreateIdentityProvider", create("Other", json!(["other.example", "corp.test"]))).await;
    assert_eq!(
        refusal(other),
        "InvalidParameterException: Identifier corp.test is of another identity provider of the user pool."
    );
    assert!(find("other.example").await.is_err(), "nothing of the refused one is there");
    let update = json!({ "UserPoolId": world.pool, "ProviderName": "Corp", "IdpIdentifiers": ["corp.example"] });
    world.ask("UpdateIdentityProvider", update).await.unwrap();
    assert_eq!(
        refusal(find("corp.test").await),
        "ResourceNotFoundException: Identity provider corp.test does not exist."
    );
    world.ask("CreateIdentityProvider", create("Other", json!(["corp.test"]))).await.unwrap();
    assert_eq!(find("corp.test").await.unwrap()["IdentityProvider"]["ProviderName"], "Other");
}

async fn clients_name_providers_that_exist(store: Store) {
    let world = World::new(store).await;
    let client = |name: &str| json!({ "UserPoolId": world.pool, "ClientName": "web", "SupportedIdentityProviders": ["COGNITO", name] });
    let absent = format!("InvalidParameterException: The provider Corp does not exist for User Pool {}.", world.pool);
    assert_eq!(refusal(world.ask("CreateUserPoolClient", client("Corp")).await), absent);
    world.ask("CreateIdentityProvider", oidc(&world, "Corp", json!({}))).await.unwrap();
    let made = world.ask("CreateUserPoolClient", client("Corp")).await.unwrap();
    assert_eq!(made["UserPoolClient"]["SupportedIdentityProviders"], json!(["COGNITO", "Corp"]));
}

async fn secrets_lie_sealed(store: Store) {
    let world = World::new(store).await;
    let apple = json!({
        "UserPoolId": world.pool, "ProviderName": "SignInWithApple", "ProviderType": "SignInWithApple",
        "ProviderDetails": { "client_id": "c", "team_id": "t", "key_id": "k", "private_key": "hush-hush", "authorize_scopes": "email" },
    });
    let made = world.ask("CreateIdentityProvider", apple).await.unwrap()["IdentityProvider"].clone();
    assert!(made["ProviderDetails"].get("private_key").is_none() && made["ProviderDetails"]["team_id"] == "t");
    let rows = Query::new("SELECT details, settings FROM identity_providers");
    let row = world.services.store.one(rows).await.unwrap().unwrap();
    assert!(!row.bytes(0).unwrap().windows(9).any(|window| window == b"hush-hush"));
    assert!(!row.text(1).unwrap().contains("hush-hush"));
}
