//! Devices and exchanges at the token endpoint, on both engines.

use std::time::Duration;

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::fixture::{Browser, PASSWORD, Reply, app, claims, request, set_oauth};
use crate::clients::oauth::Grant;
use crate::engines::on_both_engines;
use crate::store::{Migration, Store};
use crate::world::{World, text};

on_both_engines!(
    a_device_is_signed_in_by_a_browser,
    a_device_is_refused_and_hurries_in_vain,
    a_device_code_is_redeemed_once,
    a_token_is_exchanged_for_one_of_another_service,
);

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

async fn tv(world: &World) -> String {
    world.user("jane", PASSWORD).await;
    let client = app(world, json!({ "ClientName": "Television" })).await;
    set_oauth(world, &client, |oauth| oauth.grants = vec![Grant::DeviceCode]).await;
    client
}

async fn begin(device: &Browser, client: &str) -> Value {
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("client_id={client}&scope=openid+email");
    let begun = device.send(Method::POST, "/oauth2/device_authorization", &kind, &body).await;
    assert_eq!(begun.status, 200, "{}", begun.body);
    begun.json()
}

async fn poll(device: &Browser, client: &str, begun: &Value) -> Reply {
    let code = text(&begun["device_code"]);
    device.token(&[("grant_type", DEVICE), ("client_id", client), ("device_code", &code)], None).await
}

async fn a_device_is_signed_in_by_a_browser(store: Store) {
    let world = World::new(store).await;
    let client = tv(&world).await;
    let (device, browser) = (Browser::of(&world), Browser::of(&world));
    let begun = begin(&device, &client).await;
    assert_eq!((&begun["interval"], &begun["expires_in"]), (&json!(5), &json!(600)));
    assert_eq!(poll(&device, &client, &begun).await.error(), (400, "authorization_pending".into()));
    let page = browser.visit("/device").await;
    let odd = browser.submit(&page, &[("user_code", "XXXX-XXXX")]).await;
    assert!(odd.body.contains("The code is unknown, over or used."), "{}", odd.body);
    let typed = text(&begun["user_code"]).to_lowercase().replace('-', " ");
    let login = browser.submit(&page, &[("user_code", &typed)]).await;
    assert!(login.body.contains("Sign in") && login.body.contains("Television"), "{}", login.body);
    let consent = browser.submit(&login, &[("username", "jane"), ("password", PASSWORD)]).await;
    assert!(consent.body.contains("a device that you have before you"), "{} {}", consent.status, consent.body);
    let done = browser.submit(&consent, &[("decision", "allow")]).await;
    assert!(done.body.contains("The device is signed in."), "{} {}", done.status, done.body);
    world.clock.advance(Duration::from_secs(5));
    let tokens = poll(&device, &client, &begun).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(claims(&tokens.json()["id_token"])["email"], "jane@example.com");
    assert_eq!(poll(&device, &client, &begun).await.error(), (400, "expired_token".into()));
    // Whoever is signed in is asked all the same.
    let second = begin(&device, &client).await;
    let page = browser.visit(&format!("/device?user_code={}", text(&second["user_code"]))).await;
    let consent = browser.submit(&page, &[("user_code", &text(&second["user_code"]))]).await;
    assert!(consent.body.contains("Allow access?"), "{}", consent.body);
}

async fn a_device_is_refused_and_hurries_in_vain(store: Store) {
    let world = World::new(store).await;
    let client = tv(&world).await;
    let other = app(&world, json!({ "ClientName": "other" })).await;
    let (device, browser) = (Browser::of(&world), Browser::of(&world));
    let begun = begin(&device, &client).await;
    assert_eq!(poll(&device, &other, &begun).await.error(), (400, "expired_token".into()), "another client");
    assert_eq!(poll(&device, &client, &begun).await.error(), (400, "authorization_pending".into()));
    assert_eq!(poll(&device, &client, &begun).await.error(), (400, "slow_down".into()));
    world.clock.advance(Duration::from_secs(9));
    assert_eq!(poll(&device, &client, &begun).await.error(), (400, "slow_down".into()), "now it is every ten seconds");
    world.clock.advance(Duration::from_secs(15));
    assert_eq!(poll(&device, &client, &begun).await.error(), (400, "authorization_pending".into()));
    let code = text(&begun["user_code"]);
    let page = browser.visit(&format!("/device?user_code={code}")).await;
    let login = browser.submit(&page, &[("user_code", &code)]).await;
    let consent = browser.submit(&login, &[("username", "jane"), ("password", PASSWORD)]).await;
    let refused = browser.submit(&consent, &[]).await;
    assert!(refused.body.contains("The device is not signed in."), "{} {}", refused.status, refused.body);
    world.clock.advance(Duration::from_secs(15));
    assert_eq!(poll(&device, &client, &begun).await.error(), (400, "access_denied".into()));
    let late = begin(&device, &client).await;
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(poll(&device, &client, &late).await.error(), (400, "expired_token".into()));
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let path = "/oauth2/device_authorization";
    let not = device.send(Method::POST, path, &kind, &format!("client_id={other}")).await;
    assert_eq!(not.error(), (400, "unauthorized_client".into()));
    let not = device.send(Method::POST, path, &kind, &format!("client_id={client}&scope=admin")).await;
    assert_eq!(not.error(), (400, "invalid_scope".into()));
    // A stranger's page is no form of this browser's.
    assert_eq!(browser.post("/device", &[("user_code", &code), ("_csrf", "x")]).await.status, 403);
}

