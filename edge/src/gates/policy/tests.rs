use std::sync::Arc;

use common::canonical::{RequestHead, Version, canonical_request};
use common::clock::UnixMillis;
use common::jose::{Alg, Jwks, KeySet, SigningKey};
use common::settings::parse;
use common::verify::{Leeway, Possession, Profile, authenticate};
use http::HeaderMap;
use serde_json::{Value, json};

use super::*;
use crate::facts::{Bearer, Connection, Scheme};
use crate::snapshot::authorization::PolicyMeter;
use crate::snapshot::picture::{ConfiguredIssuer, Picture};
use crate::snapshot::route::{Route, RouteTable};
use crate::waf::Body;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const KEY: &[u8] = include_bytes!("../../../../common/vectors/keys/rsa-2048-a.pk8");

fn claims() -> Value {
    json!({
        "iss": "https://i", "sub": "ada|x", "token_use": "access", "client_id": "web", "scope": "openid orders/read",
        "cognito:groups": ["staff"], "exp": NOW.seconds() + 600, "iat": NOW.seconds(), "auth_time": NOW.seconds() - 100,
        "amr": ["pwd", "mfa"], "acr": "gold", "tenant": "acme", "level": 3, "half": 0.5, "mixed": ["a", 0.5],
        "org": {"id": 7, "nothing": null, "tags": ["a"]}, "big": 18_446_744_073_709_551_615_u64,
    })
}

fn identity(claims: &Value) -> Arc<Identity> {
    let key = SigningKey::from_pkcs8(Alg::RS256, KEY).unwrap();
    let iss = claims["iss"].as_str().unwrap();
    let keys = KeySet::new(iss, Jwks::new(vec![key.public_jwk().clone()]).unwrap()).unwrap();
    let token = key.sign_compact(&key.header(), claims).unwrap();
    Arc::new(Identity::new(authenticate(&token, &keys, Profile::Cognito, Leeway::NONE, NOW).unwrap()))
}

fn route(policies: &str, entities: Option<&str>) -> Route {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.cedar"), policies).unwrap();
    let mut text = "[[policy]]\nname = \"p\"\nfile = \"p.cedar\"\n".to_owned();
    if let Some(entities) = entities {
        std::fs::write(folder.path().join("e.json"), entities).unwrap();
        text.push_str("entities = \"e.json\"\n");
    }
    text.push_str("[token]\ncedar = \"p\"");
    let mut root = parse(&text, [], &[]).unwrap();
    let mut library = config::library(root.sections("policy").unwrap(), folder.path()).unwrap();
    let asked = config::asked(&mut root.section("token").unwrap().unwrap()).unwrap().unwrap();
    let authorization = library.compile(&asked, "r", &[], PolicyMeter::default()).unwrap();
    Route { authorization: Some(authorization), ..Route::fixture() }
}

/// The outcome for a request, and which policies made a denial.
fn ask(route: &Route, identity: &Arc<Identity>, method: &str, path: &str) -> (Outcome, Option<String>) {
    let picture = Picture::new(1 << 20);
    picture.configure(RouteTable::default(), vec![ConfiguredIssuer::awaited("i")]);
    let issuer = Arc::clone(&picture.load().issuers[0]);
    let held = identity.token.held_by(&Possession::NONE).unwrap();
    let bearer = Bearer { identity: Arc::clone(identity), issuer, held };
    let mut facts = Facts { bearer: Some(bearer), ..Facts::default() };
    let head = RequestHead { method, target: path.as_bytes(), version: Version::Http2, authority: Some(b"api.test") };
    let canonical = &canonical_request(head, std::iter::empty(), &Default::default()).unwrap();
    let connection =
        &Connection { client: Some("10.1.2.3".parse().unwrap()), scheme: Scheme::Https, ..Connection::UNKNOWN };
    let outcome = check(
        RequestView {
            canonical,
            connection,
            headers: &HeaderMap::new(),
            session: None,
            route,
            body: Body::None,
            now: NOW,
            moment: Default::default(),
        },
        &mut facts,
    );
    (outcome, facts.denial.map(|denial| denial.to_string()))
}

fn permits(policies: &str) -> bool {
    ask(&route(policies, None), &identity(&claims()), "GET", "/a/b").0 == Outcome::Continue
}

#[test]
fn the_model_says_what_the_token_and_the_request_say() {
    for condition in [
        r#"principal == User::"https://i|ada|x""#,
        r#"principal in Group::"staff" && !(principal in Group::"admin")"#,
        r#"principal.iss == "https://i" && principal.sub == "ada|x" && principal.client_id == "web""#,
        r#"principal.token_use == "access" && principal.audience.isEmpty() && !(principal has username)"#,
        r#"principal.scopes == ["openid", "orders/read"] && principal.groups == ["staff"]"#,
        r#"principal.acr == "gold" && principal.amr.containsAll(["pwd", "mfa"])"#,
        r#"context.now.durationSince(principal.auth_time) == duration("100s") && principal.issued_at == context.now"#,
        r#"principal.claims.tenant == "acme" && principal.claims.level > 2 && principal.claims.org.id == 7"#,
        r#"principal.claims has org.tags && !(principal.claims has org.nothing) && !(principal.claims has half)"#,
        r#"!(principal.claims has mixed) && !(principal.claims has big) && !(principal.claims has missing)"#,
        r#"principal.claims["cognito:groups"].contains("staff")"#,
        r#"action == Action::"GET" && resource == Route::"r""#,
        r#"context.method == "GET" && context.scheme == "https" && context.host == "api.test" && context.path == "/a/b""#,
        r#"context.client_ip.isInRange(ip("10.0.0.0/8")) && context.now > datetime("2026-01-01")"#,
    ] {
        assert!(permits(&format!("permit (principal, action, resource) when {{ {condition} }};")), "{condition}");
        let forbidden = format!(
            "permit (principal, action, resource); forbid (principal, action, resource) when {{ {condition} }};"
        );
        assert!(!permits(&forbidden), "{condition}");
    }
}

