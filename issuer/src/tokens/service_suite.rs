//! Tokens of clients and exchanged tokens, on both engines, through the operations.

use std::time::Duration;

use common::jose::base64url_decode;
use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, refusal, text, with};

const PASSWORD: &str = "Correct-Horse-1";
const ADMIN_SCOPE: &str = "aws.cognito.signin.user.admin";

on_both_engines!(
    a_client_gets_a_token_for_its_secret,
    who_gets_no_client_token,
    the_flow_of_clients_stands_alone,
    a_users_token_becomes_another,
    an_exchanged_token_dies_with_the_first,
    who_acted_is_remembered,
    what_is_not_exchanged,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn world(store: Store) -> World {
    let world = World::new(store).await;
    let scope = |name: &str| json!({ "ScopeName": name, "ScopeDescription": name });
    let server = json!({
        "UserPoolId": world.pool, "Identifier": "https://orders", "Name": "orders", "Scopes": [scope("read"), scope("write")],
    });
    world.ask("CreateResourceServer", server).await.unwrap();
    world
}

/// A client with a secret: its id, and the secret.
async fn client(world: &World, settings: Value) -> (String, String) {
    let base = json!({ "UserPoolId": world.pool, "ClientName": "service", "GenerateSecret": true });
    let made = world.ask("CreateUserPoolClient", with(&base, settings)).await.unwrap()["UserPoolClient"].clone();
    (text(&made["ClientId"]), text(&made["ClientSecret"]))
}

fn machine() -> Value {
    json!({
        "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": ["https://orders/read", "https://orders/write"],
    })
}

fn claims(token: &Value) -> Value {
    let payload = text(token);
    let payload = base64url_decode(payload.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

async fn ask_token(world: &World, (id, secret): (&str, &str), scopes: Value) -> Result<Value, String> {
    let mut request = json!({ "ClientId": id, "Secret": secret, "ClientMetadata": { "any": "thing" } });
    if !scopes.is_null() {
        request["Scopes"] = scopes;
    }
    match world.ask("GetClientToken", request).await {
        Ok(answer) => Ok(answer["ClientAuthenticationResult"].clone()),
        refused => Err(refusal(refused)),
    }
}

async fn a_client_gets_a_token_for_its_secret(store: Store) {
    let world = world(store).await;
    let (id, secret) = client(&world, machine()).await;
    let result = ask_token(&world, (&id, &secret), Value::Null).await.unwrap();
    assert_eq!((text(&result["TokenType"]), result["ExpiresIn"].as_i64()), ("Bearer".into(), Some(3_600)));
    let said = claims(&result["AccessToken"]);
    let now = world.now().seconds();
    for (name, wanted) in [
        ("sub", json!(id)),
        ("client_id", json!(id)),
        ("token_use", json!("access")),
        ("scope", json!("https://orders/read https://orders/write")),
        ("iss", json!(format!("http://issuer.test/{}", world.pool))),
        ("iat", json!(now)),
        ("exp", json!(now + 3_600)),
        ("auth_time", json!(now)),
        ("version", json!(2)),
    ] {
        assert_eq!(said[name], wanted, "{name}");
    }
    for absent in ["username", "origin_jti", "cognito:groups"] {
        assert!(said.get(absent).is_none(), "{absent}");
    }
    let narrow =
        ask_token(&world, (&id, &secret), json!(["https://orders/write", "https://orders/write"])).await.unwrap();
    assert_eq!(claims(&narrow["AccessToken"])["scope"], "https://orders/write");
    assert_eq!(
        claims(&ask_token(&world, (&id, &secret), json!([])).await.unwrap()["AccessToken"])["scope"],
        said["scope"]
    );
    // It is of no user.
    let user = refusal(world.ask("GetUser", json!({ "AccessToken": result["AccessToken"] })).await);
    assert_eq!(user, "NotAuthorizedException: Invalid Access Token");

    // Two live secrets; one that was deleted is dead at once.
    let named = json!({ "UserPoolId": world.pool, "ClientId": id });
    let added = world.ask("AddUserPoolClientSecret", named.clone()).await.unwrap()["ClientSecretDescriptor"].clone();
    let other = text(&added["ClientSecretValue"]);
    for secret in [&secret, &other] {
        ask_token(&world, (&id, secret), Value::Null).await.unwrap();
    }
    let secrets = world.ask("ListUserPoolClientSecrets", named.clone()).await.unwrap()["ClientSecrets"].clone();
    let delete = with(&named, json!({ "ClientSecretId": secrets[0]["ClientSecretId"] }));
    world.ask("DeleteUserPoolClientSecret", delete).await.unwrap();
    let dead = ask_token(&world, (&id, &secret), Value::Null).await.unwrap_err();
    assert_eq!(dead, "NotAuthorizedException: Invalid client secret.");
    ask_token(&world, (&id, &other), Value::Null).await.unwrap();

    // A scope that its server has no more is nobody's.
    let server = json!({
        "UserPoolId": world.pool, "Identifier": "https://orders", "Name": "orders",
        "Scopes": [{ "ScopeName": "read", "ScopeDescription": "r" }],
    });
    world.ask("UpdateResourceServer", server).await.unwrap();
    let left = ask_token(&world, (&id, &other), Value::Null).await.unwrap();
    assert_eq!(claims(&left["AccessToken"])["scope"], "https://orders/read");
    let gone = ask_token(&world, (&id, &other), json!(["https://orders/write"])).await.unwrap_err();
    assert_eq!(gone, "InvalidParameterException: Invalid scope requested: https://orders/write");
}

async fn who_gets_no_client_token(store: Store) {
    let world = world(store).await;
    let secret = "a-secret-that-is-nobodys-x".replace('-', "_");
    let nobody = ask_token(&world, ("nobody", &secret), Value::Null).await.unwrap_err();
    assert_eq!(nobody, "ResourceNotFoundException: User pool client nobody does not exist.");
    let public = ask_token(&world, (&world.client, &secret), Value::Null).await.unwrap_err();
    assert_eq!(public, format!("NotAuthorizedException: Client {} is not configured with a secret.", world.client));
    let (users, users_secret) = client(&world, json!({ "AllowedOAuthScopes": ["https://orders/read"] })).await;
    let wrong = ask_token(&world, (&users, &secret), Value::Null).await.unwrap_err();
    assert_eq!(wrong, "NotAuthorizedException: Invalid client secret.", "before what it may do is told");
    let not_enabled = ask_token(&world, (&users, &users_secret), Value::Null).await.unwrap_err();
    assert_eq!(not_enabled, "NotAuthorizedException: Client is not enabled for client token authentication.");
    let (id, secret) =
        client(&world, with(&machine(), json!({ "AllowedOAuthScopes": ["https://orders/read", "openid"] }))).await;
    for scope in ["https://orders/write", "openid", "email", "https://orders/none", "x"] {
        let said = ask_token(&world, (&id, &secret), json!([scope])).await.unwrap_err();
        assert_eq!(said, format!("InvalidParameterException: Invalid scope requested: {scope}"));
    }
    let (id, secret) = client(&world, with(&machine(), json!({ "AllowedOAuthScopes": ["openid"] }))).await;
    let none = ask_token(&world, (&id, &secret), Value::Null).await.unwrap_err();
    assert_eq!(none, "InvalidParameterException: The client has no scopes of resource servers.");
}

async fn the_flow_of_clients_stands_alone(store: Store) {
    let world = world(store).await;
    let flows = |flows: &[&str]| json!({ "ExplicitAuthFlows": flows, "AllowedOAuthScopes": ["https://orders/read"] });
    let (id, secret) = client(&world, flows(&["ALLOW_CLIENT_TOKEN_AUTH"])).await;
    ask_token(&world, (&id, &secret), Value::Null).await.unwrap();
    let described =
        world.ask("DescribeUserPoolClient", json!({ "UserPoolId": world.pool, "ClientId": id })).await.unwrap();
    assert_eq!(described["UserPoolClient"]["ExplicitAuthFlows"], json!(["ALLOW_CLIENT_TOKEN_AUTH"]));
    let mixed = with(
        &json!({ "UserPoolId": world.pool, "ClientName": "service" }),
        flows(&["ALLOW_CLIENT_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]),
    );
    let mixed = refusal(world.ask("CreateUserPoolClient", mixed).await);
    assert_eq!(mixed, "InvalidParameterException: ALLOW_CLIENT_TOKEN_AUTH must be the only one of ExplicitAuthFlows.");
}

/// A world with `jane`, who is in a group, her tokens, and a service that may exchange them.
struct Exchange {
    world: World,
    tokens: Value,
    service: (String, String),
}

impl Exchange {
    async fn new(store: Store) -> Self {
        let world = world(store).await;
        world.user("jane", PASSWORD).await;
        let group = json!({ "UserPoolId": world.pool, "GroupName": "staff", "RoleArn": "arn:aws:iam::000000000000:role/staff" });
        world.ask("CreateGroup", group).await.unwrap();
        let join = json!({ "UserPoolId": world.pool, "GroupName": "staff", "Username": "jane" });
        world.ask("AdminAddUserToGroup", join).await.unwrap();
        let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
        let settings = json!({
            "ExplicitAuthFlows": ["ALLOW_TOKEN_EXCHANGE_IMPERSONATION", "ALLOW_TOKEN_EXCHANGE_DELEGATION"],
            "AllowedOAuthScopes": ["https://orders/read", ADMIN_SCOPE],
        });
        let service = client(&world, settings).await;
        Self { world, tokens, service }
    }

    async fn derive(&self, more: Value) -> Result<Value, String> {
        let request = json!({
            "ClientId": self.service.0, "ClientSecret": self.service.1,
            "SubjectToken": self.tokens["AccessToken"], "SubjectTokenType": "ACCESS_TOKEN",
        });
        match self.world.ask("GetDerivedToken", with(&request, more)).await {
            Ok(answer) => Ok(answer),
            refused => Err(refusal(refused)),
        }
    }

    async fn opens(&self, token: &Value) -> bool {
        self.world.ask("GetUser", json!({ "AccessToken": token })).await.is_ok()
    }
}

async fn a_users_token_becomes_another(store: Store) {
    let it = Exchange::new(store).await;
    let first = claims(&it.tokens["AccessToken"]);
    it.world.clock.advance(Duration::from_secs(600));
    let answer = it.derive(json!({})).await.unwrap();
    assert_eq!(
        (text(&answer["IssuedTokenType"]), text(&answer["TokenType"])),
        ("ACCESS_TOKEN".into(), "Bearer".into())
    );
    assert_eq!((&answer["Scopes"], answer["ExpiresIn"].as_i64()), (&json!([ADMIN_SCOPE]), Some(3_000)));
    let said = claims(&answer["IssuedToken"]);
    for name in ["sub", "username", "iss", "origin_jti", "auth_time", "scope", "cognito:groups", "exp", "token_use"] {
        assert_eq!(said[name], first[name], "{name}");
    }
    assert_eq!((text(&said["client_id"]), said.get("act"), said.get("aud")), (it.service.0.clone(), None, None));
    assert!(said["jti"] != first["jti"] && said["iat"] != first["iat"]);
    assert!(it.opens(&answer["IssuedToken"]).await);

    // For another service: it opens nothing here.
    let bound = it.derive(json!({ "Resources": ["https://orders"], "Scopes": ["https://orders/read"] })).await.unwrap();
    assert_eq!((&claims(&bound["IssuedToken"])["aud"], &bound["Scopes"]), (&json!("https://orders"), &json!([])));
    assert!(claims(&bound["IssuedToken"]).get("scope").is_none(), "the first token had no such scope");
    let bound = it.derive(json!({ "Audiences": ["payments"] })).await.unwrap();
    assert_eq!(claims(&bound["IssuedToken"])["aud"], "payments");
    assert!(!it.opens(&bound["IssuedToken"]).await);
    assert!(!claims(&bound["IssuedToken"])["scope"].to_string().contains(ADMIN_SCOPE), "it is for nobody else");
    let widened = it.derive(json!({ "SubjectToken": bound["IssuedToken"] })).await.unwrap_err();
    assert!(widened.starts_with("InvalidParameterException: A SubjectToken with an audience"), "{widened}");

    let id = it.derive(json!({ "RequestedTokenType": "ID_TOKEN" })).await.unwrap();
    assert_eq!((text(&id["IssuedTokenType"]), text(&id["TokenType"])), ("ID_TOKEN".into(), "N_A".into()));
    let said = claims(&id["IssuedToken"]);
    assert_eq!((text(&said["aud"]), text(&said["email"])), (it.service.0.clone(), "jane@example.com".into()));
    assert_eq!(said["cognito:preferred_role"], "arn:aws:iam::000000000000:role/staff");
    let by_id = json!({ "SubjectToken": it.tokens["IdToken"], "SubjectTokenType": "ID_TOKEN" });
    assert_eq!(it.derive(by_id).await.unwrap()["Scopes"], json!([]), "an ID token has no scopes to give");
}

async fn an_exchanged_token_dies_with_the_first(store: Store) {
    let it = Exchange::new(store).await;
    let revoke = json!({ "ClientId": it.world.client, "Token": it.tokens["RefreshToken"] });
    let derived = it.derive(json!({})).await.unwrap()["IssuedToken"].clone();
    let of_derived = it.derive(json!({ "SubjectToken": derived })).await.unwrap()["IssuedToken"].clone();
    assert!(it.opens(&derived).await && it.opens(&of_derived).await);
    it.world.ask("RevokeToken", revoke).await.unwrap();
    assert!(!it.opens(&derived).await && !it.opens(&of_derived).await);
    assert_eq!(it.derive(json!({})).await.unwrap_err(), "NotAuthorizedException: Access Token has been revoked");

    let tokens = it.world.sign_in("jane", PASSWORD).await.unwrap();
    let subject = json!({ "SubjectToken": tokens["AccessToken"] });
    it.world.clock.advance(Duration::from_secs(5));
    let derived = it.derive(subject.clone()).await.unwrap()["IssuedToken"].clone();
    let request = json!({ "UserPoolId": it.world.pool, "Username": "jane" });
    it.world.ask("AdminUserGlobalSignOut", request).await.unwrap();
    assert!(!it.opens(&derived).await);
    assert!(it.derive(subject).await.is_err());
    // Made at the last moment it lives no longer.
    let subject = json!({ "SubjectToken": it.world.sign_in("jane", PASSWORD).await.unwrap()["AccessToken"] });
    it.world.clock.advance(Duration::from_secs(3_599));
    assert_eq!(it.derive(subject.clone()).await.unwrap()["ExpiresIn"], 1);
    it.world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(it.derive(subject).await.unwrap_err(), "NotAuthorizedException: SubjectToken has expired");
}

async fn who_acted_is_remembered(store: Store) {
    let it = Exchange::new(store).await;
    let (machine, secret) = client(&it.world, machine()).await;
    let actor = ask_token(&it.world, (&machine, &secret), Value::Null).await.unwrap()["AccessToken"].clone();
    let acting = json!({ "ActorToken": actor, "ActorTokenType": "ACCESS_TOKEN" });
    let derived = it.derive(acting.clone()).await.unwrap()["IssuedToken"].clone();
    assert_eq!(claims(&derived)["act"], json!({ "sub": machine }));
    // An exchange without an actor hides nobody.
    let again = it.derive(json!({ "SubjectToken": derived })).await.unwrap()["IssuedToken"].clone();
    assert_eq!(claims(&again)["act"], json!({ "sub": machine }));
    it.world.user("joan", PASSWORD).await;
    let joan = it.world.sign_in("joan", PASSWORD).await.unwrap();
    let by_joan = json!({ "SubjectToken": again, "ActorToken": joan["IdToken"], "ActorTokenType": "ID_TOKEN" });
    let both = it.derive(by_joan.clone()).await.unwrap()["IssuedToken"].clone();
    assert_eq!(claims(&both)["act"], json!({ "sub": claims(&joan["IdToken"])["sub"], "act": { "sub": machine } }));
    // An actor who is dead acts for nobody.
    it.world.ask("AdminDisableUser", json!({ "UserPoolId": it.world.pool, "Username": "joan" })).await.unwrap();
    assert_eq!(it.derive(by_joan).await.unwrap_err(), "NotAuthorizedException: Access Token has been revoked");
    it.world.ask("DeleteUserPoolClient", json!({ "UserPoolId": it.world.pool, "ClientId": machine })).await.unwrap();
    assert_eq!(it.derive(acting).await.unwrap_err(), "NotAuthorizedException: ActorToken has been revoked");
}

async fn what_is_not_exchanged(store: Store) {
    let it = Exchange::new(store).await;
    let (machine, secret) = client(&it.world, machine()).await;
    let of_client = ask_token(&it.world, (&machine, &secret), Value::Null).await.unwrap()["AccessToken"].clone();
    let access = text(&it.tokens["AccessToken"]);
    let other_signature = format!("{}A", &access[..access.len() - 2]);
    for (more, said) in [
        (json!({ "ClientSecret": "wrong_secret_of_a_service" }), "NotAuthorizedException: Invalid client secret."),
        (json!({ "ClientId": "nobody" }), "ResourceNotFoundException: User pool client nobody does not exist."),
        (
            json!({ "ClientId": machine, "ClientSecret": secret }),
            "NotAuthorizedException: Token exchange by impersonation is not enabled for the client.",
        ),
        (json!({ "SubjectToken": other_signature }), "NotAuthorizedException: Invalid SubjectToken"),
        (json!({ "SubjectToken": it.tokens["IdToken"] }), "NotAuthorizedException: Invalid SubjectToken"),
        (json!({ "SubjectTokenType": "ID_TOKEN" }), "NotAuthorizedException: Invalid SubjectToken"),
        (json!({ "SubjectToken": "nonsense" }), "NotAuthorizedException: Invalid SubjectToken"),
        (json!({ "SubjectToken": of_client }), "NotAuthorizedException: SubjectToken is of no user."),
        (
            json!({ "SubjectTokenType": "SAML2" }),
            "InvalidParameterException: SubjectToken of type SAML2 needs its provider's name.",
        ),
        (
            json!({ "SubjectTokenProviderName": "Corp" }),
            "ResourceNotFoundException: Identity provider Corp does not exist.",
        ),
        (json!({ "ActorToken": of_client }), "InvalidParameterException: ActorTokenType is required with ActorToken."),
        (
            json!({ "ActorToken": "nonsense", "ActorTokenType": "ACCESS_TOKEN" }),
            "NotAuthorizedException: Invalid ActorToken",
        ),
        (
            json!({ "Resources": ["https://nothing"] }),
            "ResourceNotFoundException: Resource server https://nothing does not exist.",
        ),
        (
            json!({ "Resources": ["https://orders"], "Audiences": ["payments"] }),
            "InvalidParameterException: Audiences and Resources can't both be requested.",
        ),
    ] {
        assert_eq!(it.derive(more.clone()).await.unwrap_err(), said, "{more}");
    }
    // A token of another pool.
    let pool = it.world.ask("CreateUserPool", json!({ "PoolName": "other" })).await.unwrap();
    let other = json!({
        "UserPoolId": pool["UserPool"]["Id"], "ClientName": "service",
        "ExplicitAuthFlows": ["ALLOW_TOKEN_EXCHANGE_IMPERSONATION"],
    });
    let other = it.world.ask("CreateUserPoolClient", other).await.unwrap()["UserPoolClient"]["ClientId"].clone();
    let more = json!({ "ClientId": other });
    assert_eq!(it.derive(more).await.unwrap_err(), "NotAuthorizedException: Invalid SubjectToken");
    it.world.ask("DeleteUser", json!({ "AccessToken": access })).await.unwrap();
    assert_eq!(it.derive(json!({})).await.unwrap_err(), "UserNotFoundException: User does not exist.");
}
