//! Tokens that died before their time, and news that grew old.

use std::sync::Arc;
use std::time::Duration;

use common::clock::{Clock, UnixMillis};
use common::jose::{Jwks, KeySet};
use common::verify::{Leeway, Profile};

use super::harness::{Edge, ISS, NOW, request, signing_key};
use super::{bearer, good_token};
use crate::snapshot::deaths::{Death, Deaths, Fingerprint, Kind};
use crate::snapshot::issuer::Trust;
use crate::snapshot::picture::PoolState;

fn trust() -> Trust {
    let jwks = Jwks::new(vec![signing_key().public_jwk().clone()]).unwrap();
    let keys = Arc::new(KeySet::new(ISS, jwks).unwrap());
    Trust {
        profile: Profile::Cognito,
        leeway: Leeway::default(),
        access_keys: Arc::clone(&keys),
        id_keys: keys,
        groups: None,
    }
}

fn told(edge: &Edge) {
    let state = PoolState {
        trust: Some(trust()),
        deaths: Deaths::default(),
        disabled_clients: Default::default(),
        as_of: Some(NOW),
    };
    edge.running.picture().replace("corp", state);
}

fn status(edge: &Edge) -> (u16, String) {
    let answer = edge.send(&request("/api/hello", &[("authorization", &bearer(&good_token()))]));
    (answer.status, answer.header("www-authenticate").unwrap_or_default().to_owned())
}

#[test]
fn each_name_kills_a_token_that_was_known() {
    let for_good = UnixMillis(u64::MAX);
    let second = NOW.minus(Duration::from_secs(10));
    let kid = signing_key().kid().to_owned();
    let cases = [
        (Kind::Token, "j-1", for_good, "revoked"),
        (Kind::Session, "o-1", for_good, "session revoked"),
        (Kind::User, "ada", second, "signed out"),
        (Kind::Device, "d-1", for_good, "device revoked"),
        (Kind::Client, "web", for_good, "client revoked"),
        (Kind::Key, kid.as_str(), for_good, "key revoked"),
    ];
    for (kind, subject, minted_up_to, class) in cases {
        let edge = Edge::start();
        told(&edge);
        assert_eq!(status(&edge).0, 200);
        edge.running.picture().revoke("corp", &[Death { kind, subject: Fingerprint::of(subject), minted_up_to }]);
        let (status, challenge) = status(&edge);
        assert_eq!(status, 401, "{kind:?}");
        assert!(challenge.contains(&format!("error_description=\"{class}\"")), "{challenge}");
    }
}

#[test]
fn a_sign_out_before_the_token_was_made_spares_it() {
    let edge = Edge::start();
    told(&edge);
    let minted_up_to = NOW.minus(Duration::from_secs(11));
    edge.running.picture().revoke("corp", &[Death { kind: Kind::User, subject: Fingerprint::of("ada"), minted_up_to }]);
    assert_eq!(status(&edge).0, 200);
}

#[test]
fn old_news_deny_where_the_route_demands_them_fresh() {
    let edge = Edge::start_with_route("revocation = { required = true, max_staleness = \"1m\", stale = \"deny\" }");
    assert_eq!(status(&edge).0, 503, "an issuer that tells no revocations");
    told(&edge);
    assert_eq!(status(&edge).0, 200);
    edge.clock.advance(Duration::from_secs(61));
    assert_eq!(status(&edge).0, 503);
    edge.running.picture().heartbeat("corp", edge.clock.now());
    assert_eq!(status(&edge).0, 200);
}

#[test]
fn old_news_pass_where_the_route_allows_it() {
    let edge = Edge::start_with_route("revocation = { required = true, max_staleness = \"1m\", stale = \"allow\" }");
    told(&edge);
    edge.clock.advance(Duration::from_secs(61));
    assert_eq!(status(&edge).0, 200);
}

#[test]
fn an_issuer_that_is_switched_off_opens_nothing() {
    let edge = Edge::start();
    assert_eq!(status(&edge).0, 200);
    edge.running.picture().trust("corp", None);
    assert_eq!(status(&edge).0, 503);
}