#[test]
fn groups_of_groups_come_from_the_file() {
    let entities =
        r#"[{"uid": {"type": "Group", "id": "staff"}, "attrs": {}, "parents": [{"type": "Group", "id": "people"}]}]"#;
    let route = route("permit (principal in Group::\"people\", action, resource);", Some(entities));
    assert_eq!(ask(&route, &identity(&claims()), "GET", "/").0, Outcome::Continue);
    let mut other = claims();
    other["cognito:groups"] = json!(["guests"]);
    assert_eq!(ask(&route, &identity(&other), "GET", "/").0, Outcome::Reject(Reject::PolicyDenied));
}

#[test]
fn a_denial_names_its_policies() {
    let denied = |detail: &str| (Outcome::Reject(Reject::PolicyDenied), Some(detail.to_owned()));
    let some = "@id(\"p\") permit (principal, action == Action::\"GET\", resource);";
    for (policies, method, expected) in [
        (some, "POST", denied("nothing permits")),
        (
            &*format!(
                "{some} @id(\"b\") forbid (principal, action, resource); @id(\"a\") forbid (principal, action, resource);"
            ),
            "GET",
            denied("forbidden by p/a, p/b"),
        ),
        // Cedar passes over what fails, and would permit.
        (
            &*format!(
                "{some} @id(\"bad\") forbid (principal, action, resource) when {{ principal.claims.missing == 1 }};"
            ),
            "GET",
            denied("can't be evaluated: p/bad"),
        ),
        (
            &*format!(
                "{some} @id(\"bad\") permit (principal, action, resource) when {{ principal.claims.tenant > 1 }};"
            ),
            "GET",
            denied("can't be evaluated: p/bad"),
        ),
        (some, "REPORT", denied("nothing permits")),
        (some, "GET", (Outcome::Continue, None)),
    ] {
        let (route, identity) = (route(policies, None), identity(&claims()));
        for _ in 0..3 {
            assert_eq!(ask(&route, &identity, method, "/"), expected, "{policies}");
        }
    }
    let many: String = (0..90).map(|i| format!("@id(\"number-{i}\") forbid (principal, action, resource);")).collect();
    let (_, detail) = ask(&route(&format!("{some}{many}"), None), &identity(&claims()), "GET", "/");
    let detail = detail.unwrap();
    assert!(detail.len() < 230 && detail.ends_with(" more"), "{detail}");
}

#[test]
fn an_issuer_with_the_separator_in_its_name_has_no_users() {
    let mut odd = claims();
    odd["iss"] = json!("https://i|ada");
    let route = route("permit (principal, action, resource);", None);
    let (outcome, detail) = ask(&route, &identity(&odd), "GET", "/");
    assert_eq!(outcome, Outcome::Reject(Reject::PolicyDenied));
    assert_eq!(detail.as_deref(), Some("the token can't be told to policies"));
}

/// How often policies are evaluated shows what is kept.
#[test]
fn a_verdict_is_kept_by_token_and_action_unless_the_request_went_into_it() {
    let evaluations = |route: &Route| {
        let meter = &route.authorization.as_ref().unwrap().meter;
        meter.permitted.get() + meter.denied.get() + meter.failed.get()
    };
    let about_the_token = route("permit (principal, action == Action::\"GET\", resource);", None);
    let ada = identity(&claims());
    for _ in 0..5 {
        assert_eq!(ask(&about_the_token, &ada, "GET", "/a").0, Outcome::Continue);
        assert_eq!(ask(&about_the_token, &ada, "POST", "/a").0, Outcome::Reject(Reject::PolicyDenied));
    }
    assert_eq!(evaluations(&about_the_token), 2);
    assert_eq!(ask(&about_the_token, &identity(&claims()), "GET", "/a").0, Outcome::Continue, "another token");
    assert_eq!(evaluations(&about_the_token), 3);

    let about_the_path = route("permit (principal, action, resource) when { context.path like \"/a*\" };", None);
    for _ in 0..5 {
        assert_eq!(ask(&about_the_path, &ada, "GET", "/a").0, Outcome::Continue);
        assert_eq!(ask(&about_the_path, &ada, "GET", "/b").0, Outcome::Reject(Reject::PolicyDenied));
    }
    assert_eq!(evaluations(&about_the_path), 10);
}
