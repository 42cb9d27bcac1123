//! The JSON endpoints over both engines, by raw requests.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cognito_model::Fault;
use common::ids::PoolId;
use futures_util::future::join_all;
use http_body_util::BodyExt;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};

use super::{Door, OAuth, closed, routes};
use crate::aws_json::Certificate;
use crate::domains::Site;
use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, text};

on_both_engines!(
    a_client_gets_a_token_of_its_own,
    what_a_client_may_not_have_is_refused,
    clients_prove_themselves_in_one_way,
    a_session_is_refreshed_and_ended,
    a_rotated_token_that_comes_again_ends_its_session,
    requests_that_are_none_are_refused_in_the_endpoints_form,
    only_the_diagonal_passes,
    a_resource_server_asks_whether_a_token_lives,
);

const PASSWORD: &str = "Correct-Horse-1";

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// No quotas.
struct Open;

impl Door for Open {
    fn take(&self, _: &'static str, _: &PoolId) -> Result<(), Fault> {
        Ok(())
    }
}

/// The endpoints on one pool's domain.
pub(super) struct Endpoints(TowerToHyperService<Router>);

/// Status, fields, and the body: JSON, or null where it is empty.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: axum::http::HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn error(&self) -> (u16, String) {
        (self.status, text(&self.body["error"]))
    }
}

impl Endpoints {
    pub(super) fn of(world: &World, pool: &str) -> Self {
        Self::behind(world, pool, None)
    }

    /// Behind somebody who says which certificate the client showed.
    pub(super) fn behind(world: &World, pool: &str, certificate: Option<Certificate>) -> Self {
        let site = Site { pool: PoolId::parse(pool).unwrap(), base: "https://login.example.com".into() };
        let state = OAuth { services: world.services.clone(), door: Arc::new(Open) };
        let mut routes = closed(routes()).layer(Extension(site));
        if let Some(certificate) = certificate {
            routes = routes.layer(Extension(certificate));
        }
        Self(TowerToHyperService::new(routes.with_state(state)))
    }

    pub(super) async fn send(&self, path: &str, fields: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        let mut request = Request::post(path);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let response = self.0.call(request.body(Body::from(body.into())).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    pub(super) async fn post(&self, path: &str, basic: Option<(&str, &str)>, form: &str) -> Answer {
        let basic = basic.map(|(id, secret)| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))));
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let fields: Vec<_> = [kind].into_iter().chain(basic.as_deref().map(|basic| ("authorization", basic))).collect();
        self.send(path, &fields, form).await
    }
}

/// A client with a secret and scopes of a resource server.
pub(super) async fn machine(world: &World) -> (String, String) {
    let scopes =
        json!([{ "ScopeName": "read", "ScopeDescription": "r" }, { "ScopeName": "write", "ScopeDescription": "w" }]);
    let server =
        json!({ "UserPoolId": world.pool, "Identifier": "https://orders", "Name": "orders", "Scopes": scopes });
    world.ask("CreateResourceServer", server).await.unwrap();
    let create = json!({
        "UserPoolId": world.pool, "ClientName": "machine", "GenerateSecret": true, "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthScopes": ["https://orders/read", "https://orders/write"],
    });
    let made = world.ask("CreateUserPoolClient", create).await.unwrap()["UserPoolClient"].clone();
    (text(&made["ClientId"]), text(&made["ClientSecret"]))
}

