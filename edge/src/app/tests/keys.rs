//! Key sets of other issuers, by URL, file and discovery, over a whole edge.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use common::jose::{Alg, SigningKey, base64url_encode};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

use super::bearer;
use super::harness::{Edge, NOW, request, second_key, signed, signing_key};
use super::idp::{Idp, Reaction, eventually, nobody, set_of, several_looks};

const ISS: &str = "https://login.example.com/";
const SECOND: Duration = Duration::from_secs(1);

/// An issuer `login` with these lines, and a route `/login/*` for it.
fn login(lines: &str) -> String {
    format!(
        "[[issuer]]\nname = \"login\"\niss = \"{ISS}\"\n{lines}\n\
         [[route]]\nmatch = {{ path = \"/login/*\" }}\nupstream = \"echo\"\n\
         token = {{ issuers = [\"login\"], audiences = [\"https://api.example\"] }}\n\
         headers = {{ add = {{ \"x-user-id\" = \"{{sub}}\" }} }}\n"
    )
}

fn by_url(url: &str, more: &str) -> String {
    login(&format!("profile = \"auth0\"\njwks = {{ url = \"{url}\"{more} }}"))
}

fn claims() -> Value {
    json!({
        "iss": ISS, "sub": "auth0|ada", "aud": ["https://api.example", "https://login.example.com/userinfo"], "azp": "web",
        "iat": NOW.seconds() - 10, "exp": NOW.seconds() + 3_600_000, "scope": "openid orders/read",
    })
}

fn token(key: &SigningKey) -> String {
    token_by(key, key.kid())
}

fn token_by(key: &SigningKey, kid: &str) -> String {
    let header = json!({"alg": key.alg().name(), "typ": "JWT", "kid": kid}).to_string();
    signed_parts(key, &header, &claims())
}

fn signed_parts(key: &SigningKey, header: &str, claims: &Value) -> String {
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(claims.to_string()));
    format!("{input}.{}", base64url_encode(key.sign(input.as_bytes()).unwrap()))
}

fn send(edge: &Edge, token: &str) -> (u16, String) {
    let answer = edge.send(&request("/login/x", &[("authorization", &bearer(token))]));
    let class = answer.header("www-authenticate").unwrap_or(&answer.body).to_owned();
    (answer.status, class)
}

fn status(edge: &Edge, token: &str) -> u16 {
    send(edge, token).0
}

fn metric(edge: &Edge, line: &str) -> f64 {
    let text = edge.admin("GET", "/metrics").body;
    let found = text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok());
    found.unwrap_or(0.0)
}

fn fetches(edge: &Edge, result: &str) -> f64 {
    metric(edge, &format!("tollgate_edge_key_fetches_total{{issuer=\"login\",result=\"{result}\"}}"))
}

#[test]
fn keys_come_by_url_and_a_rotation_is_seen() {
    let idp = Idp::start();
    idp.react("/jwks.json", Reaction::Hang);
    let edge = Edge::start_with_routes(&by_url(&idp.url("/jwks.json"), ", timeout = \"200ms\""));
    let first = token(&signing_key());
    let (refused, body) = send(&edge, &first);
    assert_eq!((refused, body.contains("not ready")), (503, true), "{body}");
    let ready = edge.admin("GET", "/readyz");
    assert!(ready.status == 503 && ready.body.contains("login: no keys yet"), "{ready:?}");

    eventually("the hanging fetch ends", || fetches(&edge, "failed") == 1.0);
    idp.answer("/jwks.json", set_of(&[&signing_key()]));
    edge.clock.advance(SECOND * 40);
    eventually("keys have come", || status(&edge, &first) == 200);
    assert_eq!(edge.admin("GET", "/readyz").status, 200);
    assert!(
        edge.send(&request("/login/x", &[("authorization", &bearer(&first))])).echoed("x-user-id") == ["auth0|ada"]
    );

    // Another key signs. Its first token is refused at once, and brings a fetch when the cool-down is over, which is counted from the last one.
    idp.answer("/jwks.json", set_of(&[&signing_key(), &second_key()]));
    let second = token(&second_key());
    let (refused, class) = send(&edge, &second);
    assert_eq!((refused, class.contains("unknown key")), (401, true), "{class}");
    several_looks();
    assert_eq!((status(&edge, &second), idp.count("/jwks.json")), (401, 2));
    edge.clock.advance(SECOND * 30);
    eventually("the new key is known", || status(&edge, &second) == 200);
    assert_eq!((status(&edge, &first), idp.count("/jwks.json")), (200, 3));
    assert!(metric(&edge, "tollgate_edge_unknown_kids_total{issuer=\"login\"}") >= 2.0);
    assert_eq!(metric(&edge, "tollgate_edge_keys_age_seconds{issuer=\"login\"}"), 0.0);

    // Regular fetches go on, without anybody asking.
    edge.clock.advance(SECOND * 600);
    eventually("the set is fetched again", || idp.count("/jwks.json") == 4);
}

