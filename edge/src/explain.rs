//! `tollgate edge explain`: which route a request would take, and what each gate would say. Nothing is sent anywhere.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use common::canonical::{Ambiguity, RequestHead, Version, canonical_request};
use common::clock::{Clock, SystemClock, UnixMillis};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::{ConfigError, environment, load};
use crate::cors;
use crate::facts::{Connection, Facts};
use crate::gates::{Outcome, RequestView, policy, session, token};
use crate::gateway::{preflight, take_apart};
use crate::observe::Metrics;
use crate::reply;
use crate::routes::{Choice, choose};
use crate::snapshot::Snapshot;
use crate::snapshot::issuer::Issuer;
use crate::snapshot::picture::Picture;
use crate::snapshot::route::Route;
use crate::snapshot::upstream::settings::Protocol;
use crate::{forward, keys};

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("reading the request: {0}")]
    Request(#[from] std::io::Error),
    #[error("the request does not start with a line such as `GET /orders HTTP/1.1`")]
    NoRequestLine,
}

/// Explains the request in a file: the text of an HTTP/1.1 head, with line feeds or CRLF.
pub fn explain(config: &Path, request: &Path) -> Result<String, ExplainError> {
    let config = load(config, &environment(), &Metrics::default())?;
    let picture = Picture::new(config.verdict_bytes);
    picture.configure(config.routes, config.issuers);
    let now = SystemClock.now();
    take_kept_keys(&picture, config.state_dir.as_deref(), now);
    let text = std::fs::read(request)?;
    explain_head(&picture.load(), &with_line_ends(&text), now)
}

/// Nothing is fetched here; what an edge has kept on disk counts.
fn take_kept_keys(picture: &Picture, state_dir: Option<&Path>, now: UnixMillis) {
    let Some(dir) = state_dir else { return };
    for issuer in &picture.load().issuers {
        let Some(keys) = &issuer.keys else { continue };
        if let Some((trust, fetched)) = keys::restored(dir, &issuer.name, &keys.source, now) {
            keys.set(fetched, fetched.plus(keys.source.plan.max_stale()));
            picture.fetched(&issuer.name, keys, trust);
        }
    }
}

