//! The whole edge in this process, on loopback, before a toy upstream and with keys from a JWKS file.

mod acl;
mod attacks;
mod attest;
mod away;
mod challenge;
mod cors;
mod dpop;
mod failover;
mod fingerprints;
mod front;
mod geo;
mod grpc;
mod harness;
mod head;
mod idp;
mod introspection;
mod keys;
mod limits;
mod listeners;
mod operations;
mod origins;
mod policy;
mod pool_acl;
mod resource;
mod revocation;
mod sign_in;
mod streams;
mod takeover;
mod tunnels;
mod upstreams;

use std::time::Duration;

use common::jose::base64url_encode;
use ring::hmac;
use serde_json::json;

use self::harness::{Edge, NOW, claims, request, second_key, signed, signing_key};

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn good_token() -> String {
    signed(&signing_key(), &claims())
}

/// The good claims with one of them changed.
fn with(name: &str, value: serde_json::Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    signed(&signing_key(), &claims)
}

/// A token with this header and payload, and the signature of another.
fn forged(header: &str, payload: &str, signature: &str) -> String {
    format!("{}.{}.{signature}", base64url_encode(header), base64url_encode(payload))
}

fn hs256_with_the_public_key() -> String {
    let jwk = signing_key().public_jwk().to_json();
    let kid = signing_key().kid().to_owned();
    let header = json!({"alg": "HS256", "kid": kid}).to_string();
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(claims().to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, jwk.as_bytes()), input.as_bytes());
    format!("{input}.{}", base64url_encode(tag))
}

fn none_alg() -> String {
    forged(r#"{"alg":"none"}"#, &claims().to_string(), "")
}

fn changed_payload() -> String {
    let token = good_token();
    let (signed_part, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = signed_part.split_once('.').unwrap();
    let mut claims = claims();
    claims["sub"] = json!("root");
    format!("{header}.{}.{signature}", base64url_encode(claims.to_string()))
}

/// Signed by the good key, over a payload with two `sub`s.
fn duplicate_keys() -> String {
    let key = signing_key();
    let payload = claims().to_string().replacen('{', "{\"sub\":\"root\",", 1);
    let header = json!({"alg": "RS256", "kid": key.kid()}).to_string();
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(payload));
    format!("{input}.{}", base64url_encode(key.sign(input.as_bytes()).unwrap()))
}

#[test]
fn a_good_token_passes_and_its_identity_goes_upstream() {
    let edge = Edge::start();
    for _ in 0..3 {
        let answer = edge.send(&request("/api/hello", &[("authorization", &bearer(&good_token()))]));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.echoed("x-user-id"), ["ada"]);
        assert_eq!(answer.echoed("x-groups"), ["staff,admin"]);
        assert_eq!(answer.echoed("x-forwarded-for"), ["127.0.0.1"]);
        assert_eq!(answer.echoed("x-forwarded-proto"), ["http"]);
        let id = answer.header("x-request-id").unwrap();
        assert_eq!(id.len(), 32);
        assert_eq!(answer.echoed("x-request-id"), [id]);
        assert_eq!(answer.header("x-inner"), None, "what the upstream nominated stays inside");
    }
}

#[test]
fn every_bad_token_is_refused_with_its_class_of_reason() {
    let edge = Edge::start();
    let day = 86_400;
    let cases = [
        ("expired", with("exp", json!(NOW.seconds() - day))),
        ("not yet valid", with("nbf", json!(NOW.seconds() + day))),
        ("issued in the future", with("iat", json!(NOW.seconds() + day))),
        ("signature", changed_payload()),
        ("unknown key", signed(&second_key(), &claims())),
        ("unsupported algorithm", none_alg()),
        ("unsupported algorithm", hs256_with_the_public_key()),
        ("wrong issuer", with("iss", json!("https://issuer.test/other"))),
        ("wrong token use", {
            let mut id = claims();
            id["token_use"] = json!("id");
            id["aud"] = json!("web");
            signed(&signing_key(), &id)
        }),
        ("malformed", duplicate_keys()),
        ("malformed", "garbage".to_owned()),
        ("invalid claims", with("exp", json!("4000000000"))),
    ];
    for (class, token) in cases {
        for _ in 0..2 {
            let answer = edge.send(&request("/api/hello", &[("authorization", &bearer(&token))]));
            assert_eq!(answer.status, 401, "{class}: {answer:?}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.contains(&format!("error_description=\"{class}\"")), "{class}: {challenge}");
            let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(body["request_id"], *answer.header("x-request-id").unwrap());
        }
    }
}

