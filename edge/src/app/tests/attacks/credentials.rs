//! Credentials that are none (T01, T08, T09, T25, T26): whatever is wrong with them, the answer is a refusal.

use std::net::TcpListener;
use std::time::Duration;

use common::jose::base64url_encode;
use serde_json::{Value, json};

use super::super::harness::{Connection, Edge, claims, request, second_key, signing_key};
use super::super::{bearer, good_token};
use super::noise::Noise;
use super::short_or_long;

/// Sends on one connection for as long as the edge keeps it.
struct Client<'e> {
    edge: &'e Edge,
    connection: Connection,
}

impl<'e> Client<'e> {
    fn of(edge: &'e Edge) -> Self {
        Self { edge, connection: edge.connect() }
    }

    /// The status, or 0 when the edge closed the connection without an answer.
    fn status(&mut self, request: &[u8]) -> u16 {
        let answer = self.connection.try_send(request);
        let close = answer
            .as_ref()
            .is_none_or(|answer| answer.header("connection").is_some_and(|value| value.contains("close")));
        if close {
            self.connection = self.edge.connect();
        }
        answer.map_or(0, |answer| answer.status)
    }
}

fn get(target: &str, fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = format!("GET {target} HTTP/1.1\r\nHost: api.test\r\n").into_bytes();
    for (name, value) in fields {
        bytes.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn signed_under(header: &Value) -> String {
    let key = signing_key();
    let input = format!("{}.{}", base64url_encode(header.to_string()), base64url_encode(claims().to_string()));
    format!("{input}.{}", base64url_encode(key.sign(input.as_bytes()).unwrap()))
}

#[test]
fn mutated_credentials_never_pass() {
    let edge = Edge::start();
    let mut client = Client::of(&edge);
    let good = bearer(&good_token());
    let mut noise = Noise::new(25);
    let rounds = short_or_long(5_000, 100_000);
    let mut refused = 0;
    for round in 0..rounds {
        let mut value = noise.mutate(good.as_bytes());
        value.retain(|byte| !matches!(byte, b'\r' | b'\n'));
        if says_the_same(&value, &good) {
            continue;
        }
        let shown = String::from_utf8_lossy(&value).into_owned();
        let status = if round % 4 == 0 {
            let cookie = [b"session=".as_slice(), &value].concat();
            client.status(&get("/api/x", &[("cookie", &cookie)]))
        } else {
            client.status(&get("/api/x", &[("authorization", &value)]))
        };
        assert!(matches!(status, 0 | 400 | 401 | 403 | 431), "{status}: {shown}");
        refused += 1;
    }
    println!("{refused} mutated credentials refused");
    assert!(refused > rounds * 9 / 10);
    assert_eq!(client.status(&get("/api/x", &[("authorization", good.as_bytes())])), 200);
}

/// The case of the scheme and white space around and after it do not count (RFC 9110 §5.5, §11.1).
fn says_the_same(value: &[u8], good: &str) -> bool {
    let value = value.trim_ascii();
    let Some((scheme, token)) = value.split_at_checked(6) else { return false };
    scheme.eq_ignore_ascii_case(b"bearer") && token.starts_with(b" ") && token.trim_ascii() == &good.as_bytes()[7..]
}

#[test]
fn garbage_is_refused_on_every_route_that_wants_a_token_and_in_every_place() {
    let edge = Edge::start_with_routes(
        "[[route]]\nmatch = { path = \"/exact\" }\nupstream = \"echo\"\ntoken = { issuers = [\"corp\"] }\n\
         [[route]]\nmatch = { path = \"/posts/*\", methods = [\"POST\"] }\nupstream = \"echo\"\ntoken = { issuers = [\"corp\"] }\n\
         [[route]]\nmatch = { host = \"api.test\", path = \"/hosted/*\" }\nupstream = \"echo\"\ntoken = { issuers = [\"corp\"] }\n",
    );
    let mut client = Client::of(&edge);
    let garbage = [
        "",
        "x",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer .",
        "Bearer ..",
        "Bearer ...",
        "Bearer null",
        "Bearer e30.e30.",
        "Basic Og==",
        "\u{ff}",
    ];
    for (method, target) in [("GET", "/api/x"), ("GET", "/exact"), ("POST", "/posts/x"), ("GET", "/hosted/x")] {
        for text in garbage {
            let as_field = get(target, &[("authorization", text.as_bytes())]);
            let as_query = get(&format!("{target}?access_token={}&token=x&jwt=x", base64url_encode(text)), &[]);
            let as_cookie = get(target, &[("cookie", format!("access_token={text}; token={text}").as_bytes())]);
            for bytes in [as_field, as_query, as_cookie] {
                let bytes = [method.as_bytes(), &bytes[3..]].concat();
                assert_eq!(client.status(&bytes), 401, "{method} {target}: {text}");
            }
        }
    }
}

#[test]
fn every_alg_none_is_refused_over_the_wire() {
    let edge = Edge::start();
    let mut client = Client::of(&edge);
    let good = good_token();
    let signature = good.rsplit('.').next().unwrap();
    for case in 0..16_u8 {
        let bit = |i: usize, c: char| if case >> i & 1 == 1 { c.to_ascii_uppercase() } else { c };
        let alg: String = "none".chars().enumerate().map(|(i, c)| bit(i, c)).collect();
        let header = base64url_encode(json!({"alg": alg, "kid": signing_key().kid()}).to_string());
        for signature in ["", "Z2FyYmFnZQ", signature] {
            let token = format!("{header}.{}.{signature}", base64url_encode(claims().to_string()));
            assert_eq!(client.status(&request("/api/x", &[("authorization", &bearer(&token))])), 401, "{alg}");
        }
    }
}

#[test]
fn key_names_are_looked_up_in_the_set_and_nowhere_else() {
    let edge = Edge::start();
    let mut client = Client::of(&edge);
    let canary = Canary::start();
    let seeds = [
        "../../../../etc/passwd",
        "/proc/self/environ",
        "' OR '1'='1",
        "'; DROP TABLE keys; --",
        "http://HOST/jwks",
        "file:///etc/passwd",
        "${jndi:ldap://HOST/a}",
        "`id`",
        "$(id)",
        "| id",
        "\u{0}",
        "a\nb",
        "%00",
        "%2e%2e%2f",
        "\\\\HOST\\share",
        "-1",
        "[object Object]",
        "__proto__",
        "constructor",
        "*",
        "\u{202e}",
        "data:application/json,{}",
        "//HOST/x",
        "kid\u{0}.pem",
        "\u{ff}",
        "{{7*7}}",
        "<x>",
        "urn:x",
        "true",
        "null",
    ];
    let mut noise = Noise::new(8);
    let rounds = short_or_long(2_000, 10_000);
    for round in 0..rounds {
        let seed = seeds[round as usize % seeds.len()].replace("HOST", &canary.host());
        let kid = if round < 200 { seed.into_bytes() } else { noise.mutate(seed.as_bytes()) };
        let kid = String::from_utf8_lossy(&kid).into_owned();
        let token = signed_under(&json!({"alg": "RS256", "kid": kid}));
        let status = client.status(&request("/api/x", &[("authorization", &bearer(&token))]));
        assert!(matches!(status, 401 | 431), "{status}: {kid:?}");
    }
    for bytes in [257, 7_000, 1_000_000] {
        let token = signed_under(&json!({"alg": "RS256", "kid": "k".repeat(bytes)}));
        let status = client.status(&request("/api/x", &[("authorization", &bearer(&token))]));
        assert!(matches!(status, 0 | 400 | 401 | 431), "{status}: a kid of {bytes} bytes");
    }
    canary.expect_silence();
    assert_eq!(client.status(&request("/api/x", &[("authorization", &bearer(&good_token()))])), 200);
}

#[test]
fn no_key_is_fetched_from_where_a_token_says() {
    let edge = Edge::start();
    let mut client = Client::of(&edge);
    let canary = Canary::start();
    let (ours, theirs) = (signing_key(), second_key());
    let url = format!("http://{}/jwks.json", canary.host());
    let jwk: Value = serde_json::from_str(&theirs.public_jwk().to_json()).unwrap();
    let hints = [
        json!({"jku": url}),
        json!({"x5u": url}),
        json!({"jku": url, "x5u": url, "jwk": jwk, "x5c": ["MIIB"], "x5t": "x", "x5t#S256": "x"}),
        json!({"jwk": jwk}),
        json!({"jwk": {"kty": "RSA", "jku": url}}),
        json!({"jku": [url]}),
        json!({"iss": url, "aud": url}),
    ];
    for kid in [theirs.kid(), ours.kid(), url.as_str()] {
        for hint in &hints {
            let mut header = json!({"alg": "RS256", "kid": kid});
            header.as_object_mut().unwrap().extend(hint.as_object().unwrap().clone());
            let mut payload = claims();
            payload["iss"] = json!(if kid == url { url.as_str() } else { super::super::harness::ISS });
            let input = format!("{}.{}", base64url_encode(header.to_string()), base64url_encode(payload.to_string()));
            let token = format!("{input}.{}", base64url_encode(theirs.sign(input.as_bytes()).unwrap()));
            assert_eq!(client.status(&request("/api/x", &[("authorization", &bearer(&token))])), 401, "{header}");
        }
    }
    canary.expect_silence();
}

/// A server that nobody must call.
struct Canary(TcpListener);

impl Canary {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn host(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    fn expect_silence(&self) {
        std::thread::sleep(Duration::from_millis(200));
        let called = self.0.accept();
        assert!(called.is_err(), "somebody called: {called:?}");
    }
}
