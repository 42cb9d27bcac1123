//! Bound tokens over the wire: challenges, nonces, what goes upstream, one proof on many requests at once.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use common::jose::Thumbprint;
use serde_json::json;

use super::harness::{Answer, Connection, Edge, NOW, claims, request, signed, signing_key};
use crate::gates::proof::prover::Prover;

const ORDERS: &str = "http://api.test/orders";

/// A route that speaks of DPoP, with `rule` in its `dpop` table.
fn edge(rule: &str) -> Edge {
    Edge::start_with_routes(&format!(
        "[[route]]\nmatch = {{ path = \"/orders\" }}\nupstream = \"echo\"\n\
         token = {{ issuers = [\"corp\"], dpop = {{ {rule} }} }}\n"
    ))
}

fn bound_to(client: &Prover) -> String {
    let mut claims = claims();
    claims["cnf"] = json!({"jkt": client.jkt()});
    signed(&signing_key(), &claims)
}

fn send(edge: &Edge, path: &str, token: &str, proof: &str) -> Answer {
    edge.send(&request(path, &[("authorization", &format!("DPoP {token}")), ("dpop", proof)]))
}

fn challenges(answer: &Answer) -> Vec<&str> {
    let named = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"));
    named.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn a_bound_token_passes_with_its_proof_on_any_route_and_the_proof_stays_here() {
    let edge = edge("");
    let client = Prover::new();
    let token = bound_to(&client);
    for path in ["/orders", "/api/hello", "/api/hello"] {
        let proof = client.proof("GET", &format!("http://api.test{path}"), &token, NOW);
        let answer = send(&edge, &format!("{path}?x=1"), &token, &proof);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.echoed("dpop"), Vec::<String>::new());
        assert_eq!(answer.header("dpop-nonce"), None);
        let again = send(&edge, &format!("{path}?x=2"), &token, &proof);
        assert_eq!(again.status, 401, "{again:?}");
        assert!(challenges(&again)[1].contains("error=\"invalid_dpop_proof\", error_description=\"proof was used\""));
    }
    let metrics = edge.admin("GET", "/metrics").body;
    assert!(metrics.contains("tollgate_edge_replay_proofs 3\n"), "{metrics}");
    assert!(metrics.matches("reason=\"proof_replayed\"} ").count() == 2, "{metrics}");
}

#[test]
fn challenges_say_what_would_have_been_taken() {
    let edge = edge("algs = [\"ES256\", \"EdDSA\"]");
    let client = Prover::new();
    let token = bound_to(&client);
    let bearer = |token: &str| [("authorization", format!("Bearer {token}"))];
    let plain = "Bearer realm=\"api\"";
    let dpop = "DPoP realm=\"api\", algs=\"ES256 Ed25519 EdDSA\"";

    let nothing = edge.send(&request("/orders", &[]));
    assert_eq!(challenges(&nothing), [plain, dpop]);

    let as_bearer = edge.send(&request("/orders", &bearer(&token).each_ref().map(|(n, v)| (*n, v.as_str()))));
    let error = "error=\"invalid_token\", error_description=\"bound token without proof\"";
    assert_eq!((as_bearer.status, challenges(&as_bearer)), (401, vec![&*format!("{plain}, {error}"), dpop]));

    let bad = send(&edge, "/orders", &token, &client.proof("GET", "http://api.test/other", &token, NOW));
    let error = "error=\"invalid_dpop_proof\", error_description=\"invalid proof\"";
    assert_eq!((bad.status, challenges(&bad)), (401, vec![plain, &*format!("{dpop}, {error}")]));
    assert!(bad.body.contains("\"error\":\"invalid_dpop_proof\""), "{bad:?}");

    // A route whose settings do not speak of DPoP does so only to who does.
    assert_eq!(challenges(&edge.send(&request("/api/x", &[]))), [plain]);
    let as_bearer = edge.send(&request("/api/x", &bearer(&token).each_ref().map(|(n, v)| (*n, v.as_str()))));
    assert_eq!(challenges(&as_bearer).len(), 2);
    assert!(challenges(&as_bearer)[1].starts_with("DPoP realm=\"api\", algs=\"RS256 "), "{as_bearer:?}");
}

