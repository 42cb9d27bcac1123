//! Sessions that end: by their user, or by the issuer's word.

use std::sync::Arc;

use common::jose::{Jwks, KeySet};
use common::verify::{Leeway, Profile};

use super::super::idp::{Idp, Reaction};
use super::*;
use crate::snapshot::deaths::{Death, Deaths, Fingerprint, Kind};
use crate::snapshot::issuer::Trust;
use crate::snapshot::picture::PoolState;

const OUT: &str = "/.tollgate/sign-out";

/// As the feed would tell it.
fn revoke(edge: &Edge, kind: Kind, subject: &str) {
    let jwks = Jwks::new(vec![signing_key().public_jwk().clone()]).unwrap();
    let keys = Arc::new(KeySet::new(ISS, jwks).unwrap());
    let trust = Trust {
        profile: Profile::Cognito,
        leeway: Leeway::default(),
        access_keys: Arc::clone(&keys),
        id_keys: keys,
        groups: None,
    };
    let state = PoolState {
        trust: Some(trust),
        deaths: Deaths::default(),
        disabled_clients: Default::default(),
        as_of: Some(NOW),
    };
    edge.running.picture().replace("corp", state);
    edge.running.picture().revoke("corp", &[Death { kind, subject: Fingerprint::of(subject), minted_up_to: NOW }]);
}

#[test]
fn a_sign_out_at_the_issuer_ends_the_session_at_once() {
    for (kind, subject) in [(Kind::User, "ada"), (Kind::Session, "o-1"), (Kind::Token, "j-1")] {
        let idp = Idp::start();
        let edge = edge_with(&idp, "");
        let mut browser = Browser::at("app.test");
        browser.signs_in(&edge, &idp);
        assert!(is_served(&browser.page(&edge, "/")));
        revoke(&edge, kind, subject);
        assert_eq!(browser.send(&edge, "GET", "/api", &[]).status, 401, "{kind:?}");
        let mut later = browser.clone();
        // Somebody who is refused right after a sign-in is told so, and not led round in circles.
        assert_eq!((browser.page(&edge, "/").status, browser.session()), (401, None), "{kind:?}");
        assert_eq!(browser.page(&edge, "/").status, 302, "{kind:?}");
        edge.clock.advance(std::time::Duration::from_secs(31));
        let mut browser = std::mem::take(&mut later);
        let begun = browser.begins(&edge, "/");
        assert_eq!((begun.place.as_str(), browser.session()), ("https://login.test/authorize", None), "{kind:?}");
    }
}

#[test]
fn signing_out_tells_the_provider_and_clears_the_cookies() {
    let idp = Idp::start();
    idp.answer("/revoke", "");
    let edge = edge_with(
        &idp,
        "end_session_endpoint = \"https://login.test/logout\"\npost_sign_out = \"/open/bye\"\nkeep_id_token = true\n\
         client_secret_file = \"secret\"",
    );
    for method in ["GET", "POST"] {
        let mut browser = Browser::at("app.test");
        browser.signs_in(&edge, &idp);
        let answer = browser.send(&edge, method, OUT, &[("sec-fetch-site", "same-origin")]);
        assert_eq!(answer.status, 303, "{answer:?}");
        let url = Url::parse(answer.header("location").unwrap()).unwrap();
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!((url.host_str(), url.path()), (Some("login.test"), "/logout"));
        assert_eq!(query["post_logout_redirect_uri"], "https://app.test/open/bye");
        assert!(query["client_id"] == "web" && query["id_token_hint"].starts_with("ey"));
        assert!(browser.cookies.is_empty(), "{:?}", browser.cookies.keys());
        assert_eq!(browser.page(&edge, "/").status, 302);
    }
    let hits = idp.hits("/revoke");
    assert_eq!(hits.len(), 2);
    let sent = form(&hits[0].body);
    assert_eq!((sent["token"].as_str(), sent["token_type_hint"].as_str()), ("refresh-1", "refresh_token"));
    assert!(hits[0].head.contains("Basic d2ViOnMzY3JldA=="), "{}", hits[0].head);
    let outs = metric(&edge, "tollgate_edge_sign_outs_total{sign_in=\"web\",result=\"revoked\"}");
    assert_eq!(outs, "2");
}

#[test]
fn another_site_signs_nobody_out() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "");
    let mut browser = Browser::at("app.test");
    browser.signs_in(&edge, &idp);
    for (method, mode) in [("GET", "no-cors"), ("GET", "navigate"), ("POST", "navigate")] {
        let fields = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", mode)];
        let answer = browser.send(&edge, method, OUT, &fields);
        assert_eq!((answer.status, answer.header("location")), (403, None), "{method} {mode}");
    }
    assert!(is_served(&browser.page(&edge, "/")));
    assert_eq!(browser.send(&edge, "PUT", OUT, &[("content-length", "0")]).status, 405);
    assert_eq!(idp.count("/revoke"), 0);
}

#[test]
fn who_can_not_be_told_does_not_keep_anybody_signed_in() {
    let idp = Idp::start();
    idp.react("/revoke", Reaction::Hang);
    let edge = edge_with(&idp, "timeout = \"200ms\"");
    let mut browser = Browser::at("app.test");
    browser.signs_in(&edge, &idp);
    let answer = browser.page(&edge, OUT);
    assert_eq!((answer.status, browser.cookies.len()), (200, 0), "{answer:?}");
    assert!(answer.body.contains("You are signed out") && answer.body.contains("href=\"/.tollgate/sign-in\""));
    let outs = metric(&edge, "tollgate_edge_sign_outs_total{sign_in=\"web\",result=\"not_revoked\"}");
    assert_eq!(outs, "1");
    // Who has no session is signed out, too.
    assert_eq!(Browser::at("app.test").page(&edge, OUT).status, 200);
}

#[test]
fn cognitos_own_way_to_sign_out() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "sign_out = \"cognito\"\npost_sign_out = \"https://www.test/bye\"");
    let mut browser = Browser::at("app.test");
    browser.signs_in(&edge, &idp);
    let answer = browser.page(&edge, OUT);
    let expected = "https://login.test/logout?client_id=web&logout_uri=https%3A%2F%2Fwww.test%2Fbye";
    assert_eq!((answer.status, answer.header("location")), (303, Some(expected)));
    assert!(browser.cookies.is_empty());
}