/// T10, T11, E17: a flood of invented names, while the set is good and while it is empty.
#[test]
fn a_flood_of_unknown_kids_costs_one_fetch_a_cool_down() {
    let idp = Idp::start();
    idp.answer("/jwks.json", set_of(&[&signing_key()]));
    let edge = Edge::start_with_routes(&by_url(&idp.url("/jwks.json"), ""));
    let good = token(&signing_key());
    eventually("keys have come", || status(&edge, &good) == 200);
    let forged = |i: usize| {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": format!("k{i}")}).to_string();
        format!("{}.{}.c2ln", base64url_encode(header), base64url_encode(claims().to_string()))
    };
    let flood = |from: usize| {
        let mut connection = edge.connect();
        for i in from..from + 2_000 {
            let answer = connection.send(&request("/login/x", &[("authorization", &bearer(&forged(i)))]));
            assert_eq!(answer.status, 401);
        }
    };
    flood(0);
    several_looks();
    assert_eq!((idp.count("/jwks.json"), status(&edge, &good)), (1, 200));
    for round in 1..=3 {
        edge.clock.advance(SECOND * 30);
        eventually("the cool-down is over", || idp.count("/jwks.json") > round);
        flood(round * 10_000);
        several_looks();
        assert_eq!((idp.count("/jwks.json"), status(&edge, &good)), (1 + round, 200));
    }
    // T11: a real rotation in the flood's midst.
    idp.answer("/jwks.json", set_of(&[&second_key()]));
    edge.clock.advance(SECOND * 30);
    flood(90_000);
    eventually("the new key is known", || status(&edge, &token(&second_key())) == 200);
    assert_eq!((idp.count("/jwks.json"), status(&edge, &good)), (5, 401));

    // An empty set replaces nothing, and is asked for no more often.
    idp.answer("/jwks.json", "{\"keys\":[]}");
    for round in 1..=2 {
        edge.clock.advance(SECOND * 60);
        eventually("it is asked again", || idp.count("/jwks.json") > 4 + round);
        flood(100_000 * round);
        several_looks();
        assert_eq!((idp.count("/jwks.json"), status(&edge, &token(&second_key()))), (5 + round, 200));
    }
    eventually("both are counted", || fetches(&edge, "refused") == 2.0);
}

