//! For tests only: a browser before the pages and endpoints of one pool's domain.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cognito_model::Fault;
use common::ids::PoolId;
use common::jose::{base64url_decode, base64url_encode};
use http_body_util::BodyExt;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::clients;
use crate::domains::Site;
use crate::oauth::{Door, OAuth, closed, routes};
use crate::world::{World, text};

pub(crate) const BASE: &str = "https://login.example.com";
pub(crate) const CALLBACK: &str = "https://app.example.com/cb";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const PASSWORD: &str = "Correct-Horse-1";

/// No quotas.
struct Open;

impl Door for Open {
    fn take(&self, _: &'static str, _: &PoolId) -> Result<(), Fault> {
        Ok(())
    }
}

/// Somebody in the middle: sees each path and may change its answer.
pub(crate) type Tamper = Box<dyn FnMut(&str, &mut Reply) + Send>;

/// One browser with its cookies; or an app, which has none.
pub(crate) struct Browser {
    service: TowerToHyperService<Router>,
    pub(crate) tamper: Mutex<Option<Tamper>>,
    pub(crate) cookies: Mutex<BTreeMap<String, String>>,
}

#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn location(&self) -> String {
        self.headers.get("location").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// Status and `error` of a JSON answer.
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.json()["error"].as_str().unwrap_or_default().to_owned())
    }

    /// A parameter of the answer that went back to the client.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let location = self.location();
        let (_, tail) = location.split_once(['?', '#'])?;
        form_urlencoded::parse(tail.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The value of a hidden field.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let marker = format!("name=\"{name}\" value=\"");
        let rest = self.body.split_once(&marker).map_or("", |(_, rest)| rest);
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

impl Browser {
    pub(crate) fn of(world: &World) -> Self {
        Self::at(world, &world.pool, BASE)
    }

    pub(crate) fn at(world: &World, pool: &str, base: &str) -> Self {
        let site = Site { pool: PoolId::parse(pool).unwrap(), base: base.into() };
        let state = OAuth { services: world.services.clone(), door: Arc::new(Open) };
        let routes = closed(routes().merge(super::routes())).layer(Extension(site)).with_state(state);
        Self { service: TowerToHyperService::new(routes), tamper: Mutex::default(), cookies: Mutex::default() }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, fields: &[(&str, &str)], body: &str) -> Reply {
        let path = path.strip_prefix(BASE).unwrap_or(path);
        let mut request = Request::builder().method(method).uri(path);
        let cookies: Vec<String> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let response = self.service.call(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        for line in head.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            if line.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let mut reply = Reply { status: head.status.as_u16(), headers: head.headers, body };
        if let Some(tamper) = self.tamper.lock().unwrap().as_mut() {
            tamper(path, &mut reply);
        }
        reply
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], "").await
    }

    /// Goes where it is sent, as long as that is on this domain.
    pub(crate) async fn visit(&self, path: &str) -> Reply {
        let mut reply = self.get(path).await;
        while (300..400).contains(&reply.status) && reply.location().starts_with(BASE) {
            reply = self.get(&reply.location()).await;
        }
        reply
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.send(Method::POST, path, &[("content-type", "application/x-www-form-urlencoded")], &body).await
    }

    /// Sends the form of a page, with more fields, and goes where that leads on this domain.
    pub(crate) async fn submit(&self, page: &Reply, fields: &[(&str, &str)]) -> Reply {
        let action = page.body.split_once("action=\"").unwrap().1.split('"').next().unwrap().replace("&amp;", "&");
        let token = page.hidden("_csrf");
        let all: Vec<_> = [("_csrf", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        let reply = self.post(&action, &all).await;
        if (300..400).contains(&reply.status) && reply.location().starts_with(BASE) {
            return self.visit(&reply.location()).await;
        }
        reply
    }

    /// Signs in by the page that a request leads to.
    pub(crate) async fn sign_in(&self, query: &str, name: &str) -> Reply {
        let page = self.visit(&format!("/oauth2/authorize?{query}")).await;
        assert!(page.body.contains("Sign in"), "{} {}", page.status, page.body);
        self.submit(&page, &[("username", name), ("password", PASSWORD)]).await
    }

    pub(crate) async fn token(&self, form: &[(&str, &str)], basic: Option<(&str, &str)>) -> Reply {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let basic = basic.map(|(id, secret)| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))));
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let fields: Vec<_> = [kind].into_iter().chain(basic.as_deref().map(|basic| ("authorization", basic))).collect();
        self.send(Method::POST, "/oauth2/token", &fields, &body).await
    }

    /// The tokens of a code that a public client was sent.
    pub(crate) async fn redeem(&self, client: &str, code: &str) -> Reply {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.token(&form, None).await
    }

    pub(crate) async fn user_info(&self, token: &Value) -> Reply {
        let bearer = format!("Bearer {}", text(token));
        self.send(Method::GET, "/oauth2/userInfo", &[("authorization", &bearer)], "").await
    }
}

/// A public client of the code flow, with more settings.
pub(crate) async fn app(world: &World, more: Value) -> String {
    let base = json!({
        "UserPoolId": world.pool, "ClientName": "app", "AllowedOAuthFlows": ["code"], "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthScopes": ["openid", "email", "profile", "phone", "aws.cognito.signin.user.admin"],
        "CallbackURLs": [CALLBACK], "LogoutURLs": ["https://app.example.com/out"], "PreventUserExistenceErrors": "ENABLED",
        "SupportedIdentityProviders": ["COGNITO"],
    });
    let made = world.ask("CreateUserPoolClient", crate::world::with(&base, more)).await.unwrap();
    text(&made["UserPoolClient"]["ClientId"])
}

/// Changes settings of a client that no operation of Cognito's sets.
pub(crate) async fn set_oauth(world: &World, client: &str, change: impl FnOnce(&mut clients::oauth::OAuth)) {
    let (_, read) = clients::of_call(&world.services, client).await.unwrap();
    let mut client = read.clone();
    change(&mut client.settings.oauth);
    let mut batch = crate::store::Batch::new();
    batch.add(clients::rows::update(&read, &client));
    world.services.store.commit(batch).await.unwrap();
}

/// The query of a request with PKCE, and with more or other parameters: `name=` leaves one out.
pub(crate) fn request(client: &str, more: &str) -> String {
    let challenge = base64url_encode(digest(&SHA256, VERIFIER.as_bytes()).as_ref());
    let base = [
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("scope", "openid email"),
        ("state", "st&te"),
        ("nonce", "n0nce"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let more: Vec<(String, String)> =
        form_urlencoded::parse(more.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (name, value) in base.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name)) {
        text.append_pair(name, value);
    }
    for (name, value) in more.iter().filter(|(_, value)| !value.is_empty()) {
        text.append_pair(name, value);
    }
    text.finish()
}

pub(crate) fn claims(token: &Value) -> Value {
    let payload = base64url_decode(text(token).split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// `at_hash`, `c_hash` of RS256.
pub(crate) fn half_hash(of: &str) -> String {
    base64url_encode(&digest(&SHA256, of.as_bytes()).as_ref()[..16])
}
