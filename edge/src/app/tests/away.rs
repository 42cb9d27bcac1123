//! The issuer is away, for minutes and for hours, and the edge starts again meanwhile (SECURITY.md R6). Time is simulated; the tokens'
//! clock, the edge's and that of the news are one.

use std::path::Path;
use std::time::Duration;

use common::clock::{Clock, UnixMillis};
use common::feed::{Change, FeedName, KeyPurpose, KeyState, PoolSettings, PublicKey, Revoked};
use common::ids::{PoolId, Sub};
use serde_json::json;

use super::bearer;
use super::harness::{Edge, NOW, claims, request, signed, signing_key};
use crate::feed::fixture::leave_behind;

const POOL: &str = "us-east-1_AbCdEf123";
const POOL_ISS: &str = "https://issuer.test/us-east-1_AbCdEf123";
const SIGNED_OUT: &str = "0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f";
const HOUR: u64 = 3_600;

/// Routes by the oldest news that they take.
const BOUNDS: [(&str, u64); 3] = [("/ten-minutes/x", 600), ("/six-hours/x", 6 * HOUR), ("/a-day/x", 24 * HOUR)];
const ROUTES: &str = r#"
[[route]]
match = { path = "/ten-minutes/*" }
upstream = "echo"
token = { issuers = ["pool:us-east-1_AbCdEf123"] }
revocation = { max_staleness = "10m" }
[[route]]
match = { path = "/six-hours/*" }
upstream = "echo"
token = { issuers = ["pool:us-east-1_AbCdEf123"] }
revocation = { max_staleness = "6h" }
[[route]]
match = { path = "/a-day/*" }
upstream = "echo"
token = { issuers = ["pool:us-east-1_AbCdEf123"] }
revocation = { max_staleness = "1d" }
[[route]]
match = { path = "/always/*" }
upstream = "echo"
token = { issuers = ["pool:us-east-1_AbCdEf123"] }
revocation = { max_staleness = "10m", stale = "allow" }
"#;

fn changes() -> Vec<Change> {
    let signing = signing_key();
    vec![
        Change::Pool(PoolSettings {
            pool: PoolId::parse(POOL).unwrap(),
            iss: POOL_ISS.into(),
            enabled: true,
            max_token_life_s: 24 * HOUR,
        }),
        Change::PublicKey(PublicKey {
            kid: signing.kid().into(),
            jwk: signing.public_jwk().to_json(),
            alg: "RS256".into(),
            purpose: KeyPurpose::AccessToken,
            state: KeyState::Active,
        }),
        Change::Revoked(Revoked::Session { origin_jti: "ended".into() }),
        Change::Revoked(Revoked::User { sub: Sub::parse(SIGNED_OUT).unwrap(), valid_after: NOW }),
    ]
}

/// An edge that was told all of that up to `NOW`, and now finds nobody where its issuer was.
fn alone() -> Edge {
    let feed = FeedName::Pool(PoolId::parse(POOL).unwrap());
    start(|dir| leave_behind(&dir.join("state"), feed, &changes(), NOW))
}

fn start(prepare: impl FnOnce(&Path)) -> Edge {
    let feed = "[feed]\nissuer = \"127.0.0.1:1\"\nstate_dir = \"state\"";
    Edge::start_prepared(prepare, feed, "", ROUTES)
}

/// As another process finds it: the same folder, another edge.
fn restarted(edge: &Edge) -> Edge {
    let old = edge.config_file().with_file_name("state");
    start(|dir| {
        std::fs::create_dir(dir.join("state")).unwrap();
        for name in ["identity", "state.key", "feed.state"] {
            std::fs::copy(old.join(name), dir.join("state").join(name)).unwrap();
        }
    })
}

/// Good for a day.
fn token(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut claims = claims();
    claims["iss"] = json!(POOL_ISS);
    claims["exp"] = json!(NOW.seconds() + 24 * HOUR);
    change(&mut claims);
    signed(&signing_key(), &claims)
}

fn status(edge: &Edge, path: &str, token: &str) -> u16 {
    edge.send(&request(path, &[("authorization", &bearer(token))])).status
}

fn at(edge: &Edge, second: u64) {
    edge.clock.set(NOW.plus(Duration::from_secs(second)));
}

/// Good tokens pass everywhere up to each route's bound, and nowhere after it but where old news are allowed.
fn assert_turns(edge: &Edge, token: &str, second: u64) {
    at(edge, second);
    for (path, bound) in BOUNDS {
        let expected = if second <= bound { 200 } else { 503 };
        assert_eq!(status(edge, path, token), expected, "{path} after {second} s");
    }
    assert_eq!(status(edge, "/always/x", token), 200, "after {second} s");
}

#[test]
fn every_route_turns_at_its_own_bound_within_a_second() {
    let (edge, good) = (alone(), token(|_| ()));
    for (_, bound) in BOUNDS {
        for second in [bound - 1, bound, bound + 1] {
            // At a day the token has expired; the news may be older than that by an hour.
            if second < 24 * HOUR - 1 {
                assert_turns(&edge, &good, second);
            }
        }
    }
}

#[test]
fn hours_pass_and_a_restart_makes_no_news_younger() {
    let good = token(|_| ());
    let mut edge = alone();
    for minute in 0..8 * 60 {
        if minute % 150 == 149 {
            edge = restarted(&edge);
        }
        assert_turns(&edge, &good, minute * 60 + 30);
    }
}

#[test]
fn what_was_dead_stays_dead_whatever_is_allowed() {
    let ended = token(|claims| claims["origin_jti"] = json!("ended"));
    let signed_out = token(|claims| claims["sub"] = json!(SIGNED_OUT));
    let mut edge = alone();
    for hour in [0, 5, 20] {
        at(&edge, hour * HOUR);
        assert_eq!(status(&edge, "/always/x", &ended), 401, "after {hour} h");
        assert_eq!(status(&edge, "/always/x", &signed_out), 401, "after {hour} h");
        edge = restarted(&edge);
    }
}

#[test]
fn the_first_heartbeat_turns_every_route_back() {
    let (edge, good) = (alone(), token(|_| ()));
    at(&edge, 7 * HOUR);
    assert_eq!(status(&edge, "/six-hours/x", &good), 503);
    assert!(edge.admin("GET", "/readyz").body.contains("the news of revocations are 25200 s old"));
    let heard: UnixMillis = edge.clock.now();
    edge.running.picture().heartbeat(&format!("pool:{POOL}"), heard);
    for (path, _) in BOUNDS {
        assert_eq!(status(&edge, path, &good), 200, "{path}");
    }
    assert_eq!(edge.admin("GET", "/readyz").status, 200);
}