/// T13, I57: whatever the source says that is no good key set, the one in force stays, and somebody is told.
#[test]
fn bad_answers_never_replace_the_set_in_force() {
    let idp = Idp::start();
    let elsewhere = Idp::start();
    elsewhere.answer("/jwks.json", set_of(&[&second_key()]));
    idp.answer("/jwks.json", set_of(&[&signing_key()]));
    idp.answer("/moved", set_of(&[&second_key()]));
    let edge = Edge::start_with_routes(&by_url(&idp.url("/jwks.json"), ", timeout = \"300ms\", max_stale = \"30d\""));
    let good = token(&signing_key());
    eventually("keys have come", || status(&edge, &good) == 200);

    let jwk = |key: &SigningKey| serde_json::from_str::<Value>(&key.public_jwk().to_json()).unwrap();
    let with = |name: &str, value: Value| {
        let mut second = jwk(&second_key());
        second[name] = value;
        json!({"keys": [jwk(&signing_key()), second]}).to_string()
    };
    let to = |location: String| Reaction::Answer(302, format!("location: {location}\r\n"), String::new());
    let ok = |body: String| Reaction::Answer(200, String::new(), body);
    let long = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(256 * 1024));
    let cases = [
        ("refused", ok("{\"keys\":[]}".into())),
        ("refused", ok("[]".into())),
        ("refused", ok("<html>maintenance</html>".into())),
        ("refused", ok(set_of(&[&second_key()]).replacen('{', "{\"keys\":[],", 1))),
        ("refused", ok(with("d", json!("AQAB")))),
        ("refused", ok(with("k", json!("AQAB")))),
        ("refused", ok(with("n", json!("AQAB")))),
        ("refused", ok(with("kid", json!(signing_key().kid())))),
        (
            "refused",
            ok(json!({"keys": [{"kty": "RSA", "use": "enc", "kid": "e", "n": "AQAB", "e": "AQAB"}]}).to_string()),
        ),
        ("failed", ok(long)),
        ("failed", Reaction::Answer(500, String::new(), set_of(&[&second_key()]))),
        ("failed", Reaction::Answer(304, String::new(), String::new())),
        ("failed", Reaction::Hang),
        ("failed", Reaction::Rubbish),
        ("failed", to(elsewhere.url("/jwks.json"))),
        ("failed", to(idp.url("/jwks.json"))),
        ("failed", to("file:///etc/passwd".into())),
    ];
    let (mut refused, mut failed) = (0.0, 0.0);
    for (result, reaction) in cases {
        let what = format!("{result} {reaction:?}").chars().take(120).collect::<String>();
        idp.react("/jwks.json", reaction);
        *(if result == "refused" { &mut refused } else { &mut failed }) += 1.0;
        edge.clock.advance(SECOND * 700);
        eventually(&what, || (fetches(&edge, "refused"), fetches(&edge, "failed")) == (refused, failed));
        assert_eq!(status(&edge, &good), 200, "{what}");
        assert_eq!(status(&edge, &token(&second_key())), 401, "{what}");
    }
    assert_eq!(elsewhere.count("/jwks.json"), 0);
    // Within the host a redirect is followed.
    idp.react("/jwks.json", to("/moved".into()));
    edge.clock.advance(SECOND * 700);
    eventually("the set that has moved", || status(&edge, &token(&second_key())) == 200);
    assert_eq!(status(&edge, &good), 401);
}

#[test]
fn keys_outlive_their_source_for_so_long_and_come_back() {
    let idp = Idp::start();
    idp.answer("/jwks.json", set_of(&[&signing_key()]));
    let edge = Edge::start_with_routes(&by_url(&idp.url("/jwks.json"), ", max_stale = \"1h\""));
    let good = token(&signing_key());
    eventually("keys have come", || status(&edge, &good) == 200);
    idp.goes_away();
    edge.clock.advance(SECOND * 3_599);
    assert_eq!(status(&edge, &good), 200);
    eventually("it has tried", || fetches(&edge, "failed") >= 1.0);
    assert_eq!(status(&edge, &good), 200);
    edge.clock.advance(SECOND);
    for _ in 0..2 {
        let (refused, body) = send(&edge, &good);
        assert_eq!((refused, body.contains("not ready")), (503, true), "{body}");
    }
    let fresh = json!({"alg": "RS256", "typ": "JWT", "kid": signing_key().kid()}).to_string();
    let mut other = claims();
    other["jti"] = json!("never seen");
    assert_eq!(status(&edge, &signed_parts(&signing_key(), &fresh, &other)), 503, "a token that is not known, either");
    let ready = edge.admin("GET", "/readyz");
    assert!(ready.status == 503 && ready.body.contains("login: the keys are 3600 s old"), "{ready:?}");
    assert_eq!(edge.send(&request("/public/x", &[])).status, 200, "other routes do not mind");

    idp.answer("/jwks.json", set_of(&[&signing_key()]));
    edge.clock.advance(SECOND * 70);
    eventually("keys are back", || status(&edge, &good) == 200);
    assert_eq!(edge.admin("GET", "/readyz").status, 200);
}

