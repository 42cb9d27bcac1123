//! Registration and what clients' documents say, over both engines, by raw requests.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::{Extension, Router};
use cognito_model::Fault;
use common::ids::PoolId;
use futures_util::future::join_all;
use http_body_util::BodyExt;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};

use crate::clients::{self, Client};
use crate::domains::Site;
use crate::engines::on_both_engines;
use crate::oauth::{Door, OAuth, closed, routes};
use crate::outbound::fixture::{Server, answer, document};
use crate::pools::{self, Pool};
use crate::store::{Batch, Migration, Statement, Store};
use crate::world::{World, refusal, text, with};

on_both_engines!(
    nothing_registers_unless_the_pool_says_so,
    a_stranger_registers_and_manages_its_client,
    what_is_registered_is_a_third_partys_and_no_more_than_the_pool_gives,
    bad_metadata_has_the_protocols_errors,
    a_closed_pool_takes_an_access_token_for_it,
    a_registration_is_opened_by_its_own_token_alone,
    a_change_replaces_and_widens_nothing,
    a_sector_lists_its_redirects,
    a_full_pool_takes_no_more,
    a_document_is_a_client,
    documents_that_are_none,
    many_requests_make_one_client_of_a_document,
    a_registered_client_goes_with_its_registration,
);

const BASE: &str = "https://login.example.com";

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

struct Open;

impl Door for Open {
    fn take(&self, _: &'static str, _: &PoolId) -> Result<(), Fault> {
        Ok(())
    }
}

struct Endpoints(TowerToHyperService<Router>);

struct Answer {
    status: u16,
    headers: axum::http::HeaderMap,
    body: Value,
}

impl Answer {
    fn error(&self) -> (u16, &str) {
        (self.status, self.body["error"].as_str().unwrap_or_default())
    }
}

impl Endpoints {
    fn of(world: &World) -> Self {
        let site = Site { pool: PoolId::parse(world.pool.as_str()).unwrap(), base: BASE.into() };
        let state = OAuth { services: world.services.clone(), door: Arc::new(Open) };
        Self(TowerToHyperService::new(closed(routes()).layer(Extension(site)).with_state(state)))
    }