pub(super) fn claims(token: &Value) -> Value {
    let token = text(token);
    let payload = common::jose::base64url_decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

async fn a_client_gets_a_token_of_its_own(store: Store) {
    let world = World::new(store).await;
    let (id, secret) = machine(&world).await;
    let endpoints = Endpoints::of(&world, &world.pool);
    let all = endpoints.post("/oauth2/token", Some((&id, &secret)), "grant_type=client_credentials").await;
    assert_eq!(
        (all.status, text(&all.body["token_type"]), &all.body["expires_in"]),
        (200, "Bearer".into(), &json!(3_600))
    );
    assert_eq!(all.headers["cache-control"], "no-store");
    assert_eq!(all.headers["access-control-allow-origin"], "*");
    assert!(all.body.get("refresh_token").is_none() && all.body.get("id_token").is_none());
    let said = claims(&all.body["access_token"]);
    assert_eq!(said["sub"], json!(id));
    assert_eq!(said["scope"], "https://orders/read https://orders/write");
    let form = format!(
        "grant_type=client_credentials&client_id={id}&client_secret={secret}&scope=https%3A%2F%2Forders%2Fread"
    );
    let one = endpoints.post("/oauth2/token", None, &form).await;
    assert_eq!(claims(&one.body["access_token"])["scope"], "https://orders/read");
    assert!(claims(&one.body["access_token"]).get("aud").is_none());
    let bound = endpoints.post("/oauth2/token", None, &format!("{form}&resource=https%3A%2F%2Forders")).await;
    assert_eq!(claims(&bound.body["access_token"])["aud"], "https://orders");
}

async fn what_a_client_may_not_have_is_refused(store: Store) {
    let world = World::new(store).await;
    let (id, secret) = machine(&world).await;
    let endpoints = Endpoints::of(&world, &world.pool);
    let cases = [
        ("grant_type=client_credentials&scope=openid", "invalid_scope"),
        ("grant_type=client_credentials&scope=https%3A%2F%2Forders%2Fdelete", "invalid_scope"),
        ("grant_type=client_credentials&resource=https%3A%2F%2Fnobody", "invalid_target"),
        ("grant_type=client_credentials&resource=https%3A%2F%2Forders&resource=b", "invalid_target"),
        ("grant_type=client_credentials&audience=https%3A%2F%2Forders", "invalid_target"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", "invalid_grant"),
        ("grant_type=authorization_code", "invalid_request"),
        ("grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x", "expired_token"),
        ("grant_type=urn:ietf:params:oauth:grant-type:token-exchange", "unauthorized_client"),
        ("grant_type=", "invalid_request"),
        ("scope=a", "invalid_request"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=made-up", "invalid_grant"),
    ];
    for (form, error) in cases {
        let answer = endpoints.post("/oauth2/token", Some((&id, &secret)), form).await;
        assert_eq!(answer.error(), (400, error.to_owned()), "{form}");
    }
    let plain = json!({ "UserPoolId": world.pool, "ClientName": "plain", "GenerateSecret": true });
    let plain = world.ask("CreateUserPoolClient", plain).await.unwrap()["UserPoolClient"].clone();
    let (id, secret) = (text(&plain["ClientId"]), text(&plain["ClientSecret"]));
    let answer = endpoints.post("/oauth2/token", Some((&id, &secret)), "grant_type=client_credentials").await;
    assert_eq!(answer.error(), (400, "unauthorized_client".into()));
}

async fn clients_prove_themselves_in_one_way(store: Store) {
    let world = World::new(store).await;
    let (id, secret) = machine(&world).await;
    let endpoints = Endpoints::of(&world, &world.pool);
    let grant = "grant_type=client_credentials";
    let wrong = endpoints.post("/oauth2/token", Some((&id, "wrong")), grant).await;
    assert_eq!(wrong.error(), (401, "invalid_client".into()));
    assert!(wrong.headers["www-authenticate"].to_str().unwrap().starts_with("Basic "));
    let cases = [
        (None, format!("{grant}&client_id={id}"), 400, "invalid_client"),
        (None, format!("{grant}&client_id={id}&client_secret=wrong"), 400, "invalid_client"),
        (None, format!("{grant}&client_id=nobody&client_secret=x"), 400, "invalid_client"),
        (None, format!("{grant}&client_id=%00"), 400, "invalid_request"),
        (None, format!("{grant}&client_secret={secret}"), 400, "invalid_request"),
        (Some((&*id, &*secret)), format!("{grant}&client_secret={secret}"), 400, "invalid_request"),
        (Some((&*id, &*secret)), format!("{grant}&client_id=other"), 400, "invalid_request"),
        (Some((&*id, "")), grant.to_owned(), 401, "invalid_client"),
    ];
    for (basic, form, status, error) in cases {
        let answer = endpoints.post("/oauth2/token", basic, &form).await;
        assert_eq!(answer.error(), (status, error.to_owned()), "{basic:?} {form}");
    }
    // A client without a secret that shows one is not who it says.
    let form = format!("grant_type=refresh_token&refresh_token=x&client_id={}&client_secret=x", world.client);
    assert_eq!(endpoints.post("/oauth2/token", None, &form).await.error(), (400, "invalid_client".into()));
}

async fn a_session_is_refreshed_and_ended(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
    let refresh = text(&tokens["RefreshToken"]);
    let endpoints = Endpoints::of(&world, &world.pool);
    let by = |more: &str| format!("grant_type=refresh_token&client_id={}&refresh_token={refresh}{more}", world.client);
    let answer = endpoints.post("/oauth2/token", None, &by("")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.get("refresh_token").is_none() && answer.body.get("scope").is_none());
    assert_eq!(claims(&answer.body["id_token"])["origin_jti"], claims(&tokens["IdToken"])["origin_jti"]);
    let access = text(&answer.body["access_token"]);
    let scoped = endpoints.post("/oauth2/token", None, &by("&scope=aws.cognito.signin.user.admin")).await;
    assert_eq!(text(&scoped.body["scope"]), "aws.cognito.signin.user.admin");
    assert_eq!(
        endpoints.post("/oauth2/token", None, &by("&scope=openid")).await.error(),
        (400, "invalid_scope".into())
    );

    assert!(world.ask("GetUser", json!({ "AccessToken": access })).await.is_ok());
    let revoke = |token: &str| format!("client_id={}&token={token}", world.client);
    let jwt = endpoints.post("/oauth2/revoke", None, &revoke(&access)).await;
    assert_eq!(jwt.error(), (400, "unsupported_token_type".into()));
    assert_eq!(endpoints.post("/oauth2/revoke", None, &revoke("")).await.error(), (400, "invalid_request".into()));
    for token in ["unknown", &refresh, &refresh] {
        let answer = endpoints.post("/oauth2/revoke", None, &revoke(token)).await;
        assert_eq!((answer.status, answer.body), (200, Value::Null), "{token}");
    }
    assert!(
        world.ask("GetUser", json!({ "AccessToken": access })).await.is_err(),
        "the access token ended with its session"
    );
    assert_eq!(endpoints.post("/oauth2/token", None, &by("")).await.error(), (400, "invalid_grant".into()));
}

async fn a_rotated_token_that_comes_again_ends_its_session(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let update = json!({
        "UserPoolId": world.pool, "ClientId": world.client, "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 0 }, "EnableTokenRevocation": true,
    });
    world.ask("UpdateUserPoolClient", update).await.unwrap();
    let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
    let endpoints = Endpoints::of(&world, &world.pool);
    let by = |token: &str| format!("grant_type=refresh_token&client_id={}&refresh_token={token}", world.client);
    let first = text(&tokens["RefreshToken"]);
    let answers = join_all((0..8).map(async |_| endpoints.post("/oauth2/token", None, &by(&first)).await)).await;
    let (good, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(good.len() <= 1, "one redemption at most");
    assert!(refused.iter().all(|answer| answer.error() == (400, "invalid_grant".into())));
    let second = good.first().map(|answer| text(&answer.body["refresh_token"])).unwrap_or_default();
    assert_ne!(second, first);
    assert_eq!(
        endpoints.post("/oauth2/token", None, &by(&second)).await.status,
        400,
        "who comes again ended the session"
    );
}

async fn requests_that_are_none_are_refused_in_the_endpoints_form(store: Store) {
    let world = World::new(store).await;
    let endpoints = Endpoints::of(&world, &world.pool);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let large = format!("grant_type={}", "x".repeat(70_000));
    let none: &[(&str, &str)] = &[];
    let cases = [
        (none, b"grant_type=refresh_token".to_vec()),
        (&[("content-type", "application/json")][..], b"{}".to_vec()),
        (&[form][..], Vec::new()),
        (&[form][..], vec![0xff; 100]),
        (&[form][..], b"grant_type=a&grant_type=b&client_id=c".to_vec()),
        (&[form][..], "a&".repeat(1_000).into_bytes()),
        (&[form][..], large.into_bytes()),
        (&[form, ("authorization", "Basic a"), ("authorization", "Basic b")][..], b"grant_type=x".to_vec()),
    ];
    for path in ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"] {
        for (fields, body) in &cases {
            let answer = endpoints.send(path, fields, body.clone()).await;
            assert_eq!(answer.error(), (400, "invalid_request".into()), "{path} {fields:?}");
        }
        let bearer = endpoints.send(path, &[form, ("authorization", "Bearer x")], "grant_type=x").await;
        assert_eq!(bearer.error(), (401, "invalid_client".into()));
    }
}

/// T42: a client and a token of one pool are good on that pool's domain alone.
async fn only_the_diagonal_passes(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let (id, secret) = machine(&world).await;
    let other = world.ask("CreateUserPool", json!({ "PoolName": "other" })).await.unwrap();
    let other = text(&other["UserPool"]["Id"]);
    let create = json!({ "UserPoolId": other, "ClientName": "there" });
    let there = text(&world.ask("CreateUserPoolClient", create).await.unwrap()["UserPoolClient"]["ClientId"]);
    let refresh = text(&world.sign_in("jane", PASSWORD).await.unwrap()["RefreshToken"]);
    let elsewhere = Endpoints::of(&world, &other);
    let machine = elsewhere.post("/oauth2/token", Some((&id, &secret)), "grant_type=client_credentials").await;
    assert_eq!(machine.error(), (401, "invalid_client".into()));
    let form = format!("grant_type=refresh_token&client_id={}&refresh_token={refresh}", world.client);
    assert_eq!(elsewhere.post("/oauth2/token", None, &form).await.error(), (400, "invalid_client".into()));
    let form = format!("grant_type=refresh_token&client_id={there}&refresh_token={refresh}");
    assert_eq!(elsewhere.post("/oauth2/token", None, &form).await.error(), (400, "invalid_grant".into()));
    let revoke = format!("client_id={there}&token={refresh}");
    assert_eq!(elsewhere.post("/oauth2/revoke", None, &revoke).await.status, 200, "unknown there");
    let form = format!("grant_type=refresh_token&client_id={}&refresh_token={refresh}", world.client);
    let own = Endpoints::of(&world, &world.pool).post("/oauth2/token", None, &form).await;
    assert_eq!(own.status, 200, "it lives");
}

async fn a_resource_server_asks_whether_a_token_lives(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let (id, secret) = machine(&world).await;
    let endpoints = Endpoints::of(&world, &world.pool);
    let ask = async |token: &Value| {
        let form = format!("token={}&token_type_hint=access_token", text(token));
        let answer = endpoints.post("/oauth2/introspect", Some((&id, &secret)), &form).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
        answer.body
    };
    let grant = "grant_type=client_credentials";
    let own = endpoints.post("/oauth2/token", Some((&id, &secret)), grant).await.body["access_token"].clone();
    let said = ask(&own).await;
    assert_eq!((&said["active"], text(&said["sub"]), text(&said["client_id"])), (&json!(true), id.clone(), id.clone()));
    assert!(said.get("username").is_none() && said["exp"] == claims(&own)["exp"]);

    let tokens = world.sign_in("jane", PASSWORD).await.unwrap();
    let (access, refresh) = (&tokens["AccessToken"], &tokens["RefreshToken"]);
    let said = ask(access).await;
    for name in ["iss", "sub", "client_id", "scope", "exp", "iat", "username", "jti", "origin_jti", "auth_time"] {
        assert_eq!(said[name], claims(access)[name], "{name}");
    }
    let dead = json!({ "active": false });
    assert_eq!(ask(&tokens["IdToken"]).await, dead, "an ID token opens nothing");
    assert_eq!(ask(refresh).await, dead, "another client's");
    let forged = json!(format!("{}x", text(access)));
    for nothing in [forged, json!("a.b.c"), json!("unknown"), json!("%00".repeat(3).replace('%', "p"))] {
        assert_eq!(ask(&nothing).await, dead, "{nothing}");
    }
    world.ask("GlobalSignOut", json!({ "AccessToken": access })).await.unwrap();
    assert_eq!(ask(access).await, dead, "signed out");
    world.clock.advance(std::time::Duration::from_secs(3_601));
    assert_eq!(ask(&own).await, dead, "expired");

    let public = format!("token=x&client_id={}", world.client);
    let refused = endpoints.post("/oauth2/introspect", None, &public).await;
    assert_eq!(refused.error(), (400, "invalid_client".into()), "who has no secret may not ask");
    let missing = endpoints.post("/oauth2/introspect", Some((&id, &secret)), "token=").await;
    assert_eq!(missing.error(), (400, "invalid_request".into()));
}

/// A client that may sign users in, too, hears of its own refresh tokens.
#[tokio::test]
async fn a_client_asks_for_its_own_refresh_token() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(crate::engines::sqlite(&folder, &migrations()).await).await;
    world.user("jane", PASSWORD).await;
    let create = json!({
        "UserPoolId": world.pool, "ClientName": "server", "GenerateSecret": true, "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    });
    let made = world.ask("CreateUserPoolClient", create).await.unwrap()["UserPoolClient"].clone();
    let (id, secret) = (text(&made["ClientId"]), text(&made["ClientSecret"]));
    let client = common::ids::ClientId::parse(id.as_str()).unwrap();
    let hash = crate::passwords::secret_hash(&secret.as_str().to_owned().into(), "jane", &client);
    let sign_in = json!({
        "UserPoolId": world.pool, "ClientId": id, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "jane", "PASSWORD": PASSWORD, "SECRET_HASH": hash },
    });
    let tokens = world.ask("AdminInitiateAuth", sign_in).await.unwrap()["AuthenticationResult"].clone();
    let endpoints = Endpoints::of(&world, &world.pool);
    let form = format!("token={}", text(&tokens["RefreshToken"]));
    let ask = async || endpoints.post("/oauth2/introspect", Some((&id, &secret)), &form).await.body;
    let said = ask().await;
    assert_eq!((&said["active"], text(&said["username"])), (&json!(true), "jane".into()));
    assert_eq!(said["sub"], claims(&tokens["AccessToken"])["sub"]);
    endpoints.post("/oauth2/revoke", Some((&id, &secret)), &form).await;
    assert_eq!(ask().await, json!({ "active": false }));
}
