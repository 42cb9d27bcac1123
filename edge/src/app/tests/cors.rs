//! Cross-origin requests through a whole edge, with an upstream that has views of its own.

use super::harness::{Answer, Edge, request};
use super::{bearer, good_token};

const APP: &str = "https://app.example.com";
const CORS: &str = "cors = { origins = [\"https://app.example.com\", \"https://*.example.org\"], credentials = true }";

fn preflight(target: &str, origins: &[&str], method: &str) -> Vec<u8> {
    let mut fields: Vec<_> = origins.iter().map(|origin| ("origin", *origin)).collect();
    fields.extend([
        ("access-control-request-method", method),
        ("access-control-request-headers", "authorization, x-evil"),
    ]);
    String::from_utf8(request(target, &fields)).unwrap().replacen("GET", "OPTIONS", 1).into_bytes()
}

fn cors_headers(answer: &Answer) -> Vec<String> {
    let mut told: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| name.starts_with("access-control-") || name == "vary")
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    told.sort();
    told
}

#[test]
fn a_preflight_needs_no_token_where_a_route_says_so_and_nowhere_else() {
    let edge = Edge::start_with_route(CORS);
    let mut connection = edge.connect();
    for origin in [APP, "https://a.example.org"] {
        let answer = connection.send(&preflight("/api/x", &[origin], "PUT"));
        assert_eq!((answer.status, &*answer.body), (204, ""), "{answer:?}");
        assert_eq!(
            cors_headers(&answer),
            [
                "access-control-allow-credentials: true",
                "access-control-allow-headers: authorization, content-type",
                "access-control-allow-methods: GET, HEAD, POST, PUT, PATCH, DELETE",
                &*format!("access-control-allow-origin: {origin}"),
                "access-control-max-age: 600",
                "vary: Origin",
            ]
        );
        assert_eq!(answer.header("x-request-id").unwrap().len(), 32);
        assert_eq!(
            (answer.header("transfer-encoding"), answer.header("content-length")),
            (None, None),
            "RFC 9110 §8.6"
        );
    }
    assert_eq!(connection.send(&request("/public/next", &[])).status, 200, "the connection goes on");
    // T23, T24: anything else is an OPTIONS like any other, which needs a token here.
    for (target, origins, method, status) in [
        ("/api/x", &["https://evil.test"] as &[&str], "PUT", 401),
        ("/api/x", &["null"], "PUT", 401),
        ("/api/x", &[], "PUT", 401),
        ("/api/x", &[APP, APP], "PUT", 401),
        ("/api/x", &[APP, "https://evil.test"], "PUT", 401),
        ("/api/x", &["https://app.example.com, https://evil.test"], "PUT", 401),
        ("/api/x", &["https://app.example.com https://evil.test"], "PUT", 401),
        ("/api/x", &[APP], "PUT\r\naccess-control-request-method: GET", 401),
        ("/public/x", &[APP], "PUT", 200),
        ("/nowhere", &[APP], "PUT", 404),
    ] {
        let answer = edge.send(&preflight(target, origins, method));
        assert_eq!(answer.status, status, "{target} {origins:?} {method}: {answer:?}");
        assert_eq!(answer.header("access-control-allow-methods"), None, "{target} {origins:?}");
    }
    let plain = String::from_utf8(request("/api/x", &[("origin", APP)])).unwrap().replacen("GET", "OPTIONS", 1);
    assert_eq!(edge.send(plain.as_bytes()).status, 401, "no preflight");
    let announced = [("origin", APP), ("access-control-request-method", "GET")];
    for disguise in ["x-http-method-override", "x-http-method", "x-method-override", "x-original-method"] {
        let fields = [&announced[..], &[(disguise, "OPTIONS")]].concat();
        assert_eq!(edge.send(&request("/api/x", &fields)).status, 401, "{disguise}");
    }
}

#[test]
fn a_preflight_takes_the_route_of_the_request_that_is_to_come() {
    let route = |method: &str, origin: &str| {
        format!(
            "[[route]]\nmatch = {{ path = \"/things/*\", methods = [\"{method}\"] }}\nupstream = \"echo\"\n\
             token = {{ issuers = [\"corp\"] }}\ncors = {{ origins = [\"{origin}\"] }}\n"
        )
    };
    let edge =
        Edge::start_with_routes(&format!("{}{}", route("GET", "https://get.test"), route("PUT", "https://put.test")));
    for (origin, method, status) in [
        ("https://get.test", "GET", 204),
        ("https://put.test", "PUT", 204),
        ("https://get.test", "PUT", 405),
        ("https://get.test", "DELETE", 405),
        ("https://get.test", "get", 405),
    ] {
        let answer = edge.send(&preflight("/things/1", &[origin], method));
        assert_eq!(answer.status, status, "{origin} {method}");
        if status == 204 {
            assert_eq!(answer.header("access-control-allow-methods"), Some(method));
        }
    }
}

#[test]
fn answers_and_refusals_can_be_read_by_the_origins_that_are_named() {
    let edge = Edge::start_with_route(CORS);
    let token = bearer(&good_token());
    let expected = |origin: &str| {
        [
            "access-control-allow-credentials: true".to_owned(),
            format!("access-control-allow-origin: {origin}"),
            "access-control-expose-headers: dpop-nonce, retry-after, www-authenticate, x-request-id".to_owned(),
            "vary: Origin".to_owned(),
        ]
    };
    let answer = edge.send(&request("/api/x", &[("origin", APP), ("authorization", &token)]));
    assert_eq!((answer.status, cors_headers(&answer)), (200, expected(APP).to_vec()));
    assert_eq!(answer.echoed("origin"), [APP], "the upstream may want to know");
    let refused = edge.send(&request("/api/x", &[("origin", APP)]));
    assert_eq!((refused.status, cors_headers(&refused)), (401, expected(APP).to_vec()));
    let garbage =
        edge.send(&request("/api/x", &[("origin", "https://a.b.example.org"), ("authorization", "Bearer x")]));
    assert_eq!((garbage.status, cors_headers(&garbage)), (401, expected("https://a.b.example.org").to_vec()));
    for fields in [
        &[("origin", "https://evil.test"), ("authorization", &*token)] as &[_],
        &[("authorization", &*token)],
        &[("origin", APP), ("origin", APP), ("authorization", &*token)],
        &[("origin", "https://evil.test")],
    ] {
        let answer = edge.send(&request("/api/x", fields));
        assert_eq!(cors_headers(&answer), ["vary: Origin"], "{fields:?}");
    }
    let other = edge.send(&request("/public/x", &[("origin", APP)]));
    assert_eq!(cors_headers(&other), [""; 0], "a route that says nothing leaves it to the upstream");
}

#[test]
fn a_failure_on_the_way_can_be_read_too() {
    let edge = Edge::start_with_routes(
        "[[route]]\nmatch = { path = \"/gone/*\" }\nupstream = \"nobody\"\ncors = { origins = [\"*\"] }\n",
    );
    let answer = edge.send(&request("/gone/x", &[("origin", APP)]));
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (502, Some("*")));
}