    async fn send(&self, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let (head, body) = self.0.call(request.body(Body::from(body)).unwrap()).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    async fn register(&self, metadata: Value) -> Answer {
        self.send("POST", "/oauth2/register", None, Some(&metadata)).await
    }
}

/// A pool that registers, with more in its configuration.
async fn world_of(store: Store, more: Value) -> World {
    let dcr = with(&json!({ "EnableStatus": "Enabled" }), more);
    World::with_pool(store, json!({ "DcrConfiguration": dcr })).await
}

async fn open_world(store: Store) -> World {
    world_of(store, json!({ "OpenDcrEnabled": true })).await
}

fn least() -> Value {
    json!({ "redirect_uris": ["https://app.example/cb"] })
}

async fn pool_of(world: &World) -> Pool {
    pools::find(&world.services.store, &PoolId::parse(world.pool.as_str()).unwrap()).await.unwrap()
}

async fn discovery(endpoints: &Endpoints) -> Value {
    endpoints.send("GET", "/.well-known/oauth-authorization-server", None, None).await.body
}

async fn nothing_registers_unless_the_pool_says_so(store: Store) {
    let world = World::new(store).await;
    let endpoints = Endpoints::of(&world);
    for dcr in [
        json!({}),
        json!({ "OpenDcrEnabled": true }),
        json!({ "EnableStatus": "Disabled", "OpenDcrEnabled": true, "OpenDcrGrantTypes": ["code"] }),
    ] {
        let update = json!({ "UserPoolId": world.pool, "DcrConfiguration": dcr });
        world.ask("UpdateUserPool", update).await.unwrap();
        assert_eq!(endpoints.register(least()).await.status, 404, "{dcr}");
        let said = discovery(&endpoints).await;
        assert!(said.get("registration_endpoint").is_none(), "{dcr}");
        assert!(said.get("client_id_metadata_document_supported").is_none(), "{dcr}");
        let server = Server::says(document(&json!({}))).await;
        let call = world.command("Test");
        let refused = clients::of_request(&call, &pool_of(&world).await, &server.url("/client")).await;
        assert!(refusal(refused).starts_with("ResourceNotFoundException"), "{dcr}");
        assert_eq!(server.asked(), 0, "nobody makes it ask");
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM clients").await, 2);
}

async fn a_stranger_registers_and_manages_its_client(store: Store) {
    let world = open_world(store).await;
    let endpoints = Endpoints::of(&world);
    assert_eq!(discovery(&endpoints).await["registration_endpoint"], format!("{BASE}/oauth2/register"));
    let metadata = json!({
        "redirect_uris": ["https://app.example/cb"], "client_name": "App", "scope": "openid email",
        "grant_types": ["authorization_code", "refresh_token"], "contacts": ["ops@app.example"],
        "logo_uri": "https://app.example/logo.png", "not_known": { "a": 1 },
    });
    let made = endpoints.register(metadata).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.headers["cache-control"], "no-store");
    assert_eq!(made.headers["access-control-allow-origin"], "*");
    let body = &made.body;
    let (id, secret) = (text(&body["client_id"]), text(&body["client_secret"]));
    assert_eq!(body["registration_client_uri"], format!("{BASE}/oauth2/register/{id}"));
    assert_eq!(body["client_id_issued_at"], world.now().seconds());
    assert_eq!((secret.len(), &body["client_secret_expires_at"]), (51, &json!(0)));
    for (name, value) in [
        ("redirect_uris", json!(["https://app.example/cb"])),
        ("client_name", json!("App")),
        ("scope", json!("openid email")),
        ("grant_types", json!(["authorization_code", "refresh_token"])),
        ("response_types", json!(["code"])),
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("contacts", json!(["ops@app.example"])),
        ("logo_uri", json!("https://app.example/logo.png")),
        ("subject_type", json!("public")),
        ("id_token_signed_response_alg", json!("RS256")),
        ("application_type", json!("web")),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
    assert!(body.get("not_known").is_none() && body.get("jwks").is_none());

    let (path, token) = (format!("/oauth2/register/{id}"), text(&body["registration_access_token"]));
    let read = endpoints.send("GET", &path, Some(&token), None).await;
    assert_eq!((read.status, &read.body), (200, body));
    let stored = crate::store::Query::new("SELECT digest FROM oauth_registrations");
    let stored = world.services.store.one(stored).await.unwrap().unwrap();
    assert_eq!(stored.bytes(0).unwrap(), crate::codes::token_digest(&token));

    let list = async |kind: Value| {
        let ask = with(&json!({ "UserPoolId": world.pool, "MaxResults": 60 }), kind);
        let listed = world.ask("ListUserPoolClients", ask).await.unwrap();
        listed["UserPoolClients"].as_array().unwrap().iter().map(|client| text(&client["ClientId"])).collect::<Vec<_>>()
    };
    assert_eq!(list(json!({ "ClientType": "DCR" })).await, std::slice::from_ref(&id));
    assert!(list(json!({})).await.len() == 2 && !list(json!({})).await.contains(&id));
    let named = json!({ "UserPoolId": world.pool, "ClientId": id });
    let described = world.ask("DescribeUserPoolClient", named).await.unwrap()["UserPoolClient"].clone();
    assert_eq!((&described["ClientType"], text(&described["ClientSecret"])), (&json!("DCR"), secret));
    assert_eq!(described["CallbackURLs"], json!(["https://app.example/cb"]));
    let audited =
        "SELECT COUNT(*) FROM audit WHERE operation = 'Register_POST' AND subject IS NOT NULL AND result = 'ok'";
    assert_eq!(world.count(audited).await, 1);
}

async fn registered(world: &World, id: &Value) -> Client {
    let call = world.command("Test");
    clients::of_request(&call, &pool_of(world).await, id.as_str().unwrap()).await.unwrap()
}

async fn what_is_registered_is_a_third_partys_and_no_more_than_the_pool_gives(store: Store) {
    let scopes = json!(["openid", "https://orders/read", "https://gone/read", "aws.cognito/dcr/register"]);
    let world = world_of(store, json!({ "OpenDcrEnabled": true, "AllowedScopes": scopes })).await;
    let read = json!([{ "ScopeName": "read", "ScopeDescription": "r" }]);
    let server = json!({ "UserPoolId": world.pool, "Identifier": "https://orders", "Name": "o", "Scopes": read });
    world.ask("CreateResourceServer", server).await.unwrap();
    let endpoints = Endpoints::of(&world);
    let all = endpoints.register(least()).await;
    assert_eq!(all.body["scope"], "openid https://orders/read", "what is there, and nothing that registers more");
    let client = registered(&world, &all.body["client_id"]).await;
    let oauth = &client.settings.oauth;
    assert!(oauth.third_party && oauth.profile == clients::oauth::Profile::Openid);
    assert!(client.settings.allowed_oauth_flows_user_pool_client && !client.settings.gives_refresh_tokens());
    let scope = |scope: &str| with(&least(), json!({ "scope": scope }));
    let some = endpoints.register(scope("email https://orders/read")).await;
    assert_eq!(some.body["scope"], "https://orders/read");
    for none in ["email", "aws.cognito/dcr/register", "aws.cognito.signin.user.admin", "https://gone/read"] {
        let refused = endpoints.register(scope(none)).await;
        assert_eq!(refused.error(), (400, "invalid_client_metadata"), "{none}");
    }
    for (grants, types) in [(json!(["implicit"]), json!(["token"])), (json!(["client_credentials"]), json!([]))] {
        let asked = with(&least(), json!({ "grant_types": grants, "response_types": types }));
        assert_eq!(endpoints.register(asked).await.error(), (400, "invalid_client_metadata"), "{grants}");
    }
    // Nobody signs in by Cognito's API for a client that a stranger made.
    world.user("jane", "Correct-Horse-1").await;
    let public = endpoints.register(with(&least(), json!({ "token_endpoint_auth_method": "none" }))).await;
    assert!(public.body.get("client_secret").is_none(), "{}", public.body);
    let parameters = json!({ "USERNAME": "jane", "PASSWORD": "Correct-Horse-1" });
    let sign_in = json!({
        "ClientId": public.body["client_id"], "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
    });
    assert!(refusal(world.ask("InitiateAuth", sign_in).await).contains("not enabled for this client"));
    let refresh = json!({ "ClientId": public.body["client_id"], "RefreshToken": "x" });
    let refused = refusal(world.ask("GetTokensFromRefreshToken", refresh).await);
    assert!(refused.contains("not enabled for this client"), "{refused}");
}

async fn bad_metadata_has_the_protocols_errors(store: Store) {
    let world = open_world(store).await;
    let endpoints = Endpoints::of(&world);
    for (metadata, error) in [
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://app.example/"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["https://app.example/#a"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
        (with(&least(), json!({ "software_statement": "a.b.c" })), "unapproved_software_statement"),
        (with(&least(), json!({ "subject_type": "pairwise" })), "invalid_client_metadata"),
        (with(&least(), json!({ "jwks_uri": "http://169.254.169.254/" })), "invalid_client_metadata"),
        (with(&least(), json!({ "backchannel_logout_uri": "ftp://app.example/" })), "invalid_client_metadata"),
        (with(&least(), json!({ "token_endpoint_auth_method": "client_secret_jwt" })), "invalid_client_metadata"),
        (json!([]), "invalid_client_metadata"),
        (json!("x".repeat(70_000)), "invalid_client_metadata"),
    ] {
        let refused = endpoints.register(metadata.clone()).await;
        assert_eq!(refused.error(), (400, error), "{}", metadata.to_string().get(..80).unwrap_or_default());
        assert!(refused.body["error_description"].is_string());
    }
    let raw = async |kind: &str, body: Vec<u8>| {
        let request = Request::post("/oauth2/register").header("content-type", kind).body(Body::from(body)).unwrap();
        endpoints.0.call(request).await.unwrap().status().as_u16()
    };
    assert_eq!(raw("text/plain", least().to_string().into_bytes()).await, 400);
    assert_eq!(raw("application/json", b"\xff".to_vec()).await, 400);
    let twice = br#"{"redirect_uris": ["https://a.example/"], "redirect_uris": ["https://b.example/"]}"#;
    assert_eq!(raw("application/json", twice.to_vec()).await, 400);
    assert_eq!(world.count("SELECT COUNT(*) FROM clients").await, 2);
}

async fn a_closed_pool_takes_an_access_token_for_it(store: Store) {
    let configuration =
        json!({ "AuthenticatedGrantTypes": ["client_credentials", "code"], "AllowedScopes": ["openid"] });
    let world = world_of(store, configuration).await;
    let endpoints = Endpoints::of(&world);
    let refused = endpoints.register(least()).await;
    assert_eq!(refused.error(), (401, "invalid_token"));
    assert_eq!(refused.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    let machine = async |scopes: Value| {
        let create = json!({
            "UserPoolId": world.pool, "ClientName": "m", "GenerateSecret": true, "AllowedOAuthFlows": ["client_credentials"],
            "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthScopes": scopes,
        });
        let made = world.ask("CreateUserPoolClient", create).await.unwrap()["UserPoolClient"].clone();
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            text(&made["ClientId"]),
            text(&made["ClientSecret"])
        );
        let request = Request::post("/oauth2/token").header("content-type", "application/x-www-form-urlencoded");
        let answer = endpoints.0.call(request.body(Body::from(form)).unwrap()).await.unwrap();
        let body: Value = serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
        (text(&made["ClientId"]), text(&body["access_token"]))
    };
    let read = json!([{ "ScopeName": "read", "ScopeDescription": "r" }]);
    let server = json!({ "UserPoolId": world.pool, "Identifier": "https://orders", "Name": "o", "Scopes": read });
    world.ask("CreateResourceServer", server).await.unwrap();
    let (maker, token) = machine(json!(["aws.cognito/dcr/register"])).await;
    let (_, other) = machine(json!(["https://orders/read"])).await;
    let with_token = async |token: &str, metadata: &Value| {
        endpoints.send("POST", "/oauth2/register", Some(token), Some(metadata)).await
    };
    for bad in [other.as_str(), "nonsense", "", &token[..token.len() - 4]] {
        assert_eq!(with_token(bad, &least()).await.error(), (401, "invalid_token"));
    }
    let made = with_token(&token, &least()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    world.clock.advance(Duration::from_secs(7_200));
    assert_eq!(with_token(&token, &least()).await.error(), (401, "invalid_token"), "it is over");
    // What it has made stays its own to manage, whoever may register now.
    let (path, own) =
        (format!("/oauth2/register/{}", text(&made.body["client_id"])), text(&made.body["registration_access_token"]));
    let change = with(&least(), json!({ "client_id": made.body["client_id"], "client_name": "Other" }));
    assert_eq!(endpoints.send("PUT", &path, Some(&own), Some(&change)).await.body["client_name"], "Other");
    let named = json!({ "UserPoolId": world.pool, "ClientId": maker });
    world.ask("DeleteUserPoolClient", named).await.unwrap();
    assert_eq!(endpoints.send("GET", &path, Some(&own), None).await.status, 200);
}

async fn a_registration_is_opened_by_its_own_token_alone(store: Store) {
    let world = open_world(store).await;
    let endpoints = Endpoints::of(&world);
    let (one, two) = (endpoints.register(least()).await.body, endpoints.register(least()).await.body);
    let path = format!("/oauth2/register/{}", text(&one["client_id"]));
    let change = with(&least(), json!({ "client_id": one["client_id"] }));
    let nobody = "/oauth2/register/nobody".to_owned();
    let by_admin = format!("/oauth2/register/{}", world.client);
    let (own, other) = (text(&one["registration_access_token"]), text(&two["registration_access_token"]));
    for method in ["GET", "PUT", "DELETE"] {
        for (path, token) in [
            (&path, None),
            (&path, Some(other.as_str())),
            (&path, Some("nonsense")),
            (&nobody, Some(own.as_str())),
            (&by_admin, Some(own.as_str())),
        ] {
            let refused = endpoints.send(method, path, token, Some(&change)).await;
            assert_eq!(refused.error(), (401, "invalid_token"), "{method} {path}");
        }
    }
    assert_eq!(endpoints.send("GET", &path, Some(&own), None).await.status, 200);
    let off = json!({ "UserPoolId": world.pool, "DcrConfiguration": { "EnableStatus": "Disabled" } });
    world.ask("UpdateUserPool", off).await.unwrap();
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(endpoints.send(method, &path, Some(&own), Some(&change)).await.status, 404, "off is off");
    }
    registered(&world, &one["client_id"]).await;
}

async fn a_change_replaces_and_widens_nothing(store: Store) {
    let world = open_world(store).await;
    let endpoints = Endpoints::of(&world);
    let metadata =
        with(&least(), json!({ "client_name": "App", "contacts": ["a@b.example"], "scope": "openid email" }));
    let made = endpoints.register(metadata).await.body;
    let (path, token) =
        (format!("/oauth2/register/{}", text(&made["client_id"])), text(&made["registration_access_token"]));
    let put = async |more: Value| {
        let own = with(&least(), json!({ "client_id": made["client_id"] }));
        endpoints.send("PUT", &path, Some(&token), Some(&with(&own, more))).await
    };
    let changed = put(json!({
        "redirect_uris": ["https://app.example/other"], "client_secret": made["client_secret"], "scope": "openid",
    }));
    let changed = changed.await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.body["redirect_uris"], json!(["https://app.example/other"]));
    assert_eq!((&changed.body["client_name"], &changed.body["scope"]), (&json!("app.example"), &json!("openid")));
    assert!(changed.body.get("contacts").is_none(), "what is left out is gone");
    for (more, error) in [
        (json!({ "client_id": "other" }), "invalid_client_metadata"),
        (json!({ "client_id": null }), "invalid_client_metadata"),
        (json!({ "client_secret": "guess" }), "invalid_client_metadata"),
        (json!({ "token_endpoint_auth_method": "none" }), "invalid_client_metadata"),
        (json!({ "grant_types": ["client_credentials"], "response_types": [] }), "invalid_client_metadata"),
        (json!({ "scope": "aws.cognito.signin.user.admin" }), "invalid_client_metadata"),
        (json!({ "redirect_uris": ["http://app.example/"] }), "invalid_redirect_uri"),
    ] {
        assert_eq!(put(more.clone()).await.error(), (400, error), "{more}");
    }
    assert_eq!(endpoints.send("GET", &path, Some(&token), None).await.body, changed.body, "nothing of them counts");
    assert!(registered(&world, &made["client_id"]).await.settings.oauth.third_party);
    // An administrator's update leaves the registration what it is.
    let update = json!({ "UserPoolId": world.pool, "ClientId": made["client_id"] });
    world.ask("UpdateUserPoolClient", update).await.unwrap();
    assert!(registered(&world, &made["client_id"]).await.settings.oauth.registered.is_some());
}

async fn a_sector_lists_its_redirects(store: Store) {
    let world = open_world(store).await;
    let endpoints = Endpoints::of(&world);
    let server = Server::says(document(&json!(["https://app.example/cb", "https://other.example/"]))).await;
    let metadata = with(&least(), json!({ "sector_identifier_uri": server.url("/sector") }));
    let made = endpoints.register(metadata.clone()).await;
    assert_eq!((made.status, &made.body["sector_identifier_uri"]), (201, &metadata["sector_identifier_uri"]));
    for said in [
        document(&json!(["https://app.example/other"])),
        document(&json!({ "uris": ["https://app.example/cb"] })),
        answer("200 OK\r\nContent-Type: text/html", "[\"https://app.example/cb\"]"),
        answer("302 Found\r\nLocation: /", ""),
        answer("404 Not Found", ""),
    ] {
        server.say(said.clone());
        assert_eq!(endpoints.register(metadata.clone()).await.error(), (400, "invalid_client_metadata"), "{said}");
    }
}

async fn a_full_pool_takes_no_more(store: Store) {
    let world = open_world(store).await;
    let endpoints = Endpoints::of(&world);
    let mut batch = Batch::new();
    for nth in 0..998 - 1 {
        let sql = "INSERT INTO clients (pool, client, name, settings, created_at, modified_at) VALUES ($1, $2, 'x', '{}', 1, 1)";
        batch.add(Statement::new(sql).bind(&world.pool).bind(format!("x{nth}")));
    }
    world.services.store.commit(batch).await.unwrap();
    let tries = join_all((0..3).map(|_| endpoints.register(least()))).await;
    let mut statuses: Vec<u16> = tries.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403, 403]);
    assert_eq!(world.count("SELECT COUNT(*) FROM clients").await, 1_000);
    let refused = endpoints.register(least()).await;
    assert_eq!(refused.error(), (403, "access_denied"));
    let server = Server::says("").await;
    server.say(document(&json!({ "client_id": server.url("/c"), "redirect_uris": ["https://app.example/cb"] })));
    let refused = clients::of_request(&world.command("Test"), &pool_of(&world).await, &server.url("/c")).await;
    assert!(refusal(refused).starts_with("LimitExceededException"));
}