#[test]
fn a_source_is_asked_whether_anything_has_changed_and_how_long_that_holds() {
    let idp = Idp::start();
    let body = set_of(&[&signing_key()]);
    idp.react("/jwks.json", Reaction::Answer(200, "etag: \"v1\"\r\ncache-control: max-age=120\r\n".into(), body));
    let edge = Edge::start_with_routes(&by_url(&idp.url("/jwks.json"), ""));
    let good = token(&signing_key());
    eventually("keys have come", || status(&edge, &good) == 200);
    idp.react("/jwks.json", Reaction::Answer(304, "etag: \"v1\"\r\n".into(), String::new()));
    edge.clock.advance(SECOND * 120);
    eventually("it is asked after max-age", || fetches(&edge, "unchanged") == 1.0);
    let hits = idp.hits("/jwks.json");
    assert!(!hits[0].head.to_ascii_lowercase().contains("if-none-match"), "{hits:?}");
    assert!(hits[1].head.to_ascii_lowercase().contains("if-none-match: \"v1\""), "{hits:?}");
    assert_eq!(status(&edge, &good), 200);
    edge.clock.advance(SECOND * 300);
    several_looks();
    assert_eq!(idp.count("/jwks.json"), 2, "without max-age it is `refresh`, ten minutes");
}

/// T09, E02: what a token says of its key is never looked at, let alone fetched.
#[test]
fn a_token_makes_the_edge_ask_nobody() {
    let (idp, canary) = (Idp::start(), Idp::start());
    idp.answer("/jwks.json", set_of(&[&signing_key()]));
    canary.answer("/evil", set_of(&[&second_key()]));
    let edge = Edge::start_with_routes(&by_url(&idp.url("/jwks.json"), ""));
    eventually("keys have come", || status(&edge, &token(&signing_key())) == 200);
    let evil = canary.url("/evil");
    for name in ["jku", "x5u", "iss", "jwks_uri"] {
        for kid in [second_key().kid(), &evil, "../../etc/passwd"] {
            let header = json!({"alg": "RS256", "typ": "JWT", "kid": kid, (name): evil}).to_string();
            let (refused, class) = send(&edge, &signed_parts(&second_key(), &header, &claims()));
            assert_eq!((refused, class.contains("unknown key")), (401, true), "{class}");
        }
    }
    let mut claims = claims();
    claims["iss"] = json!(canary.url(""));
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": second_key().kid()}).to_string();
    assert_eq!(status(&edge, &signed_parts(&second_key(), &header, &claims)), 401);
    several_looks();
    assert_eq!(
        (canary.count("/evil"), canary.count("/"), canary.count("/.well-known/openid-configuration")),
        (0, 0, 0)
    );
}

fn discovered(idp: &Idp, iss: &str) -> String {
    format!(
        "[[issuer]]\nname = \"login\"\niss = \"{iss}\"\nprofile = \"keycloak\"\njwks = {{ discovery = true, max_stale = \"30d\" }}\n\
         [[issuer]]\nname = \"plain\"\niss = \"{plain}\"\nprofile = \"keycloak\"\njwks = {{ discovery = true }}\n\
         [[route]]\nmatch = {{ path = \"/login/*\" }}\nupstream = \"echo\"\ntoken = {{ issuers = [\"login\", \"plain\"], groups_any = [\"staff\"] }}\n",
        plain = idp.url("/plain"),
    )
}

