use common::settings::parse;

use super::*;
use crate::snapshot::cors::OriginPattern;

fn rule(text: &str) -> Result<CorsRule, String> {
    let mut root = parse(&format!("[cors]\n{text}"), [], &[]).unwrap();
    config::rule(root.section("cors").unwrap().unwrap(), &[]).map_err(|error| error.to_string())
}

fn request(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn told(headers: &[(HeaderName, HeaderValue)]) -> Vec<String> {
    headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
}

fn allowed(origins: &str, origin: &str) -> Option<String> {
    let rule = rule(&format!("origins = {origins}")).unwrap();
    let headers = headers(&rule, &request(&[("origin", origin)]));
    headers
        .iter()
        .find(|(name, _)| name == ACCESS_CONTROL_ALLOW_ORIGIN)
        .map(|(_, value)| value.to_str().unwrap().to_owned())
}

#[test]
fn an_origin_is_named_or_it_is_not() {
    let app = "[\"https://app.example.com\"]";
    let below = "[\"https://*.example.com\"]";
    let any = "[\"*\"]";
    for (origins, origin, expected) in [
        (app, "https://app.example.com", Some("https://app.example.com")),
        (app, "http://app.example.com", None),
        (app, "https://app.example.com:8443", None),
        (app, "https://app.example.com:443", None),
        (app, "https://app.example.com/", None),
        (app, "https://APP.example.com", None),
        (app, "https://app.example.com.evil.test", None),
        (app, "https://evil.test?https://app.example.com", None),
        (app, "null", None),
        (app, "", None),
        (app, "https://app.example.com, https://evil.test", None),
        (app, "https://app.example.com https://evil.test", None),
        ("[\"HTTPS://App.example.com:443\"]", "https://app.example.com", Some("https://app.example.com")),
        ("[\"http://localhost:3000\"]", "http://localhost:3000", Some("http://localhost:3000")),
        ("[\"capacitor://localhost\"]", "capacitor://localhost", Some("capacitor://localhost")),
        ("[\"http://[::1]:3000\"]", "http://[::1]:3000", Some("http://[::1]:3000")),
        (below, "https://a.example.com", Some("https://a.example.com")),
        (below, "https://a.b.example.com", Some("https://a.b.example.com")),
        (below, "https://example.com", None),
        (below, "https://.example.com", None),
        (below, "https://a..example.com", None),
        (below, "https://evilexample.com", None),
        (below, "https://evil.test/.example.com", None),
        (below, "https://evil.test#.example.com", None),
        (below, "https://user@a.example.com", None),
        (below, "https://a.example.com:8443", None),
        (below, "http://a.example.com", None),
        ("[\"https://*.example.com:8443\"]", "https://a.example.com:8443", Some("https://a.example.com:8443")),
        ("[\"https://*.example.com:8443\"]", "https://a.example.com", None),
        (any, "https://anything.test", Some("*")),
        (any, "null", None),
        (any, "https://a.test, https://b.test", None),
        (any, "garbage", None),
        ("[\"null\"]", "null", Some("null")),
        ("[\"*\", \"null\"]", "null", Some("null")),
    ] {
        assert_eq!(allowed(origins, origin).as_deref(), expected, "{origins} {origin}");
    }
}

/// T23: which of two values would a browser, a cache or an origin take?
#[test]
fn two_origins_are_none() {
    let rule = rule("origins = [\"*\"]").unwrap();
    for second in ["https://a.test", "https://b.test"] {
        let two = request(&[("origin", "https://a.test"), ("origin", second)]);
        assert_eq!(told(&headers(&rule, &two)), ["vary: Origin"]);
        assert_eq!(permission(&rule, &two), None);
        let asked =
            request(&[("origin", "https://a.test"), ("origin", second), ("access-control-request-method", "GET")]);
        assert_eq!(preflight("OPTIONS", &asked), None);
    }
}

#[test]
fn a_preflight_is_what_asks_for_one_method() {
    let method = ("access-control-request-method", "PUT");
    let origin = ("origin", "https://a.test");
    assert_eq!(preflight("OPTIONS", &request(&[origin, method])), Some("PUT"));
    assert_eq!(preflight("GET", &request(&[origin, method])), None);
    assert_eq!(preflight("OPTIONS", &request(&[method])), None);
    assert_eq!(preflight("OPTIONS", &request(&[origin])), None);
    assert_eq!(preflight("OPTIONS", &request(&[origin, method, method])), None);
}

#[test]
fn both_answers_to_the_letter() {
    let request = request(&[("origin", "https://a.test")]);
    let small = rule("origins = [\"https://a.test\"]").unwrap();
    assert_eq!(
        told(&permission(&small, &request).unwrap()),
        [
            "access-control-allow-origin: https://a.test",
            "access-control-allow-methods: GET, HEAD, POST, PUT, PATCH, DELETE",
            "access-control-allow-headers: authorization, content-type",
            "access-control-max-age: 600",
            "vary: Origin",
        ]
    );
    assert_eq!(
        told(&headers(&small, &request)),
        [
            "vary: Origin",
            "access-control-allow-origin: https://a.test",
            "access-control-expose-headers: dpop-nonce, retry-after, www-authenticate, x-request-id",
        ]
    );
    let large = "origins = [\"https://a.test\"]\nmethods = [\"PUT\"]\nheaders = [\"x-mine\"]\nexpose = []\ncredentials = true\nmax_age = \"1h\"";
    let large = rule(large).unwrap();
    assert_eq!(
        told(&permission(&large, &request).unwrap()),
        [
            "access-control-allow-origin: https://a.test",
            "access-control-allow-methods: PUT",
            "access-control-allow-headers: x-mine",
            "access-control-max-age: 3600",
            "vary: Origin",
            "access-control-allow-credentials: true",
        ]
    );
    assert_eq!(
        told(&headers(&large, &request)),
        ["vary: Origin", "access-control-allow-origin: https://a.test", "access-control-allow-credentials: true"]
    );
    let open = rule("origins = [\"*\"]\nheaders = [\"*\"]\nmethods = [\"*\"]").unwrap();
    assert_eq!(open.allow_headers, "*, authorization");
    assert_eq!(open.allow_methods, "*");
    assert_eq!(open.origins, [OriginPattern::Any]);
}

#[test]
fn an_upstreams_own_word_is_replaced() {
    let rule = rule("origins = [\"https://a.test\"]").unwrap();
    let mut response = request(&[
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-private-network", "true"),
        ("vary", "Accept-Encoding"),
        ("content-type", "text/plain"),
    ]);
    replace(&rule, &request(&[("origin", "https://evil.test")]), &mut response);
    let mut left: Vec<(HeaderName, HeaderValue)> = response.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
    left.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
    assert_eq!(told(&left), ["content-type: text/plain", "vary: Accept-Encoding", "vary: Origin"]);
}

#[test]
fn every_mistake_says_where() {
    for (text, expected) in [
        ("", "cors.origins: is missing"),
        ("origins = []", "cors.origins: needs at least one origin such as \"https://app.example.com\""),
        (
            "origins = [\"*\"]\ncredentials = true",
            "cors.origins: `*` and credentials exclude each other: name the origins",
        ),
        (
            "origins = [\"app.example.com\"]",
            "cors.origins: \"app.example.com\" has no scheme: an origin is such as \"https://app.example.com\"",
        ),
        (
            "origins = [\"https://a.test/\"]",
            "cors.origins: \"https://a.test/\" has a path: an origin is scheme, host and port only",
        ),
        ("origins = [\"https://*\"]", "cors.origins: \"https://*\" has no valid host: Host can't be read in one way"),
        ("origins = [\"https://a.test\"]\nmethods = [\"G ET\"]", "cors.methods: \"G ET\" is no name"),
        (
            "origins = [\"https://a.test\"]\nheaders = [\"*\"]\ncredentials = true",
            "cors.headers: `*` must stand alone, and not beside credentials: name them",
        ),
        ("origins = [\"https://a.test\"]\nheaders = [\"a b\"]", "cors.headers: \"a b\" is no name"),
        ("origins = [\"https://a.test\"]\nmax_age = \"2d\"", "cors.max_age: must be whole seconds, at most a day"),
        ("orgins = [\"https://a.test\"]", "cors.orgins: unknown key; did you mean `origins`?"),
    ] {
        let error = rule(text).unwrap_err();
        if expected.contains("Host can't") {
            assert!(error.starts_with("cors.origins: \"https://*\" has no valid host: "), "{error}");
        } else {
            assert_eq!(error, expected, "{text}");
        }
    }
}
