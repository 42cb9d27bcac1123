//! Logout tokens on both engines.

use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::{Browser, PASSWORD, app as client, claims, request, set_oauth};
use crate::clients::oauth::LogoutUri;
use crate::engines::on_both_engines;
use crate::oauth::back_channel;
use crate::outbound::fixture::{Server, answer};
use crate::store::{Migration, Store};
use crate::world::{World, text};

on_both_engines!(an_app_is_told_until_it_listens, an_app_that_never_listens_is_given_up);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

fn taken() -> String {
    answer("200 OK", "")
}

fn refused() -> String {
    answer("503 Service Unavailable", "")
}

/// A browser session of jane's with one app that listens, signed out.
async fn signed_out(world: &World, app: &Server) -> Value {
    world.user("jane", PASSWORD).await;
    let id = client(world, json!({})).await;
    let uri = app.url("/signed-out");
    set_oauth(world, &id, |oauth| oauth.back_channel = Some(LogoutUri { uri, session_required: true })).await;
    let browser = Browser::of(world);
    let code = browser.sign_in(&request(&id, ""), "jane").await.parameter("code").unwrap();
    let tokens = browser.redeem(&id, &code).await.json();
    let out = browser.get(&format!("/logout?client_id={id}&logout_uri=https%3A%2F%2Fapp.example.com%2Fout")).await;
    assert_eq!(out.status, 302);
    claims(&tokens["id_token"])
}

async fn an_app_is_told_until_it_listens(store: Store) {
    let world = World::new(store).await;
    let app = Server::says(refused()).await;
    let id = signed_out(&world, &app).await;
    back_channel::deliver(&world.services).await.unwrap();
    assert_eq!(app.asked(), 1);
    back_channel::deliver(&world.services).await.unwrap();
    assert_eq!(app.asked(), 1, "not at once again");
    app.say(taken());
    world.clock.advance(Duration::from_secs(15));
    back_channel::deliver(&world.services).await.unwrap();
    assert_eq!(app.asked(), 2);
    let seen = app.seen();
    assert!(seen.starts_with("POST /signed-out HTTP/1.1\r\n"), "{seen}");
    let token = seen.split_once("logout_token=").unwrap().1.to_owned();
    let said = claims(&json!(token));
    let want = json!({
        "iss": id["iss"], "aud": id["aud"], "sub": id["sub"], "sid": id["sid"], "iat": world.now().seconds(),
        "exp": world.now().seconds() + 120, "jti": said["jti"],
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    assert_eq!(said, want, "and no nonce");
    let header = common::jose::base64url_decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!((text(&header["typ"]), text(&header["alg"])), ("logout+jwt".into(), "RS256".into()));
    world.clock.advance(Duration::from_secs(3_600));
    back_channel::deliver(&world.services).await.unwrap();
    assert_eq!((app.asked(), world.count("SELECT COUNT(*) FROM oauth_logout_notices").await), (2, 0));
}

async fn an_app_that_never_listens_is_given_up(store: Store) {
    let world = World::new(store).await;
    let app = Server::says(refused()).await;
    signed_out(&world, &app).await;
    for _ in 0..20 {
        back_channel::deliver(&world.services).await.unwrap();
        world.clock.advance(Duration::from_secs(4_000));
    }
    assert_eq!((app.asked(), world.count("SELECT COUNT(*) FROM oauth_logout_notices").await), (8, 0));
}