fn client_document(url: &str, more: Value) -> Value {
    with(&json!({ "client_id": url, "client_name": "Tool", "redirect_uris": ["http://localhost:3118/callback"] }), more)
}

async fn a_document_is_a_client(store: Store) {
    let world = open_world(store).await;
    assert_eq!(discovery(&Endpoints::of(&world)).await["client_id_metadata_document_supported"], true);
    let pool = pool_of(&world).await;
    let server = Server::says("").await;
    let url = server.url("/oauth/client.json");
    server.say(document(&client_document(&url, json!({ "grant_types": ["authorization_code", "refresh_token"] }))));
    let of_request = async || clients::of_request(&world.command("Test"), &pool, &url).await;
    let client = of_request().await.unwrap();
    assert!(client.id.as_str().starts_with("document_") && client.secrets.is_empty());
    let oauth = &client.settings.oauth;
    assert_eq!(oauth.registered, Some(clients::oauth::Registered::ByDocument(url.clone())));
    assert_eq!(oauth.auth_methods, [clients::oauth::AuthMethod::None]);
    assert!(oauth.third_party && oauth.native && oauth.rotate_public && client.settings.gives_refresh_tokens());
    assert_eq!(client.settings.callback_urls.as_deref(), Some(&["http://localhost:3118/callback".to_owned()][..]));
    assert_eq!(registered(&world, &json!(client.id)).await.name, "Tool", "the id that it has in tokens names it, too");
    assert_eq!(of_request().await.unwrap().id, client.id);
    assert_eq!((server.asked(), world.count("SELECT COUNT(*) FROM clients").await), (1, 3));

    // It follows the document, once that is asked for again; for a while it goes on without.
    server.say(document(&client_document(&url, json!({ "redirect_uris": ["https://tool.example/cb"] }))));
    world.clock.advance(Duration::from_secs(301));
    let changed = of_request().await.unwrap();
    assert_eq!(
        (&changed.id, changed.settings.callback_urls.unwrap()),
        (&client.id, vec!["https://tool.example/cb".to_owned()])
    );
    assert!(!changed.settings.oauth.native);
    server.say(answer("503 Service Unavailable", ""));
    world.clock.advance(Duration::from_secs(301));
    assert_eq!(of_request().await.unwrap().id, client.id);
    server.say(answer("404 Not Found", ""));
    world.clock.advance(Duration::from_secs(301));
    assert!(
        refusal(of_request().await).contains("it answered HTTP 404"),
        "who takes the document away ends the client"
    );
    let audited = "SELECT COUNT(*) FROM audit WHERE operation = 'ReadClientDocument' AND subject IS NOT NULL";
    assert_eq!(world.count(audited).await, 2);
    // Another pool has another client of it.
    let elsewhere =
        json!({ "PoolName": "other", "DcrConfiguration": { "EnableStatus": "Enabled", "OpenDcrEnabled": true } });
    let elsewhere = text(&world.ask("CreateUserPool", elsewhere).await.unwrap()["UserPool"]["Id"]);
    let elsewhere = pools::find(&world.services.store, &PoolId::parse(elsewhere).unwrap()).await.unwrap();
    server.say(document(&client_document(&url, json!({}))));
    world.clock.advance(Duration::from_secs(301));
    let other = clients::of_request(&world.command("Test"), &elsewhere, &url).await.unwrap();
    assert_ne!(other.id, client.id);
    let refused = clients::of_request(&world.command("Test"), &elsewhere, client.id.as_str()).await;
    assert!(refusal(refused).starts_with("ResourceNotFoundException"), "a client is its own pool's");
}

