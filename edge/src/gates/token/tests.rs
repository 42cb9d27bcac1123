use common::canonical::{RequestHead, Version, canonical_request};
use common::clock::UnixMillis;
use common::jose::{Alg, Jwks, KeySet, SigningKey};
use common::verify::{Leeway, Profile};
use http::{HeaderMap, HeaderValue, header};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::facts::Connection;
use crate::snapshot::issuer::Trust;
use crate::snapshot::picture::{ConfiguredIssuer, Picture};
use crate::snapshot::route::{Route, RouteTable};
use crate::waf::Body;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const KEY_A: &[u8] = include_bytes!("../../../../common/vectors/keys/rsa-2048-a.pk8");
const KEY_B: &[u8] = include_bytes!("../../../../common/vectors/keys/rsa-2048-b.pk8");

fn key(der: &[u8]) -> SigningKey {
    SigningKey::from_pkcs8(Alg::RS256, der).unwrap()
}

fn token(der: &[u8], iss: &str) -> String {
    let claims = json!({
        "iss": iss, "sub": "ada", "token_use": "access", "client_id": "web",
        "exp": NOW.seconds() + 600, "iat": NOW.seconds(),
    });
    key(der).sign_compact(&key(der).header(), &claims).unwrap()
}

fn issuer(name: &str, iss: &str, der: &[u8]) -> ConfiguredIssuer {
    let keys = Arc::new(KeySet::new(iss, Jwks::new(vec![key(der).public_jwk().clone()]).unwrap()).unwrap());
    let trust = Trust {
        profile: Profile::Cognito,
        leeway: Leeway::default(),
        access_keys: Arc::clone(&keys),
        id_keys: keys,
        groups: None,
    };
    ConfiguredIssuer { trust: Some(trust), ..ConfiguredIssuer::awaited(name) }
}

fn route(number: usize, issuers: Vec<usize>) -> Arc<Route> {
    route_for(number, issuers, &[])
}

fn route_for(number: usize, issuers: Vec<usize>, clients: &[&str]) -> Arc<Route> {
    let clients = clients.iter().map(ToString::to_string).collect();
    let rule = TokenRule { clients, ..TokenRule::fixture(issuers) };
    Arc::new(Route { number, token: Some(rule), ..Route::fixture() })
}

/// Issuers `a` and `b`; route 0 takes both, route 1 only `b`.
fn snapshot() -> Arc<Snapshot> {
    let picture = Picture::new(1 << 20);
    let routes = vec![route(0, vec![0, 1]), route(1, vec![1])];
    picture.configure(
        RouteTable { routes, ..RouteTable::default() },
        vec![issuer("a", "https://a", KEY_A), issuer("b", "https://b", KEY_B)],
    );
    picture.load()
}

fn ask(snapshot: &Snapshot, number: usize, authorization: &[u8]) -> Outcome {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(authorization) {
        headers.append(header::AUTHORIZATION, value);
    }
    let route = &snapshot.routes.routes[number];
    view(&headers, route, |view| check(view, &mut Facts::default(), snapshot))
}

fn view<T>(headers: &HeaderMap, route: &Route, ask: impl FnOnce(RequestView<'_>) -> T) -> T {
    let head = RequestHead { method: "GET", target: b"/", version: Version::Http2, authority: Some(b"api.test") };
    let canonical = &canonical_request(head, std::iter::empty(), &Default::default()).unwrap();
    ask(RequestView {
        canonical,
        connection: &Connection::UNKNOWN,
        headers,
        session: None,
        route,
        body: Body::None,
        now: NOW,
        moment: Default::default(),
    })
}

fn bearer(token: &str) -> Vec<u8> {
    format!("Bearer {token}").into_bytes()
}

#[test]
fn each_issuer_vouches_for_its_own_tokens_only() {
    let snapshot = snapshot();
    for _ in 0..2 {
        assert_eq!(ask(&snapshot, 0, &bearer(&token(KEY_A, "https://a"))), Outcome::Continue);
        assert_eq!(ask(&snapshot, 0, &bearer(&token(KEY_B, "https://b"))), Outcome::Continue);
        let crossed = ask(&snapshot, 0, &bearer(&token(KEY_B, "https://a")));
        assert_eq!(crossed, Outcome::Reject(Reject::UnknownKey), "b's key, a's name");
        // Known on route 0, and still not welcome on route 1.
        assert_eq!(ask(&snapshot, 1, &bearer(&token(KEY_A, "https://a"))), Outcome::Reject(Reject::WrongIssuer));
    }
}

#[test]
fn what_one_rule_has_let_pass_another_one_is_asked_and_a_reload_asks_anew() {
    let picture = Picture::new(1 << 20);
    let configure = |clients: [&[&str]; 2]| {
        let routes = clients.into_iter().enumerate().map(|(number, clients)| route_for(number, vec![0], clients));
        let table = RouteTable { routes: routes.collect(), ..RouteTable::default() };
        picture.configure(table, vec![issuer("a", "https://a", KEY_A)]);
        picture.load()
    };
    let good = bearer(&token(KEY_A, "https://a"));
    let before = configure([&["web"], &["app"]]);
    for _ in 0..3 {
        assert_eq!(ask(&before, 0, &good), Outcome::Continue);
        assert_eq!(ask(&before, 1, &good), Outcome::Reject(Reject::WrongClient));
    }
    let after = configure([&["app"], &["web"]]);
    for _ in 0..3 {
        assert_eq!(ask(&after, 0, &good), Outcome::Reject(Reject::WrongClient));
        assert_eq!(ask(&after, 1, &good), Outcome::Continue);
    }
}

#[test]
fn a_refused_token_is_not_remembered() {
    let snapshot = snapshot();
    ask(&snapshot, 0, &bearer(&token(KEY_B, "https://a")));
    ask(&snapshot, 0, &bearer("garbage"));
    assert!(snapshot.issuers.iter().all(|issuer| issuer.verdicts.bytes() == 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_other_authorization_passes(bytes in proptest::collection::vec(any::<u8>(), 0..200), scheme in any::<bool>()) {
        let snapshot = snapshot_once();
        let authorization = if scheme { [b"Bearer ".as_slice(), &bytes].concat() } else { bytes };
        prop_assert_ne!(ask(snapshot, 0, &authorization), Outcome::Continue);
    }

    #[test]
    fn no_mutation_of_a_good_token_passes(at in 0usize..2_000, to in any::<u8>()) {
        let good = good_once().as_bytes();
        let mut bytes = good.to_vec();
        let at = at % bytes.len();
        bytes[at] = to;
        let expected_good = bytes == good;
        let outcome = ask(snapshot_once(), 0, &[b"Bearer ".as_slice(), &bytes].concat());
        prop_assert_eq!(outcome == Outcome::Continue, expected_good, "byte {} to {}", at, to);
    }
}

fn snapshot_once() -> &'static Snapshot {
    static SNAPSHOT: std::sync::OnceLock<Arc<Snapshot>> = std::sync::OnceLock::new();
    SNAPSHOT.get_or_init(snapshot)
}

fn good_once() -> &'static str {
    static GOOD: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    GOOD.get_or_init(|| token(KEY_A, "https://a"))
}
