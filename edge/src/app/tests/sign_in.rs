//! Browser sign-in over a whole edge, with an OpenID provider that does as a test wants.

mod answers;
mod cookies;
mod ends;
mod refresh;
mod settings;
mod upstream;

use std::collections::BTreeMap;
use std::path::Path;

use common::jose::base64url_encode;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use url::Url;

use super::harness::{Answer, Edge, ISS, NOW, claims, signed, signing_key};
use super::idp::Idp;
use super::{bearer, good_token};

const CALLBACK: &str = "/.tollgate/callback";
/// What a browser says when somebody follows a link.
const PAGE: &[(&str, &str)] = &[("accept", "text/html")];

/// A route of `app.test`, to which people sign in; `more` are lines of `[[sign_in]]`.
fn edge_with(idp: &Idp, more: &str) -> Edge {
    edge_of(&format!(
        "authorization_endpoint = \"https://login.test/authorize?tenant=1\"\ntoken_endpoint = \"{}\"\nrevocation_endpoint = \"{}\"\n{more}",
        idp.url("/token"),
        idp.url("/revoke"),
    ))
}

fn edge_of(sign_in: &str) -> Edge {
    edge_listening("", sign_in)
}

/// `listen` are further lines of `[listen]`.
fn edge_listening(listen: &str, sign_in: &str) -> Edge {
    let prepare = |folder: &Path| {
        std::fs::write(folder.join("secret"), "s3cret\n").unwrap();
        let key = "a".repeat(32);
        std::fs::write(folder.join("cookie.key"), key).unwrap();
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder.join("cookie.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    let routes = format!(
        "[[sign_in]]\nname = \"web\"\nissuer = \"corp\"\nclient_id = \"web\"\n{sign_in}\n\
         [[route]]\nmatch = {{ host = \"app.test\", path = \"/*\" }}\nupstream = \"echo\"\nsign_in = \"web\"\n\
         token = {{ issuers = [\"corp\"], clients = [\"web\"] }}\nheaders = {{ add = {{ \"x-user-id\" = \"{{sub}}\" }} }}\n\
         [[route]]\nmatch = {{ host = \"app.test\", path = \"/open/*\" }}\nupstream = \"echo\"\n\
         [[route]]\nmatch = {{ host = \"two.test\", path = \"/*\" }}\nupstream = \"echo\"\nsign_in = \"web\"\n\
         token = {{ issuers = [\"corp\"], clients = [\"web\"], max_age = \"300s\" }}\n"
    );
    Edge::start_prepared(prepare, listen, "", &routes)
}

/// A browser: keeps cookies of one host.
#[derive(Clone, Default)]
struct Browser {
    host: &'static str,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn at(host: &'static str) -> Self {
        Self { host, cookies: BTreeMap::new() }
    }

    fn send(&mut self, edge: &Edge, method: &str, target: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = edge.send(&self.request(method, target, fields));
        self.take(&answer);
        answer
    }

    fn request(&self, method: &str, target: &str, fields: &[(&str, &str)]) -> Vec<u8> {
        let mut text = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if method == "POST" {
            text.push_str("content-length: 0\r\n");
        }
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !pairs.is_empty() {
            text.push_str(&format!("cookie: {}\r\n", pairs.join("; ")));
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    fn take(&mut self, answer: &Answer) {
        for line in set_cookies(answer) {
            let (pair, attributes) = line.split_once("; ").unwrap();
            assert!(attributes.starts_with("Path=/; Max-Age="), "{line}");
            assert!(attributes.ends_with("; Secure; HttpOnly; SameSite=Lax"), "{line}");
            assert!(line.starts_with("__Host-tg-session") && line.len() < 4_096, "{line}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{line}");
            let (name, value) = pair.split_once('=').unwrap();
            match value {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
    }

    fn page(&mut self, edge: &Edge, target: &str) -> Answer {
        self.send(edge, "GET", target, PAGE)
    }

    /// Begins at a page, without coming back.
    fn begins(&mut self, edge: &Edge, target: &str) -> Begun {
        Begun::of(&self.page(edge, target))
    }

    /// Comes back with a code for which the provider gives these tokens.
    fn returns(&mut self, edge: &Edge, idp: &Idp, begun: &Begun, tokens: &Value) -> Answer {
        idp.answer("/token", tokens.to_string());
        self.page(edge, &format!("{CALLBACK}?code=c0de&state={}", begun.query["state"]))
    }

    fn signs_in(&mut self, edge: &Edge, idp: &Idp) {
        let begun = self.begins(edge, "/");
        let answer = self.returns(edge, idp, &begun, &tokens(&begun));
        assert_eq!(answer.status, 303, "{answer:?}");
    }

    fn session(&self) -> Option<&String> {
        self.cookies.get("__Host-tg-session")
    }
}

/// A way to the provider.
struct Begun {
    place: String,
    query: BTreeMap<String, String>,
}

impl Begun {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 302, "{answer:?}");
        let url = Url::parse(answer.header("location").unwrap()).unwrap();
        let query = url.query_pairs().into_owned().collect();
        Self { place: format!("{}{}", url.origin().ascii_serialization(), url.path()), query }
    }
}

fn set_cookies(answer: &Answer) -> Vec<String> {
    let named = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    named.map(|(_, value)| value.clone()).collect()
}

fn id_claims(begun: &Begun) -> Value {
    json!({
        "iss": ISS, "sub": "ada", "aud": "web", "token_use": "id", "nonce": begun.query["nonce"], "email": "ada@example.com",
        "cognito:username": "ada.l", "sid": "s-1", "exp": NOW.seconds() + 600, "iat": NOW.seconds(),
    })
}

fn with_claims(id: &Value) -> Value {
    json!({
        "access_token": good_token(), "token_type": "Bearer", "expires_in": 600, "refresh_token": "refresh-1",
        "id_token": signed(&signing_key(), id),
    })
}

fn tokens(begun: &Begun) -> Value {
    with_claims(&id_claims(begun))
}

/// An access token that lives for so many seconds from the beginning.
fn access(seconds: u64, jti: &str) -> String {
    let mut claims = claims();
    claims["exp"] = json!(NOW.seconds() + seconds);
    claims["jti"] = json!(jti);
    signed(&signing_key(), &claims)
}

fn form(body: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

fn metric(edge: &Edge, line: &str) -> String {
    let text = edge.admin("GET", "/metrics").body;
    let found = text.lines().find_map(|found| found.strip_prefix(line)).unwrap_or(" 0");
    found.trim().to_owned()
}

fn is_served(answer: &Answer) -> bool {
    answer.status == 200 && answer.echoed("x-user-id") == ["ada"]
}

/// OpenID Connect Core §3.1, RFC 7636: there and back, and then the upstream sees a user.
#[test]
fn a_person_signs_in_and_is_served() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "scopes = [\"openid\", \"email\"]\nauthorization = { prompt = \"login\" }");
    let mut browser = Browser::at("app.test");
    let begun = browser.begins(&edge, "/orders/7?a=b%20c");
    assert_eq!(begun.place, "https://login.test/authorize");
    let asked = |name: &str| begun.query[name].as_str();
    assert_eq!((asked("tenant"), asked("response_type"), asked("client_id")), ("1", "code", "web"));
    assert_eq!((asked("scope"), asked("prompt")), ("openid email", "login"));
    assert_eq!(asked("redirect_uri"), "https://app.test/.tollgate/callback");
    assert_eq!((asked("code_challenge_method"), asked("state").len(), asked("nonce").len()), ("S256", 43, 43));
    assert_eq!(browser.cookies.len(), 1, "the attempt's");

    let answer = browser.returns(&edge, &idp, &begun, &tokens(&begun));
    assert_eq!((answer.status, answer.header("location")), (303, Some("/orders/7?a=b%20c")), "{answer:?}");
    assert_eq!(browser.cookies.len(), 1, "the session's alone: {:?}", browser.cookies.keys());
    let hit = &idp.hits("/token")[0];
    let sent = form(&hit.body);
    assert_eq!((sent["grant_type"].as_str(), sent["code"].as_str()), ("authorization_code", "c0de"));
    assert_eq!((sent["redirect_uri"].as_str(), sent["client_id"].as_str()), (asked("redirect_uri"), "web"));
    assert_eq!(base64url_encode(digest(&SHA256, sent["code_verifier"].as_bytes())), asked("code_challenge"));

    let answer = browser.page(&edge, "/orders/7?a=b%20c");
    assert!(is_served(&answer), "{answer:?}");
    assert!(answer.echoed("cookie").is_empty() && answer.echoed("authorization").is_empty(), "{answer:?}");
    assert!(set_cookies(&answer).is_empty());
    // Scripts and forms of the page itself go by the session, too.
    for (method, mode) in [("GET", "cors"), ("POST", "cors"), ("POST", "navigate"), ("GET", "websocket")] {
        let fields = [("sec-fetch-mode", mode), ("sec-fetch-site", "same-origin")];
        assert!(is_served(&browser.send(&edge, method, "/api", &fields)), "{method} {mode}");
    }
    let sign_ins =
        |result| metric(&edge, &format!("tollgate_edge_sign_ins_total{{sign_in=\"web\",result=\"{result}\"}}"));
    assert_eq!((sign_ins("begun").as_str(), sign_ins("signed_in").as_str()), ("1", "1"));
}

/// Only who wants a page is led away; whoever has a token is judged by it.
#[test]
fn scripts_and_bearers_get_refusals_as_before() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "");
    let mut browser = Browser::at("app.test");
    let html = ("accept", "text/html");
    let cases: [(&str, &[(&str, &str)]); 6] = [
        ("GET", &[]),
        ("GET", &[("accept", "application/json")]),
        ("GET", &[html, ("sec-fetch-mode", "cors")]),
        ("POST", &[html, ("sec-fetch-mode", "navigate")]),
        ("GET", &[html, ("authorization", "Bearer x.y.z")]),
        ("GET", &[html, ("authorization", "Basic eDp5")]),
    ];
    for (method, fields) in cases {
        let answer = browser.send(&edge, method, "/x", fields);
        assert_eq!((answer.status, answer.header("location")), (401, None), "{method} {fields:?}");
        assert!(answer.header("www-authenticate").is_some() && set_cookies(&answer).is_empty());
    }
    assert!(is_served(&browser.send(&edge, "GET", "/x", &[("authorization", &bearer(&good_token()))])));
    // A session does not stand in for a token that is no good.
    browser.signs_in(&edge, &idp);
    assert_eq!(browser.send(&edge, "GET", "/x", &[html, ("authorization", "Bearer x.y.z")]).status, 401);
    // What another site makes a browser send goes by no session.
    let foreign = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    assert_eq!(browser.send(&edge, "POST", "/x", &foreign).status, 401);
    assert!(is_served(&browser.send(&edge, "GET", "/x", &foreign)), "a link");
}

/// RFC 9470: a session that is too old for a route leads to the provider again, which is told why.
#[test]
fn who_must_authenticate_again_is_sent_to_do_so() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "authorization = { max_age = \"9\" }");
    let mut browser = Browser::at("two.test");
    let begun = browser.begins(&edge, "/");
    assert_eq!(begun.query["max_age"], "9");
    let mut fresh = claims();
    fresh["auth_time"] = json!(NOW.seconds());
    let mut all = tokens(&begun);
    all["access_token"] = json!(signed(&signing_key(), &fresh));
    assert_eq!(browser.returns(&edge, &idp, &begun, &all).status, 303);
    assert_eq!(browser.page(&edge, "/").status, 200);
    edge.clock.advance(std::time::Duration::from_secs(320));
    assert_eq!(browser.begins(&edge, "/").query["max_age"], "300");
    // A provider that does not do it must not make the browser go round in circles.
    let begun = browser.begins(&edge, "/");
    assert_eq!(browser.returns(&edge, &idp, &begun, &tokens(&begun)).status, 303);
    assert_eq!(browser.page(&edge, "/").status, 401);
}