async fn documents_that_are_none(store: Store) {
    let world = open_world(store).await;
    let pool = pool_of(&world).await;
    let of = async |url: &str| refusal(clients::of_request(&world.command("Test"), &pool, url).await);
    let server = Server::says("").await;
    for (nth, (more, why)) in [
        (json!({ "client_id": "https://other.example/c" }), "has another client_id than its URL"),
        (json!({ "client_id": null }), "has another client_id than its URL"),
        (json!({ "client_secret": "x" }), "has a client_secret"),
        (json!({ "token_endpoint_auth_method": "client_secret_basic" }), "none or private_key_jwt"),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), "needs jwks or jwks_uri"),
        (json!({ "redirect_uris": [] }), "redirect_uris: there is none"),
        (
            json!({ "redirect_uris": ["http://tool.example/"] }),
            "redirect_uris: http is for the loopback interface alone",
        ),
        (
            json!({ "grant_types": ["client_credentials"], "response_types": [] }),
            "registers no client for client_credentials",
        ),
        (json!({ "redirect_uris": 1 }), "is no client metadata"),
    ]
    .into_iter()
    .enumerate()
    {
        let url = server.url(&format!("/{nth}"));
        server.say(document(&client_document(&url, more.clone())));
        let said = of(&url).await;
        assert!(said.starts_with("InvalidParameterException: client_id: the document of the client: "), "{said}");
        assert!(said.contains(why), "{more}: {said}");
    }
    let asked = server.asked();
    for name in [
        server.url("/"),
        server.url("/a/../c"),
        server.url("/c?x=y"),
        server.url("/c#f"),
        "https://user@app.example/c".to_owned(),
        "http://169.254.169.254/c".to_owned(),
        "file:///etc/passwd".to_owned(),
        "no client".to_owned(),
        String::new(),
        "x".repeat(10_000),
    ] {
        let said = of(&name).await;
        assert!(said.starts_with("ResourceNotFoundException: User pool client "), "{name}: {said}");
    }
    assert_eq!(server.asked(), asked, "none of them is asked");
    assert_eq!(world.count("SELECT COUNT(*) FROM clients").await, 2);
}