async fn a_device_code_is_redeemed_once(store: Store) {
    let world = World::new(store).await;
    let client = tv(&world).await;
    let (device, browser) = (Browser::of(&world), Browser::of(&world));
    let begun = begin(&device, &client).await;
    let code = text(&begun["user_code"]);
    let page = browser.visit("/device").await;
    let login = browser.submit(&page, &[("user_code", &code)]).await;
    let consent = browser.submit(&login, &[("username", "jane"), ("password", PASSWORD)]).await;
    browser.submit(&consent, &[("decision", "allow")]).await;
    let replies = join_all((0..8).map(|_| poll(&device, &client, &begun))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
}

/// RFC 8693; what may be exchanged is `tokens::exchange`'s business, and has its tests there.
async fn a_token_is_exchanged_for_one_of_another_service(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let server = json!({ "UserPoolId": world.pool, "Identifier": "https://orders", "Name": "orders" });
    world.ask("CreateResourceServer", server).await.unwrap();
    let made = json!({
        "UserPoolId": world.pool, "ClientName": "gateway", "GenerateSecret": true,
        "ExplicitAuthFlows": ["ALLOW_TOKEN_EXCHANGE_IMPERSONATION"],
    });
    let made = world.ask("CreateUserPoolClient", made).await.unwrap()["UserPoolClient"].clone();
    let (id, secret) = (text(&made["ClientId"]), text(&made["ClientSecret"]));
    let public = app(&world, json!({})).await;
    let browser = Browser::of(&world);
    let code = browser.sign_in(&request(&public, ""), "jane").await.parameter("code").unwrap();
    let tokens = browser.redeem(&public, &code).await.json();
    let subject = text(&tokens["access_token"]);
    let ask = async |more: &[(&str, &str)]| {
        let mut form = vec![("grant_type", EXCHANGE), ("subject_token", &*subject), ("subject_token_type", ACCESS)];
        for (name, value) in more {
            form.retain(|(known, _)| known != name);
            form.push((name, value));
        }
        browser.token(&form, Some((&id, &secret))).await
    };
    let given = ask(&[("resource", "https://orders")]).await;
    assert_eq!(given.status, 200, "{}", given.body);
    let body = given.json();
    assert_eq!((text(&body["issued_token_type"]), text(&body["token_type"])), (ACCESS.into(), "Bearer".into()));
    let token = claims(&body["access_token"]);
    assert_eq!((&token["aud"], &token["client_id"]), (&json!("https://orders"), &json!(id)));
    assert_eq!(token["sub"], claims(&tokens["access_token"])["sub"]);
    for (more, error) in [
        (vec![("resource", "https://nowhere")], "invalid_target"),
        (vec![("subject_token", "x")], "invalid_request"),
        (vec![("subject_token", "")], "invalid_request"),
        (vec![("subject_token_type", "urn:ietf:params:oauth:token-type:saml2")], "invalid_request"),
        (vec![("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")], "invalid_request"),
        (vec![("actor_token_type", ACCESS)], "invalid_request"),
        (vec![("actor_token", "x"), ("actor_token_type", ACCESS)], "unauthorized_client"),
    ] {
        assert_eq!(ask(&more).await.error(), (400, error.to_owned()), "{more:?}");
    }
    let form = [
        ("grant_type", EXCHANGE),
        ("client_id", &*public),
        ("subject_token", &*subject),
        ("subject_token_type", ACCESS),
    ];
    assert_eq!(browser.token(&form, None).await.error(), (400, "unauthorized_client".into()));
}
