//! What goes upstream of a session, and what does not.

use common::jose::{Jwks, KeySet};
use common::jose::{Jws, json::Object};

use super::super::idp::Idp;
use super::*;

#[test]
fn cookies_of_sessions_stay_at_the_edge_on_every_route() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "");
    let mut browser = Browser::at("app.test");
    browser.signs_in(&edge, &idp);
    browser.begins(&edge, "/.tollgate/sign-in");
    browser.cookies.insert("app".into(), "1".into());
    browser.cookies.insert("zz".into(), "x=y".into());
    browser.cookies.insert("__Host-tg-session2".into(), "theirs".into());
    assert_eq!(browser.cookies.len(), 5);
    for target in ["/", "/open/x"] {
        let answer = browser.page(&edge, target);
        assert_eq!(
            (answer.status, answer.echoed("cookie")),
            (200, vec!["__Host-tg-session2=theirs; app=1; zz=x=y".into()])
        );
    }
}

#[test]
fn the_access_token_goes_upstream_only_where_that_is_wanted() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "forward_token = true");
    let mut browser = Browser::at("app.test");
    browser.signs_in(&edge, &idp);
    assert_eq!(browser.page(&edge, "/").echoed("authorization"), [bearer(&good_token())]);
    assert!(browser.page(&edge, "/open/x").echoed("authorization").is_empty());
}

/// T19, as far as it is signed: the upstream can tell the edge's word from anybody else's.
#[test]
fn the_upstream_can_verify_who_sends_a_request() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "identity = { header = \"x-tollgate-identity\" }");
    let mut browser = Browser::at("app.test");
    browser.signs_in(&edge, &idp);
    let document = Browser::at("app.test").page(&edge, "/.tollgate/identity-keys.json");
    assert_eq!((document.status, document.header("content-type")), (200, Some("application/json")));
    let keys = KeySet::new("https://app.test", Jwks::parse(&document.body).unwrap()).unwrap();
    let stated = |answer: &Answer| {
        let [value] = answer.echoed("x-tollgate-identity").try_into().unwrap();
        let jws = Jws::parse(&value).unwrap();
        keys.verify(&jws).unwrap();
        let text = String::from_utf8(jws.payload.clone()).unwrap();
        Object::parse(text.as_str()).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let forged = [("accept", "text/html"), ("x-tollgate-identity", "forged"), ("X_Tollgate_Identity", "forged")];
    let answer = browser.send(&edge, "GET", "/", &forged);
    assert!(answer.echoed("x_tollgate_identity").is_empty());
    let expected = json!({
        "iss": "https://app.test", "aud": "https://app.test", "iat": NOW.seconds(), "exp": NOW.seconds() + 60, "sub": "ada", "idp": ISS,
        "client_id": "web", "sid": "s-1", "username": "ada.l", "email": "ada@example.com", "groups": ["staff", "admin"],
    });
    assert_eq!(stated(&answer), expected);
    // A request with a token of its own is somebody's, too, but of no session.
    let by_token = Browser::at("app.test").send(&edge, "GET", "/", &[("authorization", &bearer(&good_token()))]);
    let claims = stated(&by_token);
    assert_eq!((&claims["sub"], &claims["sid"]), (&json!("ada"), &Value::Null));
    let open = browser.send(&edge, "GET", "/open/x", &forged);
    assert!(open.echoed("x-tollgate-identity").is_empty(), "nobody is known there");
    assert_eq!(edge.send(&super::super::harness::request("/.tollgate/identity-keys.json", &[])).status, 404);
}