async fn many_requests_make_one_client_of_a_document(store: Store) {
    let world = open_world(store).await;
    let pool = pool_of(&world).await;
    let server = Server::says("").await;
    let url = server.url("/c");
    server.say(document(&client_document(&url, json!({}))));
    let calls: Vec<_> = (0..8).map(|_| world.command("Test")).collect();
    let found = join_all(calls.iter().map(|call| clients::of_request(call, &pool, &url))).await;
    let ids: std::collections::BTreeSet<_> = found.into_iter().map(|client| client.unwrap().id).collect();
    assert_eq!((ids.len(), server.asked()), (1, 1));
    assert_eq!(world.count("SELECT COUNT(*) FROM clients").await, 3);
}

async fn a_registered_client_goes_with_its_registration(store: Store) {
    let world = open_world(store).await;
    let endpoints = Endpoints::of(&world);
    let gone = async |by_admin: bool| {
        let made = endpoints.register(least()).await.body;
        let (id, token) = (text(&made["client_id"]), text(&made["registration_access_token"]));
        let path = format!("/oauth2/register/{id}");
        if by_admin {
            let named = json!({ "UserPoolId": world.pool, "ClientId": id });
            world.ask("DeleteUserPoolClient", named).await.unwrap();
        } else {
            let ended = endpoints.send("DELETE", &path, Some(&token), None).await;
            assert_eq!((ended.status, &ended.body), (204, &Value::Null));
        }
        assert_eq!(endpoints.send("GET", &path, Some(&token), None).await.error(), (401, "invalid_token"));
        let named = json!({ "UserPoolId": world.pool, "ClientId": id });
        assert!(refusal(world.ask("DescribeUserPoolClient", named).await).starts_with("ResourceNotFoundException"));
    };
    gone(false).await;
    gone(true).await;
    assert_eq!(world.count("SELECT COUNT(*) FROM oauth_registrations").await, 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM clients").await, 2);
}
