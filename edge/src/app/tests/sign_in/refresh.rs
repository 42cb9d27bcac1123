//! Tokens that run out while their session goes on.

use std::time::Duration;

use serde_json::json;

use super::super::idp::{Idp, Reaction, eventually, several_looks};
use super::*;

fn refreshed(access: &str, refresh: Option<&str>) -> Value {
    let mut all = json!({"access_token": access, "token_type": "Bearer", "expires_in": 600});
    if let Some(refresh) = refresh {
        all["refresh_token"] = json!(refresh);
    }
    all
}

/// Signed in, with 30 seconds left of the token.
fn about_to_expire(idp: &Idp) -> (Edge, Browser) {
    let edge = edge_with(idp, "timeout = \"2s\"");
    let mut browser = Browser::at("app.test");
    browser.signs_in(&edge, idp);
    edge.clock.advance(Duration::from_secs(570));
    (edge, browser)
}

fn refreshes(edge: &Edge, result: &str) -> String {
    metric(edge, &format!("tollgate_edge_session_refreshes_total{{sign_in=\"web\",result=\"{result}\"}}"))
}

#[test]
fn a_token_is_refreshed_before_it_runs_out() {
    let idp = Idp::start();
    let (edge, mut browser) = about_to_expire(&idp);
    let before = browser.session().unwrap().clone();
    idp.answer("/token", refreshed(&access(1_200, "j-2"), Some("refresh-2")).to_string());
    let answer = browser.send(&edge, "POST", "/api", &[]);
    assert!(is_served(&answer), "{answer:?}");
    assert_ne!(*browser.session().unwrap(), before);
    let sent = form(&idp.hits("/token")[1].body);
    assert_eq!((sent["grant_type"].as_str(), sent["refresh_token"].as_str()), ("refresh_token", "refresh-1"));
    assert!(is_served(&browser.page(&edge, "/")));
    assert_eq!(idp.count("/token"), 2, "the new one is good for long");
    // Without another refresh token the old one goes on.
    edge.clock.advance(Duration::from_secs(600));
    idp.answer("/token", refreshed(&access(2_400, "j-3"), None).to_string());
    assert!(is_served(&browser.page(&edge, "/")));
    edge.clock.advance(Duration::from_secs(600));
    idp.answer("/token", refreshed(&access(3_600, "j-4"), None).to_string());
    assert!(is_served(&browser.page(&edge, "/")));
    let used: Vec<String> =
        idp.hits("/token").iter().skip(1).map(|hit| form(&hit.body)["refresh_token"].clone()).collect();
    assert_eq!(used, ["refresh-1", "refresh-2", "refresh-2"]);
    assert_eq!(refreshes(&edge, "refreshed"), "3");
}

/// RFC 9700 §4.14.2: a refresh token that is good once is used once, whoever comes at the same time or shortly after with the old cookie.
#[test]
fn many_at_once_refresh_once() {
    let idp = Idp::start();
    let (edge, browser) = about_to_expire(&idp);
    idp.hold("/token", refreshed(&access(1_200, "j-2"), Some("refresh-2")).to_string());
    let mut connections: Vec<_> = (0..20)
        .map(|_| {
            let mut connection = edge.connect();
            connection.write(&browser.request("GET", "/api", &[]));
            connection
        })
        .collect();
    eventually("the token endpoint is asked", || idp.count("/token") == 2);
    several_looks();
    idp.release();
    for connection in &mut connections {
        let answer = connection.try_send(b"").expect("an answer");
        assert!(is_served(&answer) && set_cookies(&answer).len() == 1, "{answer:?}");
    }
    let mut late = browser.clone();
    assert!(is_served(&late.page(&edge, "/")), "with the old cookie");
    assert_eq!(idp.count("/token"), 2);
    assert!(is_served(&late.page(&edge, "/")));
    assert_eq!(idp.count("/token"), 2);
}

#[test]
fn a_session_that_the_provider_ends_is_over_when_its_token_is() {
    let idp = Idp::start();
    let (edge, mut browser) = about_to_expire(&idp);
    let refusal = "{\"error\":\"invalid_grant\"}".to_owned();
    idp.react("/token", Reaction::Answer(400, String::new(), refusal));
    for _ in 0..3 {
        assert!(is_served(&browser.page(&edge, "/")), "its token is good for 30 seconds more");
    }
    assert_eq!((idp.count("/token"), refreshes(&edge, "over").as_str()), (2, "1"));
    edge.clock.advance(Duration::from_secs(31));
    assert_eq!(browser.send(&edge, "GET", "/api", &[]).status, 401);
    let begun = browser.begins(&edge, "/");
    assert_eq!(
        browser
            .returns(&edge, &idp, &begun, &{
                let mut all = tokens(&begun);
                all["access_token"] = json!(access(1_800, "j-9"));
                let mut id = id_claims(&begun);
                id["exp"] = json!(NOW.seconds() + 1_800);
                all["id_token"] = json!(signed(&signing_key(), &id));
                all
            })
            .status,
        303
    );
    assert!(is_served(&browser.page(&edge, "/")));
}

#[test]
fn a_provider_that_is_away_is_waited_for_while_the_token_is_good() {
    let idp = Idp::start();
    let (edge, mut browser) = about_to_expire(&idp);
    idp.react("/token", Reaction::Answer(500, String::new(), String::new()));
    for _ in 0..3 {
        assert!(is_served(&browser.page(&edge, "/")));
    }
    assert_eq!(idp.count("/token"), 2, "not asked at each request");
    edge.clock.advance(Duration::from_secs(31));
    for fields in [PAGE, &[]] {
        let answer = browser.send(&edge, "GET", "/", fields);
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")), "{answer:?}");
        assert!(browser.session().is_some(), "it is not over");
    }
    edge.clock.advance(Duration::from_secs(5));
    idp.answer("/token", refreshed(&access(1_200, "j-2"), None).to_string());
    assert!(is_served(&browser.page(&edge, "/")));
}

/// OpenID Connect Core §12.2.
#[test]
fn a_refresh_that_brings_another_user_is_not_taken() {
    let idp = Idp::start();
    let (edge, mut browser) = about_to_expire(&idp);
    let mut all = refreshed(&access(1_200, "j-2"), None);
    let id = json!({"iss": ISS, "sub": "eve", "aud": "web", "token_use": "id", "exp": NOW.seconds() + 900, "iat": NOW.seconds()});
    all["id_token"] = json!(signed(&signing_key(), &id));
    idp.answer("/token", all.to_string());
    let before = browser.session().unwrap().clone();
    assert!(is_served(&browser.page(&edge, "/")), "by what it had");
    assert_eq!((browser.session().unwrap(), refreshes(&edge, "failed").as_str()), (&before, "1"));
}
