//! Resources that describe themselves (RFC 9728).

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::harness::{Edge, ISS, request};

const ROUTES: &str = "[[route]]\nmatch = { path = \"/orders/*\", methods = [\"GET\"] }\nupstream = \"echo\"\n\
    token = { issuers = [\"corp\"], scopes_all = [\"orders/read\"], dpop = { required = true, algs = [\"ES256\"] } }\n\
    resource = { url = \"https://api.test/orders\", resource_name = \"Orders\" }\n\
    [[route]]\nmatch = { path = \"/whole/*\" }\nupstream = \"echo\"\n\
    token = { issuers = [\"corp\"] }\n\
    resource = { url = \"https://api.test:8443/\", authorization_servers = [\"https://login.test\"] }\n";

#[test]
fn the_edge_answers_for_the_resource_without_a_token() {
    let edge = Edge::start_with_routes(ROUTES);
    let answer = edge.send(&request("/.well-known/oauth-protected-resource/orders", &[]));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert!(answer.header("x-request-id").is_some());
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    let expected = json!({
        "resource": "https://api.test/orders",
        "authorization_servers": [ISS],
        "scopes_supported": ["orders/read"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Orders",
        "dpop_signing_alg_values_supported": ["ES256"],
        "dpop_bound_access_tokens_required": true,
    });
    assert_eq!(document, expected);

    let whole = edge.send(&request("/.well-known/oauth-protected-resource?x", &[]));
    let document: Value = serde_json::from_str(&whole.body).unwrap();
    let expected = json!({
        "resource": "https://api.test:8443/",
        "authorization_servers": ["https://login.test"],
        "bearer_methods_supported": ["header"],
    });
    assert_eq!(document, expected);
    let metrics = edge.admin("GET", "/metrics").body;
    assert!(metrics.contains("route=\"echo /orders/*\",status=\"2xx\"} 1"), "{metrics}");
}

#[test]
fn only_the_document_is_open() {
    let edge = Edge::start_with_routes(ROUTES);
    let well_known = "/.well-known/oauth-protected-resource";
    for (path, status) in [
        (format!("{well_known}/orders/"), 404),
        (format!("{well_known}/orders/7"), 404),
        (format!("{well_known}/other"), 404),
        (format!("{well_known}s"), 404),
        (format!("{well_known}/../../orders/7"), 400),
        (format!("{well_known}/%6Frders"), 200),
    ] {
        assert_eq!(edge.send(&request(&path, &[])).status, status, "{path}");
    }
    let elsewhere = format!("GET {well_known}/orders HTTP/1.1\r\nHost: other.test\r\n\r\n");
    assert_eq!(edge.send(elsewhere.as_bytes()).status, 404);
    let method = |method: &str| {
        let head = format!("{method} {well_known}/orders HTTP/1.1\r\nHost: api.test\r\nContent-Length: 0\r\n\r\n");
        edge.send(head.as_bytes())
    };
    assert_eq!(method("POST").status, 405);
    let preflight = method("OPTIONS");
    assert_eq!((preflight.status, preflight.header("access-control-allow-headers")), (204, Some("*")));
}

#[test]
fn a_head_of_the_document_has_no_body() {
    let edge = Edge::start_with_routes(ROUTES);
    let head =
        "HEAD /.well-known/oauth-protected-resource/orders HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(edge.address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn challenges_point_to_the_document() {
    let edge = Edge::start_with_routes(ROUTES);
    let told = |path: &str| {
        let answer = edge.send(&request(path, &[]));
        assert_eq!(answer.status, 401, "{answer:?}");
        answer.header("www-authenticate").unwrap().to_owned()
    };
    assert_eq!(
        told("/orders/7"),
        "DPoP realm=\"api\", algs=\"ES256\", scope=\"orders/read\", \
         resource_metadata=\"https://api.test/.well-known/oauth-protected-resource/orders\""
    );
    assert_eq!(
        told("/whole/7"),
        "Bearer realm=\"api\", resource_metadata=\"https://api.test:8443/.well-known/oauth-protected-resource\""
    );
    assert_eq!(told("/api/x"), "Bearer realm=\"api\"");
}