fn explain_head(snapshot: &Arc<Snapshot>, raw: &[u8], now: UnixMillis) -> Result<String, ExplainError> {
    let mut story = String::new();
    let (method, target, fields) = take_apart(raw).map_err(|_| ExplainError::NoRequestLine)?;
    let fields: Vec<_> = fields.collect();
    let method = std::str::from_utf8(method).map_err(|_| ExplainError::NoRequestLine)?;
    let head = RequestHead { method, target, version: Version::Http11, authority: None };
    let request = match canonical_request(head, fields.iter().copied(), &snapshot.routes.heads) {
        Ok(request) => request,
        Err(ambiguity) => return Ok(refused_form(story, ambiguity)),
    };
    let path = request.path.decoded();
    line(&mut story, "canonical", &format!("{method} {}{}", request.host.name(), request.target()));
    if request.identity_headers {
        line(&mut story, "stripped", "headers that only the edge may say");
    }
    let headers = header_map(&fields);
    if let Some(told) = preflight(&snapshot.routes, (request.host.name(), &path, method), &headers) {
        line(&mut story, "route", &told.route.name);
        for (name, value) in &told.headers {
            line(&mut story, "answers", &format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
        }
        line(&mut story, "verdict", "204 preflight");
        return Ok(story);
    }
    let route = match choose(&snapshot.routes, request.host.name(), &path, method) {
        Choice::Route(route) => route,
        Choice::WrongMethod => return Ok(verdict(story, Some(common::reject::Reject::MethodNotAllowed))),
        Choice::NoRoute => return Ok(verdict(story, Some(common::reject::Reject::NoRoute))),
    };
    line(&mut story, "route", &route.name);
    let view = RequestView { canonical: &request, connection: &Connection::UNKNOWN, headers: &headers, route, now };
    Ok(explain_gates(story, snapshot, view))
}

fn explain_gates(mut story: String, snapshot: &Arc<Snapshot>, view: RequestView<'_>) -> String {
    let route = view.route;
    if route.certificate.required {
        line(&mut story, "certificate", "is asked for at the TLS handshake, which a file does not tell");
    }
    let mut facts = Facts::default();
    for issuer in named(route, snapshot) {
        line(&mut story, "issuer", &format!("{}: {}", issuer.name, whence(issuer, view.now)));
    }
    let outcome = token::check(view, &mut facts, snapshot);
    line(&mut story, "token", &describe(outcome, route.token.is_none()));
    match outcome {
        Outcome::Continue => {}
        Outcome::Reject(reject) => {
            for what in token::unmet(view, snapshot).unwrap_or_default() {
                line(&mut story, "  lacks", &what);
            }
            return verdict(story, Some(reject));
        }
        Outcome::NeedIntrospection(_) => {
            line(&mut story, "verdict", "as the issuer answers");
            return story;
        }
    }
    if let Some(bearer) = &facts.bearer {
        line(&mut story, "  issuer", &bearer.issuer.name);
        line(&mut story, "  sub", &bearer.identity.token.sub);
        line(&mut story, "  kid", &bearer.identity.token.kid);
    }
    let outcome = session::check(view, &facts);
    line(&mut story, "session", &describe(outcome, facts.bearer.is_none()));
    if let Outcome::Reject(reject) = outcome {
        return verdict(story, Some(reject));
    }
    let outcome = policy::check(view, &mut facts);
    line(&mut story, "policy", &describe(outcome, route.authorization.is_none()));
    if let Outcome::Reject(reject) = outcome {
        line(&mut story, "  because", facts.denial.as_deref().unwrap_or_default());
        return verdict(story, Some(reject));
    }
    let mut added = HeaderMap::new();
    forward::add_headers(route, facts.identity(), &mut added);
    for (name, value) in &added {
        line(&mut story, "adds", &format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }
    for (name, value) in route.cors.iter().flat_map(|rule| cors::headers(rule, view.headers)) {
        line(&mut story, "answers", &format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }
    explain_upstream(&mut story, route);
    verdict(story, None)
}

/// Who would be asked, and what holds for bodies and time. What is known of the servers' health is the running edge's alone.
fn explain_upstream(story: &mut String, route: &Route) {
    let upstream = &route.upstream;
    line(story, "upstream", &upstream.name);
    for server in &upstream.live().servers {
        let tls = upstream.settings.tls.as_ref();
        let name = tls.map(|tls| tls.server_name.as_ref().unwrap_or(&server.host));
        let protocol = match upstream.settings.protocol {
            Protocol::Http1 => "HTTP/1.1",
            Protocol::Http2 => "HTTP/2",
            Protocol::Auto => "HTTP/2 or HTTP/1.1",
        };
        let security = name.map_or_else(String::new, |name| format!(" over TLS as {name}"));
        line(story, "  server", &format!("{} by {protocol}{security}", server.address));
    }
    if upstream.live().servers.is_empty() {
        line(story, "  server", "none: no name has an address now");
    }
    if let Some(most) = route.flow.max_body {
        line(story, "max_body", &format!("{most} bytes"));
    }
    if let Some(limit) = route.flow.timeout {
        line(story, "timeout", &format!("{limit:?}"));
    }
}

/// The issuers whose tokens a route takes.
fn named<'s>(route: &'s Route, snapshot: &'s Snapshot) -> impl Iterator<Item = &'s Issuer> {
    let positions = route.token.iter().flat_map(|rule| &rule.issuers);
    positions.filter_map(|&position| snapshot.issuers.get(position).map(|issuer| &**issuer))
}

/// How an issuer's tokens are checked, and by what this explanation goes.
fn whence(issuer: &Issuer, now: UnixMillis) -> String {
    if let Some(introspection) = &issuer.introspection {
        return format!("is asked about its tokens at {}", introspection.settings.endpoint.address);
    }
    let Some(keys) = &issuer.keys else { return "comes by the feed, which is not followed here".to_owned() };
    let place = &keys.source.place;
    match (&issuer.trust, keys.age(now)) {
        (None, _) => format!("keys from {place}, which are not fetched here, and none are kept on disk"),
        (Some(_), Some(age)) => format!("keys from {place}, as kept on disk {} s ago", age.as_secs()),
        (Some(_), None) => format!("keys from {place}"),
    }
}

fn describe(outcome: Outcome, nothing_asked: bool) -> String {
    match outcome {
        Outcome::Continue if nothing_asked => "asks nothing".to_owned(),
        Outcome::Continue => "passes".to_owned(),
        Outcome::Reject(reject) => format!("refuses: {}", reject.metric()),
        Outcome::NeedIntrospection(_) => "asks the issuer, which is not done here".to_owned(),
    }
}

fn refused_form(mut story: String, ambiguity: Ambiguity) -> String {
    line(&mut story, "canonical", &format!("none: {ambiguity}"));
    verdict(story, Some(reply::ambiguous(ambiguity)))
}

fn verdict(mut story: String, reject: Option<common::reject::Reject>) -> String {
    match reject {
        None => line(&mut story, "verdict", "forward"),
        Some(reject) => line(&mut story, "verdict", &format!("{} {}", reject.status(), reject.metric())),
    }
    story
}

fn line(story: &mut String, what: &str, text: &str) {
    let shown: String = text.chars().flat_map(shown).collect();
    let _ = writeln!(story, "{what:<10} {shown}"); // writing to a String does not fail
}

/// What moves a terminal is written out; quotes are left as they are.
fn shown(c: char) -> impl Iterator<Item = char> {
    let plain = matches!(c, '"' | '\'' | '\\').then_some(c);
    plain.into_iter().chain(plain.is_none().then(|| c.escape_debug()).into_iter().flatten())
}

fn header_map(fields: &[(&[u8], &[u8])]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            map.append(name, value);
        }
    }
    map
}

/// An editor's line feeds become CRLF, and the head ends in an empty line.
fn with_line_ends(text: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(text.len() + 16);
    for text_line in text.split(|byte| *byte == b'\n') {
        let text_line = text_line.strip_suffix(b"\r").unwrap_or(text_line);
        raw.extend_from_slice(text_line);
        raw.extend_from_slice(b"\r\n");
        if text_line.is_empty() && raw.len() > 2 {
            return raw;
        }
    }
    raw.extend_from_slice(b"\r\n");
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[listen]\nhttp = \"127.0.0.1:1\"\n[feed]\nissuer = \"127.0.0.1:2\"\nstate_dir = \"s\"\n\
        [[upstream]]\nname = \"u\"\nservers = [\"127.0.0.1:3\"]\n\
        [[route]]\nmatch = { path = \"/open/*\", methods = [\"GET\"] }\nupstream = \"u\"\nheaders = { add = { x-edge = \"fra\" } }\nmax_body = \"1KiB\"\n\
        [[route]]\nmatch = { path = \"/api/*\" }\nupstream = \"u\"\ntoken = { issuers = [\"pool:us-east-1_A\"] }\n";

    /// Two issuers of others, which are not asked here.
    const OTHERS: &str = "[[issuer]]\nname = \"login\"\niss = \"https://i\"\nprofile = \"auth0\"\njwks = { url = \"https://i/keys?x=y\" }\n\
        [[issuer]]\nname = \"opaque\"\niss = \"https://o\"\n\
        introspection = { url = \"https://o/ask\", client_id = \"e\", client_secret_file = \"request\" }\n\
        [[route]]\nmatch = { path = \"/both/*\" }\nupstream = \"u\"\ntoken = { issuers = [\"login\", \"opaque\"] }\n";

    fn story(request: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (config, file) = (folder.path().join("edge.toml"), folder.path().join("request"));
        std::fs::write(&config, format!("{CONFIG}{OTHERS}")).unwrap();
        std::fs::write(&file, request).unwrap();
        explain(&config, &file).unwrap()
    }

    #[test]
    fn the_way_of_a_request_is_told() {
        let told = story("GET /open/%7Ea?x HTTP/1.1\nHost: API.test\nX_Edge: 1\n\n");
        for line in [
            "canonical  GET api.test/open/~a?x",
            "stripped   headers that only the edge may say",
            "route      u /open/*",
            "token      asks nothing",
            "adds       x-edge: fra",
            "upstream   u",
            "  server   127.0.0.1:3 by HTTP/1.1",
            "max_body   1024 bytes",
            "verdict    forward",
        ] {
            assert!(told.lines().any(|told| told == line), "{line}\n{told}");
        }
    }

    #[test]
    fn refusals_are_told() {
        for (request, verdict) in [
            ("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n", "401 missing_token"),
            ("POST /open/x HTTP/1.1\nHost: a", "405 method_not_allowed"),
            ("GET /open/../api HTTP/1.1\nHost: a", "400 ambiguous_path"),
            ("GET /elsewhere HTTP/1.1\nHost: a", "404 no_route"),
        ] {
            let told = story(request);
            assert!(told.ends_with(&format!("verdict    {verdict}\n")), "{told}");
        }
    }

    #[test]
    fn issuers_of_others_are_named_and_not_asked() {
        let told = story("GET /both/x HTTP/1.1\nHost: a\nAuthorization: Bearer opaque\n\n");
        for line in [
            "issuer     login: keys from https://i/keys, which are not fetched here, and none are kept on disk",
            "issuer     opaque: is asked about its tokens at https://o/ask",
            "token      asks the issuer, which is not done here",
            "verdict    as the issuer answers",
        ] {
            assert!(told.lines().any(|told| told == line), "{line}\n{told}");
        }
        let jwt = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2kifQ.c2ln"; // of https://i
        let told = story(&format!("GET /both/x HTTP/1.1\nHost: a\nAuthorization: Bearer {jwt}\n\n"));
        assert!(told.ends_with("verdict    503 not_ready\n"), "{told}");
    }

    /// What `explain` says of a request to a route that asks a lot, with this token and these further fields.
    fn demanding(request: &str, token: &serde_json::Value) -> String {
        use common::jose::{Alg, Jwks, SigningKey};
        let key = include_bytes!("../../common/vectors/keys/rsa-2048-a.pk8");
        let key = SigningKey::from_pkcs8(Alg::RS256, key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let jwks = Jwks::new(vec![key.public_jwk().clone()]).unwrap().to_json();
        let policies = "@id(\"staff\") permit (principal in Group::\"staff\", action, resource);
            @id(\"night\") forbid (principal, action, resource) when { context.path == \"/api/night\" };";
        let config = "[listen]\nhttp = \"127.0.0.1:1\"\n[[issuer]]\nname = \"corp\"\niss = \"https://i\"\nprofile = \"cognito\"\n\
            jwks = { file = \"jwks.json\" }\n[[upstream]]\nname = \"u\"\nservers = [\"127.0.0.1:3\"]\n\
            [[policy]]\nname = \"p\"\nfile = \"p.cedar\"\n\
            [[route]]\nmatch = { path = \"/api/*\" }\nupstream = \"u\"\ncors = { origins = [\"https://a.test\"] }\n\
            token = { issuers = [\"corp\"], scopes_all = [\"a\", \"b\"], claims = { level = { ge = 3 } }, cedar = \"p\" }\n";
        for (name, text) in [("edge.toml", config), ("p.cedar", policies), ("jwks.json", &jwks)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let config = load(&folder.path().join("edge.toml"), &[], &Metrics::default()).unwrap();
        let picture = Picture::new(config.verdict_bytes);
        picture.configure(config.routes, config.issuers);
        let token = key.sign_compact(&key.header(), token).unwrap();
        let raw = format!("{request}Authorization: Bearer {token}\r\n\r\n");
        explain_head(&picture.load(), raw.as_bytes(), UnixMillis::from_seconds(1_000)).unwrap()
    }

    #[test]
    fn each_condition_that_fails_is_told() {
        let claims = |scope: &str, level: i64, group: &str| {
            serde_json::json!({
                "iss": "https://i", "sub": "ada", "token_use": "access", "client_id": "web", "exp": 2_000, "iat": 1_000,
                "scope": scope, "level": level, "cognito:groups": [group],
            })
        };
        let get = "GET /api/x HTTP/1.1\r\nHost: a\r\nOrigin: https://a.test\r\n";
        let night = "GET /api/night HTTP/1.1\r\nHost: a\r\n";
        let preflight =
            "OPTIONS /api/x HTTP/1.1\r\nHost: a\r\nOrigin: https://a.test\r\nAccess-Control-Request-Method: PUT\r\n";
        for (request, token, expected) in [
            (
                get,
                claims("a", 2, "staff"),
                &["token      refuses: insufficient_scope", "  lacks    scope \"b\"", "  lacks    claim \"level\" ge 3"]
                    as &[&str],
            ),
            (
                get,
                claims("a b", 3, "guests"),
                &["policy     refuses: policy_denied", "  because  nothing permits", "verdict    403 policy_denied"],
            ),
            (night, claims("a b", 3, "staff"), &["  because  forbidden by p/night"]),
            (
                get,
                claims("a b", 3, "staff"),
                &["policy     passes", "answers    access-control-allow-origin: https://a.test", "verdict    forward"],
            ),
            (
                preflight,
                claims("", 0, ""),
                &["route      u /api/*", "answers    access-control-max-age: 600", "verdict    204 preflight"],
            ),
        ] {
            let told = demanding(request, &token);
            for line in expected {
                assert!(told.lines().any(|told| told == *line), "{line}\n{told}");
            }
        }
    }
}