#[test]
fn no_token_two_tokens_and_tokens_elsewhere_are_refused() {
    let edge = Edge::start();
    let (good, other) = (bearer(&good_token()), bearer("x.y.z"));
    type Case<'c> = (&'c str, &'c str, &'c [(&'c str, &'c str)]);
    let cases: [Case<'_>; 6] = [
        ("/api/x", "Bearer realm=\"api\"", &[]),
        ("/api/x", "several credentials", &[("authorization", &good), ("authorization", &good)]),
        ("/api/x", "several credentials", &[("authorization", &good), ("Authorization", &other)]),
        ("/api/x", "Bearer realm=\"api\"", &[("authorization", "Basic dTpw")]),
        ("/api/x", "Bearer realm=\"api\"", &[("x-authorization", &good)]),
        (&format!("/api/x?access_token={}", good_token()), "Bearer realm=\"api\"", &[]),
    ];
    for (target, challenge, fields) in cases {
        let answer = edge.send(&request(target, fields));
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.header("www-authenticate").unwrap().contains(challenge), "{answer:?}");
    }
}

#[test]
fn time_is_asked_again_of_a_known_token() {
    let edge = Edge::start();
    let send = || edge.send(&request("/api/hello", &[("authorization", &bearer(&good_token()))])).status;
    assert_eq!(send(), 200);
    edge.clock.advance(Duration::from_secs(3_600));
    assert_eq!(send(), 401);
}

#[test]
fn a_route_rule_is_asked_again_of_a_known_token() {
    let edge = Edge::start_with_routes(
        "[[route]]\nmatch = { path = \"/api/admin/*\" }\nupstream = \"echo\"\n\
         token = { issuers = [\"corp\"], scopes_all = [\"orders/write\"] }\n\
         [[route]]\nmatch = { path = \"/api/client/*\" }\nupstream = \"echo\"\n\
         token = { issuers = [\"corp\"], clients = [\"mobile\"] }\n",
    );
    let send = |path: &str| edge.send(&request(path, &[("authorization", &bearer(&good_token()))]));
    assert_eq!(send("/api/hello").status, 200);
    let answer = send("/api/admin/x");
    assert_eq!(answer.status, 403);
    assert!(answer.header("www-authenticate").unwrap().contains("insufficient_scope"));
    assert_eq!(send("/api/client/x").status, 401);
}

#[test]
fn garbage_credentials_never_pass() {
    let edge = Edge::start();
    let good = good_token();
    let mut connection = edge.connect();
    for (i, _) in good.char_indices().step_by(37) {
        let mut mutated = good.clone().into_bytes();
        mutated[i] = if mutated[i] == b'A' { b'B' } else { b'A' };
        let mutated = String::from_utf8(mutated).unwrap();
        let answer = connection.send(&request("/api/x", &[("authorization", &bearer(&mutated))]));
        assert_eq!(answer.status, 401, "byte {i}");
    }
}

#[test]
fn an_upstream_that_is_down_is_told_as_json() {
    let edge = Edge::start();
    let answer = edge.send(&request("/down/x", &[]));
    assert_eq!(answer.status, 502);
    assert_eq!(answer.header("x-request-id").unwrap().len(), 32);
    assert!(answer.body.contains("bad_gateway"));
    assert_eq!(edge.send(&request("/nowhere", &[])).status, 404);
}

#[test]
fn the_admin_listener_tells_health_readiness_and_metrics_and_reloads() {
    let edge = Edge::start();
    assert_eq!(edge.admin("GET", "/healthz").status, 200);
    let ready = edge.admin("GET", "/readyz");
    assert_eq!((ready.status, ready.body.contains("\"ready\":true")), (200, true), "{ready:?}");
    edge.send(&request("/api/x", &[]));
    let metrics = edge.admin("GET", "/metrics").body;
    assert!(
        metrics.contains("tollgate_edge_refusals_total{route=\"echo /api/*\",reason=\"missing_token\"} 1"),
        "{metrics}"
    );
    assert_eq!(edge.admin("GET", "/reload").status, 405);
    assert!(edge.admin("POST", "/reload").body.contains("\"generation\":2"));
    std::fs::write(edge.config_file(), "[listen]\nhttpp = 1").unwrap();
    let refused = edge.admin("POST", "/reload");
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.body.contains("\"generation\":2"));
    assert_eq!(edge.send(&request("/public/x", &[])).status, 200, "the last good configuration serves");
}
