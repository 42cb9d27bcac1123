//! Of the FAPI 2.0 Security Profile what applies to every client that asks for it: pushed requests, PKCE by S256, `iss`, codes, nonces.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use super::checks::{is_page, refused};
use super::{Op, modules, replaced, sent_to};
use crate::clients::oauth::Pkce;
use crate::pages::fixture::{CALLBACK, Reply, app, set_oauth};
use crate::world::text;

modules!(
    fapi2_par_required => |path, reply| if path.contains("/authorize") && !path.contains("request_uri") { sent_to(reply, &format!("{CALLBACK}?code=x")) },
    fapi2_par_request_uri_is_used_at_authorization => |path, reply| if path.contains("/authorize") { reply.status = 200 },
    fapi2_par_request_uri_expires => |path, reply| if path.contains("request_uri") { sent_to(reply, "https://login.example.com/login") },
    fapi2_par_request_uri_is_bound_to_its_client => |path, reply| if path.contains("request_uri") { sent_to(reply, "https://login.example.com/login") },
    fapi2_par_refuses_request_uri => |path, reply| if path == "/oauth2/par" { reply.status = 201 },
    fapi2_pkce_plain_is_refused => |path, reply| if path.contains("plain") { sent_to(reply, "https://login.example.com/login") },
    fapi2_pkce_is_required => |path, reply| if !path.contains("code_challenge") { sent_to(reply, "https://login.example.com/login") },
    fapi2_iss_in_response => |_path, reply| replaced(reply, "&iss=", "&issuer="),
    fapi2_code_is_bound_to_its_client => |path, reply| if path == "/oauth2/token" { reply.status = 200 },
    fapi2_code_expires => |path, reply| if path == "/oauth2/token" { reply.status = 200 },
    fapi2_long_nonces => |_path, reply| replaced(reply, "nonce", "once"),
);

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

async fn push(op: &Op, more: &str) -> Reply {
    op.browser.send(Method::POST, "/oauth2/par", &FORM, &op.query(more)).await
}

async fn pushed(op: &Op) -> String {
    let reply = push(op, "").await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    text(&reply.json()["request_uri"])
}

fn by(client: &str, uri: &str) -> String {
    let pairs = [("client_id", client), ("request_uri", uri)];
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

async fn fapi2_par_required(op: Op) {
    set_oauth(&op.world, &op.client, |oauth| oauth.par_required = true).await;
    refused(&op, &op.ask("").await, &["invalid_request"]);
}

async fn fapi2_par_request_uri_is_used_at_authorization(op: Op) {
    let uri = pushed(&op).await;
    let query = by(&op.client, &uri);
    for _ in 0..3 {
        assert!(op.browser.visit(&format!("/oauth2/authorize?{query}")).await.body.contains("Sign in"));
    }
    let back = op.browser.sign_in(&query, "jane").await;
    op.tokens(&back).await;
    let again = op.browser.get(&format!("/oauth2/authorize?{query}")).await;
    is_page(&again);
    assert_eq!(again.status, 400);
}

async fn fapi2_par_request_uri_expires(op: Op) {
    let uri = pushed(&op).await;
    op.world.clock.advance(Duration::from_secs(600));
    is_page(&op.browser.get(&format!("/oauth2/authorize?{}", by(&op.client, &uri))).await);
}

async fn fapi2_par_request_uri_is_bound_to_its_client(op: Op) {
    let uri = pushed(&op).await;
    let other = app(&op.world, json!({ "ClientName": "other" })).await;
    is_page(&op.browser.get(&format!("/oauth2/authorize?{}", by(&other, &uri))).await);
}

async fn fapi2_par_refuses_request_uri(op: Op) {
    let uri = pushed(&op).await;
    let nested = push(&op, &format!("request_uri={uri}")).await;
    assert_eq!(nested.error(), (400, "invalid_request".into()));
}

async fn fapi2_pkce_plain_is_refused(op: Op) {
    refused(&op, &op.ask("code_challenge_method=plain").await, &["invalid_request"]);
    assert_eq!(push(&op, "code_challenge_method=plain").await.error(), (400, "invalid_request".into()));
}

async fn fapi2_pkce_is_required(op: Op) {
    set_oauth(&op.world, &op.client, |oauth| oauth.pkce = Pkce::Required).await;
    refused(&op, &op.ask("code_challenge=&code_challenge_method=").await, &["invalid_request"]);
}

async fn fapi2_iss_in_response(op: Op) {
    assert_eq!(op.sign_in("").await.parameter("iss"), Some(op.iss()));
    assert_eq!(op.ask("scope=x").await.parameter("iss"), Some(op.iss()));
    let document = op.browser.get("/.well-known/openid-configuration").await.json();
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
}

async fn fapi2_code_is_bound_to_its_client(op: Op) {
    let code = op.sign_in("").await.parameter("code").unwrap();
    let other = app(&op.world, json!({ "ClientName": "other" })).await;
    assert_eq!(op.browser.redeem(&other, &code).await.error(), (400, "invalid_grant".into()));
}

async fn fapi2_code_expires(op: Op) {
    let code = op.sign_in("").await.parameter("code").unwrap();
    op.world.clock.advance(Duration::from_secs(300));
    assert_eq!(op.browser.redeem(&op.client, &code).await.error(), (400, "invalid_grant".into()));
}

async fn fapi2_long_nonces(op: Op) {
    for length in [64, 384] {
        let nonce = "n".repeat(length);
        let tokens = op.tokens(&op.sign_in(&format!("prompt=login&nonce={nonce}")).await).await;
        assert_eq!(super::super::fixture::claims(&tokens["id_token"])["nonce"], json!(nonce));
    }
}