/// I49.
#[test]
fn keys_are_where_the_issuers_own_metadata_says() {
    let idp = Idp::start();
    let iss = idp.url("/realms/corp");
    let document = |issuer: &str, path: &str| json!({"issuer": issuer, "jwks_uri": idp.url(path)}).to_string();
    let metadata = "/realms/corp/.well-known/openid-configuration";
    // To the letter: another spelling of the same address is another issuer.
    idp.answer(metadata, document(&format!("{iss}/"), "/certs"));
    idp.answer("/certs", set_of(&[&signing_key()]));
    idp.answer("/.well-known/oauth-authorization-server/plain", document(&idp.url("/plain"), "/certs-2"));
    idp.answer("/certs-2", set_of(&[&second_key()]));
    let edge = Edge::start_with_routes(&discovered(&idp, &iss));
    let token = |key: &SigningKey, iss: &str| {
        let claims = json!({
            "iss": iss, "sub": "ada", "typ": "Bearer", "azp": "web", "realm_access": {"roles": ["staff"]},
            "iat": NOW.seconds(), "exp": NOW.seconds() + 3_600_000,
        });
        signed_parts(key, &json!({"alg": "RS256", "typ": "JWT", "kid": key.kid()}).to_string(), &claims)
    };
    eventually("RFC 8414's place is found", || status(&edge, &token(&second_key(), &idp.url("/plain"))) == 200);
    eventually("the wrong document is refused", || fetches(&edge, "failed") == 1.0);
    assert_eq!((status(&edge, &token(&signing_key(), &iss)), idp.count("/certs")), (503, 0));

    idp.answer(metadata, document(&iss, "/certs"));
    edge.clock.advance(SECOND * 40);
    eventually("the right one is followed", || status(&edge, &token(&signing_key(), &iss)) == 200);
    assert_eq!(status(&edge, &token(&signing_key(), &format!("{iss}/"))), 401, "and `iss` of tokens is exact, too");
    assert_eq!(status(&edge, &token(&second_key(), &iss)), 401, "nor does one issuer's key sign for another");

    // The keys move; a fetch that fails looks the place up anew.
    idp.answer("/certs-3", set_of(&[&second_key()]));
    idp.answer(metadata, document(&iss, "/certs-3"));
    idp.react("/certs", Reaction::Answer(410, String::new(), String::new()));
    for _ in 0..2 {
        let tried = fetches(&edge, "failed") + fetches(&edge, "changed");
        edge.clock.advance(SECOND * 700);
        eventually("it is fetched again", || fetches(&edge, "failed") + fetches(&edge, "changed") > tried);
    }
    eventually("the keys are found where they are now", || status(&edge, &token(&second_key(), &iss)) == 200);
}

/// A certificate for 127.0.0.1 by an authority of its own, whose PEM comes with it.
fn certified() -> (ServerConfig, String) {
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "Private CA");
    let (ca_key, key) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    let ca = authority.self_signed(&ca_key).unwrap();
    let issuer = rcgen::Issuer::new(authority, ca_key);
    let leaf = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(leaf.der().to_vec())],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    (config, ca.pem())
}

#[test]
fn a_private_authority_vouches_where_it_is_named_and_nowhere_else() {
    let (config, ca) = certified();
    let idp = Idp::start_tls(config);
    idp.answer("/jwks.json", set_of(&[&signing_key()]));
    let url = format!("https://{}/jwks.json", idp.address);
    let private = format!("profile = \"auth0\"\nca = \"private-ca.pem\"\njwks = {{ url = \"{url}\" }}");
    let edge = Edge::start_prepared(
        |folder| std::fs::write(folder.join("private-ca.pem"), &ca).unwrap(),
        "",
        "",
        &login(&private),
    );
    eventually("keys have come", || status(&edge, &token(&signing_key())) == 200);

    let count = idp.count("/jwks.json");
    let edge = Edge::start_with_routes(&by_url(&url, ""));
    eventually("the public authorities do not know it", || fetches(&edge, "failed") == 1.0);
    assert_eq!((status(&edge, &token(&signing_key())), idp.count("/jwks.json")), (503, count));
}

