//! The whole edge in this process, on loopback, before a toy upstream and with keys from a JWKS file.

mod harness;

use serde_json::json;

use self::harness::{Edge, NOW, claims, request, second_key, signed, signing_key};

#[test]
fn a_good_token_passes_and_none_does_not() {
    let edge = Edge::start();
    let token = signed(&signing_key(), &claims());
    let answer = edge.send(&request("/api/hello", &[("authorization", &format!("Bearer {token}"))]));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("x-request-id").unwrap().len(), 32);
    assert_eq!(answer.echoed("x-user-id"), ["ada"]);
    assert_eq!(answer.echoed("x-groups"), ["staff,admin"]);
    let answer = edge.send(&request("/api/hello", &[]));
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("www-authenticate").unwrap(), "Bearer realm=\"api\"");
    assert_eq!(answer.header("x-request-id").unwrap().len(), 32);
    let _ = (NOW, json!(1), second_key());
}
