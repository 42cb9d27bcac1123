//! RP-Initiated, Front-Channel and Back-Channel Logout OP.

use super::checks::is_page;
use super::{LEFT, Op, modules, replaced, sent_to};
use crate::clients::oauth::LogoutUri;
use crate::oauth::back_channel;
use crate::outbound::fixture::{Server, answer};
use crate::pages::fixture::{claims, set_oauth};
use crate::world::text;
use serde_json::{Value, json};

modules!(
    oidcc_rp_initiated_logout => |path, reply| if path.contains("prompt=none") { sent_to(reply, "https://app.example.com/cb?code=x") },
    oidcc_rp_initiated_logout_no_state => |_path, reply| replaced(reply, "com/out", "com/out?state=made-up"),
    oidcc_rp_initiated_logout_no_params => |path, reply| if path == "/logout?" { reply.body = "<html>an error</html>".into() },
    oidcc_rp_initiated_logout_only_state => |path, reply| if path.contains("state=") && path.contains("/logout") { sent_to(reply, "https://app.example.com/out?state=x") },
    oidcc_rp_initiated_logout_no_post_logout_redirect_uri => |path, reply| if path.contains("/logout") { sent_to(reply, "https://app.example.com/out") },
    oidcc_rp_initiated_logout_bad_post_logout_redirect_uri => |path, reply| if path.contains("evil") { sent_to(reply, "https://evil.example.com/") },
    oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri => |path, reply| if path.contains("%3Ffoo") { sent_to(reply, "https://app.example.com/out?foo=bar") },
    oidcc_rp_initiated_logout_no_id_token_hint => |path, reply| if path.contains("/logout") { sent_to(reply, "https://app.example.com/out") },
    oidcc_rp_initiated_logout_modified_id_token_hint => |path, reply| if path.contains("/logout") { sent_to(reply, "https://app.example.com/out") },
    oidcc_rp_initiated_logout_bad_id_token_hint => |path, reply| if path.contains("/logout") { sent_to(reply, "https://app.example.com/out") },
    oidcc_frontchannel_rp_initiated_logout => |_path, reply| replaced(reply, "&amp;sid=", "&amp;session="),
    oidcc_backchannel_rp_initiated_logout => |path, reply| if path.contains("openid-configuration") { replaced(reply, "backchannel_logout_session_supported", "x") },
);

/// The ID token of a sign-in.
async fn hint(op: &Op) -> String {
    text(&op.tokens(&op.sign_in("prompt=login").await).await["id_token"])
}

async fn oidcc_rp_initiated_logout(op: Op) {
    let document = op.browser.get("/.well-known/openid-configuration").await.json();
    assert_eq!(document["end_session_endpoint"], "https://login.example.com/logout");
    set_oauth(&op.world, &op.client, |oauth| oauth.front_channel = None).await;
    let hint = hint(&op).await;
    let left = op.sign_out(&[("id_token_hint", &hint), ("post_logout_redirect_uri", LEFT), ("state", "a b")]).await;
    assert_eq!(left.location(), format!("{LEFT}?state=a+b"));
    assert!(!op.is_in().await);
}

async fn oidcc_rp_initiated_logout_no_state(op: Op) {
    set_oauth(&op.world, &op.client, |oauth| oauth.front_channel = None).await;
    let hint = hint(&op).await;
    let left = op.sign_out(&[("id_token_hint", &hint), ("post_logout_redirect_uri", LEFT)]).await;
    assert_eq!(left.location(), LEFT);
}

/// The user says yes where the page asks, and is told that they are signed out.
async fn by_page(op: &Op, pairs: &[(&str, &str)]) {
    let page = op.sign_out(pairs).await;
    is_page(&page);
    let said = if page.body.contains("Do you want to sign out?") { op.browser.submit(&page, &[]).await } else { page };
    is_page(&said);
    assert!(said.body.contains("You are signed out."), "{}", said.body);
    assert!(!op.is_in().await);
}

async fn oidcc_rp_initiated_logout_no_params(op: Op) {
    hint(&op).await;
    by_page(&op, &[]).await;
}

async fn oidcc_rp_initiated_logout_only_state(op: Op) {
    hint(&op).await;
    by_page(&op, &[("state", "x")]).await;
}

async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri(op: Op) {
    let hint = hint(&op).await;
    by_page(&op, &[("id_token_hint", &hint), ("state", "x")]).await;
}

/// A page, and the user stays signed in.
async fn refused(op: &Op, pairs: &[(&str, &str)]) {
    is_page(&op.sign_out(pairs).await);
    assert!(op.is_in().await);
}