#[test]
fn a_route_that_requires_dpop_offers_nothing_else() {
    let edge = edge("required = true");
    let client = Prover::new();
    let unbound = signed(&signing_key(), &claims());
    let bound = bound_to(&client);
    let cases = [
        (None, None),
        (Some(format!("Bearer {unbound}")), Some("invalid_token\", error_description=\"token is not bound")),
        (Some(format!("DPoP {unbound}")), Some("invalid_token\", error_description=\"token is not bound")),
        (Some(format!("Bearer {bound}")), Some("invalid_token\", error_description=\"bound token without proof")),
    ];
    for (authorization, error) in cases {
        let fields: Vec<(&str, &str)> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let answer = edge.send(&request("/orders", &fields));
        assert_eq!((answer.status, challenges(&answer).len()), (401, 1), "{answer:?}");
        assert!(challenges(&answer)[0].starts_with("DPoP realm="), "{answer:?}");
        assert_eq!(error.is_none(), !challenges(&answer)[0].contains("error="));
        assert!(error.is_none_or(|error| challenges(&answer)[0].contains(error)), "{answer:?}");
    }
    let proof = client.proof("GET", ORDERS, &bound, NOW);
    assert_eq!(send(&edge, "/orders", &bound, &proof).status, 200);
}

#[test]
fn a_nonce_is_demanded_and_turns() {
    let edge = edge("nonce = true, forward = true");
    let client = Prover::new();
    let token = bound_to(&client);
    let refused = send(&edge, "/orders", &token, &client.proof("GET", ORDERS, &token, NOW));
    assert_eq!(refused.status, 401);
    assert!(challenges(&refused)[1].contains("error=\"use_dpop_nonce\""), "{refused:?}");
    let nonce = refused.header("dpop-nonce").unwrap().to_owned();
    let with_nonce = || {
        let mut claims = client.claims("GET", ORDERS, &token, NOW);
        claims["nonce"] = json!(nonce);
        client.sign(&claims)
    };
    let proof = with_nonce();
    let passed = send(&edge, "/orders", &token, &proof);
    assert_eq!((passed.status, passed.header("dpop-nonce")), (200, None), "{passed:?}");
    assert_eq!(passed.echoed("dpop"), [proof]);
    edge.clock.advance(Duration::from_secs(180));
    let turned = send(&edge, "/orders", &token, &with_nonce());
    assert_eq!(turned.status, 200, "{turned:?}");
    assert_ne!(turned.header("dpop-nonce").unwrap(), nonce);
    assert_eq!(turned.header("cache-control"), Some("no-store"));
}

#[test]
fn one_proof_on_parallel_requests_passes_once() {
    const REQUESTS: usize = 8;
    let edge = edge("");
    let client = Prover::new();
    let token = bound_to(&client);
    for _ in 0..10 {
        let proof = client.proof("GET", ORDERS, &token, NOW);
        let start = Barrier::new(REQUESTS);
        let fields = [("authorization", format!("DPoP {token}")), ("dpop", proof)];
        let request = request("/orders", &fields.each_ref().map(|(name, value)| (*name, value.as_str())));
        let connections: Vec<Connection> = (0..REQUESTS).map(|_| edge.connect()).collect();
        let statuses: Vec<u16> = thread::scope(|scope| {
            let (start, request) = (&start, &request);
            let one = |mut connection: Connection| {
                scope.spawn(move || {
                    start.wait();
                    connection.send(request).status
                })
            };
            let all: Vec<_> = connections.into_iter().map(one).collect();
            all.into_iter().map(|request| request.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    }
}

#[test]
fn a_token_bound_to_a_certificate_does_not_pass_without_one() {
    let edge = edge("");
    let mut claims = claims();
    claims["cnf"] = json!({"x5t#S256": Thumbprint::of(b"certificate").to_string()});
    let bearer = format!("Bearer {}", signed(&signing_key(), &claims));
    for path in ["/orders", "/api/x"] {
        let answer = edge.send(&request(path, &[("authorization", &bearer)]));
        assert_eq!(answer.status, 401);
        assert!(challenges(&answer)[0].contains("bound token without certificate"), "{answer:?}");
    }
}