#[test]
fn a_reload_keeps_what_was_fetched_from_a_source_that_stays_the_same() {
    let idp = Idp::start();
    idp.answer("/jwks.json", set_of(&[&signing_key()]));
    idp.answer("/other.json", set_of(&[&second_key()]));
    let edge = Edge::start_with_routes(&by_url(&idp.url("/jwks.json"), ""));
    let good = token(&signing_key());
    eventually("keys have come", || status(&edge, &good) == 200);
    let reload_with = |change: &dyn Fn(String) -> String| {
        let text = std::fs::read_to_string(edge.config_file()).unwrap();
        std::fs::write(edge.config_file(), change(text)).unwrap();
        let answer = edge.admin("POST", "/reload");
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    idp.goes_away();
    idp.answer("/other.json", set_of(&[&second_key()]));
    reload_with(&|text| text.replace("x-user-id", "x-user"));
    assert_eq!(status(&edge, &good), 200);
    several_looks();
    assert_eq!(idp.count("/jwks.json"), 1, "nothing was fetched anew");
    let answer = edge.send(&request("/login/x", &[("authorization", &bearer(&good))]));
    assert_eq!((answer.echoed("x-user"), answer.echoed("x-user-id")), (vec!["auth0|ada".to_owned()], vec![]));

    // Another reading of the same URL is another source: what was fetched counts for nothing.
    reload_with(&|text| text.replace("profile = \"auth0\"", "profile = \"auth0\"\nalgorithms = [\"RS256\"]"));
    assert_eq!(status(&edge, &good), 503);
    eventually("it is fetched for the new one", || idp.count("/jwks.json") == 2);
    assert_eq!(status(&edge, &good), 503);
    reload_with(&|text| text.replace("/jwks.json", "/other.json"));
    eventually("the other place's keys", || status(&edge, &token(&second_key())) == 200);
    assert_eq!(status(&edge, &good), 401);

    // A source that is gone is asked no more.
    reload_with(&|text| {
        text.replace("[\"login\"]", "[\"corp\"]").replace(&idp.url("/other.json"), "http://127.0.0.1:1/")
    });
    let asked = idp.count("/other.json");
    edge.clock.advance(SECOND * 3_000);
    several_looks();
    assert_eq!(idp.count("/other.json"), asked);
}

#[test]
fn an_edge_that_starts_while_the_issuer_is_away_serves_with_what_it_kept() {
    let state = tempfile::tempdir().unwrap();
    let idp = Idp::start();
    idp.answer("/jwks.json", set_of(&[&signing_key()]));
    let with =
        |url: &str, more: &str| format!("[cache]\nstate_dir = \"{}\"\n{}", state.path().display(), by_url(url, more));
    let url = idp.url("/jwks.json");
    let good = token(&signing_key());
    let edge = Edge::start_with_routes(&with(&url, ""));
    eventually("keys have come", || status(&edge, &good) == 200);
    let files = || std::fs::read_dir(state.path().join("keys")).map_or(0, |files| files.count());
    eventually("they are kept", || files() == 1);
    for entry in std::fs::read_dir(state.path().join("keys")).unwrap().flatten() {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    idp.goes_away();

    // At once: no waiting here.
    let again = Edge::start_with_routes(&with(&url, ""));
    assert_eq!(status(&again, &good), 200);
    let told = explained(&again, &good);
    assert!(told.contains(&format!("issuer     login: keys from {url}, as kept on disk ")), "{told}");
    assert!(!told.contains("not_ready"), "{told}");
    again.clock.advance(SECOND * 86_400);
    assert_eq!(status(&again, &good), 503, "their age counts from when they were fetched");

    // Of another place, or not what was written: they count for nothing.
    let elsewhere = format!("http://{}/jwks.json", nobody());
    assert_eq!(status(&Edge::start_with_routes(&with(&elsewhere, "")), &good), 503);
    let file = std::fs::read_dir(state.path().join("keys")).unwrap().flatten().next().unwrap().path();
    std::fs::write(&file, "{}").unwrap();
    assert_eq!(status(&Edge::start_with_routes(&with(&url, "")), &good), 503);
}

/// What `explain` says of a request with this token. Its clock is the machine's, so that times are none of the test's.
fn explained(edge: &Edge, token: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("request");
    std::fs::write(&file, request("/login/x", &[("authorization", &bearer(token))])).unwrap();
    let asked = crate::explain::Explain { config: edge.config_file(), request: file, at: None, client: None };
    crate::explain::explain(&asked).unwrap().text()
}

#[test]
fn a_file_is_read_again_when_it_changes() {
    let edge = Edge::start_prepared(
        |folder| std::fs::write(folder.join("login.json"), set_of(&[&signing_key()])).unwrap(),
        "",
        "",
        &login("profile = \"auth0\"\njwks = { file = \"login.json\", refresh = \"2s\" }"),
    );
    let file = edge.config_file().with_file_name("login.json");
    assert_eq!(status(&edge, &token(&signing_key())), 200);
    std::fs::write(&file, set_of(&[&second_key()])).unwrap();
    edge.clock.advance(SECOND * 3);
    eventually("the other key counts", || status(&edge, &token(&second_key())) == 200);
    assert_eq!(status(&edge, &token(&signing_key())), 401);
    std::fs::write(&file, "{\"keys\":[").unwrap();
    edge.clock.advance(SECOND * 3);
    eventually("half a file is refused", || fetches(&edge, "refused") >= 1.0);
    std::fs::remove_file(&file).unwrap();
    edge.clock.advance(SECOND * 3);
    eventually("a file that is gone is no news", || fetches(&edge, "failed") >= 1.0);
    assert_eq!(status(&edge, &token(&second_key())), 200);
    edge.clock.advance(SECOND * 86_400);
    assert_eq!(status(&edge, &token(&second_key())), 503);
}

/// T03 over the wire: keys without `alg`, as Entra ID has them, under settings that pin them.
#[test]
fn keys_without_alg_are_pinned_by_the_settings() {
    let idp = Idp::start();
    let rsa: Value = serde_json::from_str(&signing_key().public_jwk().to_json()).unwrap();
    let bare = json!({"kty": "RSA", "use": "sig", "kid": "k", "n": rsa["n"], "e": rsa["e"], "x5t": "k", "issuer": ISS});
    idp.answer("/jwks.json", json!({"keys": [bare]}).to_string());
    let lines = format!("profile = \"auth0\"\nrsa_alg = \"PS384\"\njwks = {{ url = \"{}\" }}", idp.url("/jwks.json"));
    let edge = Edge::start_with_routes(&login(&lines));
    let der = include_bytes!("../../../../common/vectors/keys/rsa-2048-a.pk8");
    let by = |alg: Alg| token_by(&SigningKey::from_pkcs8(alg, der).unwrap(), "k");
    eventually("keys have come", || status(&edge, &by(Alg::PS384)) == 200);
    for alg in [Alg::RS256, Alg::RS384, Alg::RS512, Alg::PS256, Alg::PS512] {
        let (refused, class) = send(&edge, &by(alg));
        assert_eq!((refused, class.contains("unsupported algorithm")), (401, true), "{alg}: {class}");
    }
}

#[test]
fn a_plain_bearer_of_another_issuer_on_the_same_route() {
    let idp = Idp::start();
    idp.answer("/jwks.json", set_of(&[&second_key()]));
    let routes = by_url(&idp.url("/jwks.json"), "").replace("issuers = [\"login\"]", "issuers = [\"corp\", \"login\"]");
    let edge = Edge::start_with_routes(&routes.replace("audiences", "scopes_all = [\"openid\"], audiences"));
    eventually("keys have come", || status(&edge, &token(&second_key())) == 200);
    let mut cognito = super::harness::claims();
    cognito["aud"] = json!("https://api.example");
    assert_eq!(status(&edge, &signed(&signing_key(), &cognito)), 200);
    // Each issuer's key with the other's name.
    assert_eq!(status(&edge, &token(&signing_key())), 401);
    assert_eq!(status(&edge, &signed(&second_key(), &cognito)), 401);
    cognito["iss"] = json!("https://login.example.com");
    assert_eq!(status(&edge, &signed(&signing_key(), &cognito)), 401, "without the slash it is nobody");
}