async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(op: Op) {
    let hint = hint(&op).await;
    let evil = "https://evil.example.com/";
    refused(&op, &[("id_token_hint", &hint), ("post_logout_redirect_uri", evil), ("state", "x")]).await;
}

async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(op: Op) {
    let hint = hint(&op).await;
    let added = format!("{LEFT}?foo=bar");
    refused(&op, &[("id_token_hint", &hint), ("post_logout_redirect_uri", &added), ("state", "x")]).await;
}

async fn oidcc_rp_initiated_logout_no_id_token_hint(op: Op) {
    hint(&op).await;
    refused(&op, &[("post_logout_redirect_uri", LEFT), ("state", "x")]).await;
}

async fn oidcc_rp_initiated_logout_modified_id_token_hint(op: Op) {
    let hint = hint(&op).await;
    let body = hint.split('.').nth(1).unwrap();
    let none = common::jose::base64url_encode(br#"{"alg":"none"}"#);
    let unsigned = format!("{none}.{body}.");
    refused(&op, &[("id_token_hint", &unsigned), ("post_logout_redirect_uri", LEFT), ("state", "x")]).await;
}

/// Signed by the keys of another pool.
async fn oidcc_rp_initiated_logout_bad_id_token_hint(op: Op) {
    hint(&op).await;
    let other = crate::world::World::with_pool(op.world.services.store.clone(), json!({ "PoolName": "other" })).await;
    other.user("jane", super::PASSWORD).await;
    let strange = text(&other.sign_in("jane", super::PASSWORD).await.unwrap()["IdToken"]);
    refused(&op, &[("id_token_hint", &strange), ("post_logout_redirect_uri", LEFT), ("state", "x")]).await;
}

async fn oidcc_frontchannel_rp_initiated_logout(op: Op) {
    let document = op.browser.get("/.well-known/openid-configuration").await.json();
    for name in ["frontchannel_logout_supported", "frontchannel_logout_session_supported"] {
        assert_eq!(document[name], true, "{name}");
    }
    let hint = hint(&op).await;
    let sid = text(&claims(&json!(hint))["sid"]);
    let left = op.sign_out(&[("id_token_hint", &hint), ("post_logout_redirect_uri", LEFT)]).await;
    let iss: String = url::form_urlencoded::byte_serialize(op.iss().as_bytes()).collect();
    let frame = format!("<iframe hidden src=\"https://app.example.com/gone?iss={iss}&amp;sid={sid}\">");
    assert!(left.body.contains(&frame), "{}", left.body);
    assert!(left.body.contains(&format!("url={LEFT}")), "and the browser goes on");
    assert!(!op.is_in().await);
}

async fn oidcc_backchannel_rp_initiated_logout(op: Op) {
    let document = op.browser.get("/.well-known/openid-configuration").await.json();
    for name in ["backchannel_logout_supported", "backchannel_logout_session_supported"] {
        assert_eq!(document[name], true, "{name}");
    }
    let app = Server::says(answer("200 OK", "")).await;
    let uri = app.url("/back");
    set_oauth(&op.world, &op.client, |oauth| {
        oauth.front_channel = None;
        oauth.back_channel = Some(LogoutUri { uri, session_required: true });
    })
    .await;
    let hint = hint(&op).await;
    let left = op.sign_out(&[("id_token_hint", &hint), ("post_logout_redirect_uri", LEFT)]).await;
    assert_eq!(left.location(), LEFT);
    back_channel::deliver(&op.world.services).await.unwrap();
    let token = app.seen().split_once("logout_token=").unwrap().1.to_owned();
    let pool = common::ids::PoolId::parse(op.world.pool.as_str()).unwrap();
    let keys = op.world.services.keys.key_set(&pool, &op.iss()).await.unwrap();
    let jws = common::jose::Jws::parse(&token).unwrap();
    keys.verify(&jws).expect("a signature by a published key");
    let said: Value = serde_json::from_slice(&jws.payload).unwrap();
    let id = claims(&json!(hint));
    let now = op.world.now().seconds();
    assert_eq!((&said["iss"], &said["aud"]), (&json!(op.iss()), &json!(op.client)));
    assert!(said["iat"].as_u64().is_some_and(|at| at <= now && at + 24 * 3_600 > now));
    assert!(said["jti"].is_string() && said.get("nonce").is_none());
    assert_eq!(said["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
    assert_eq!((&said["sub"], &said["sid"]), (&id["sub"], &id["sid"]));
    assert!(!op.is_in().await);
}
