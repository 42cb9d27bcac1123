//! Key sets and tokens in the shapes that well-known providers publish and issue, with key material of our own.

use common::claims::TokenUse;
use common::jose::{Alg, Jwks, JwksError, KeySet, SigningKey};
use common::reject::Reject;
use common::verify::{Leeway, Policy, Profile, Verified, verify};
use serde_json::{Value, json};

use crate::support::*;

/// Base64 (not base64url) of something that looks like DER: what is in `x5c` is never read.
const CERTIFICATE: &str = "MIICnTCCAYUCBgGQ2Y5ZPzANBgkqhkiG9w0BAQsFADASMRAwDgYDVQQDDAdleGFtcGxlMB4XDTI0MDcyMjA5MjQxNVoXDTM0MDcyMjA5MjU1NVow+/==";

fn part(key: &SigningKey, name: &str) -> Value {
    let jwk: Value = serde_json::from_str(&key.public_jwk().to_json()).unwrap();
    jwk[name].clone()
}

fn n(key: &SigningKey) -> Value {
    part(key, "n")
}

fn a() -> SigningKey {
    rsa_a(Alg::RS256)
}

fn b() -> SigningKey {
    rsa_b(Alg::RS256)
}

fn cognito_set() -> Value {
    json!({"keys": [
        {"alg": "RS256", "e": "AQAB", "kid": "zuQFh9w+4Z8nUnpJ6WUiFOK9CgUYmt4jeRxfJI2h9nE=", "kty": "RSA", "n": n(&a()), "use": "sig"},
        {"alg": "RS256", "e": "AQAB", "kid": "vj4fnlXpXkzRW3TDSiQ3K2lVP4pRxVZ5kq7cMpvkSyE=", "kty": "RSA", "n": n(&b()), "use": "sig"},
    ]})
}

fn keycloak_set() -> Value {
    json!({"keys": [
        {"kid": "lq0Mv0UbLxW1nTUkVxgdRdEyZBVo2hsdpVCmEcKYRHw", "kty": "RSA", "alg": "RSA-OAEP", "use": "enc", "n": n(&b()), "e": "AQAB",
         "x5c": [CERTIFICATE], "x5t": "B0eJ2G2hRY5rmHCvJsdkKQ3x0gE", "x5t#S256": "yIWpDnBkjYWp1j9rjjHGXl6NbIH0dZ3U2IPqEM2Dd2o"},
        {"kid": "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE", "kty": "RSA", "alg": "RS256", "use": "sig", "n": n(&a()), "e": "AQAB",
         "x5c": [CERTIFICATE], "x5t": "i0oX0Z4kRuAhnnDGnZCf7K4zEYA", "x5t#S256": "p2q2d0u9KXBvrfxHnOr1E83dHvBPqgbQmZCL_3e05hE"},
    ]})
}

fn auth0_set() -> Value {
    json!({"keys": [
        {"kty": "RSA", "use": "sig", "n": n(&a()), "e": "AQAB", "kid": "Vr3RuJ9kcn6jvSn3B9Q6n", "x5t": "3t9Zs3nsTBmPzbaqxGFlcGwSj4E",
         "x5c": [CERTIFICATE], "alg": "RS256"},
        {"kty": "RSA", "use": "sig", "n": n(&b()), "e": "AQAB", "kid": "sJ2nUjm5yM9qlXkq0PZ1Y", "x5t": "J0eKHGhtcUxBvVEJ0eS9LCp4x3A",
         "x5c": [CERTIFICATE], "alg": "RS256"},
    ]})
}

fn entra_set() -> Value {
    json!({"keys": [
        {"kty": "RSA", "use": "sig", "kid": "JYhAcTPMZ_LX6DBlOWQ7Hn0NeXE", "x5t": "JYhAcTPMZ_LX6DBlOWQ7Hn0NeXE", "n": n(&a()), "e": "AQAB",
         "x5c": [CERTIFICATE], "cloud_instance_name": "microsoftonline.com",
         "issuer": "https://login.microsoftonline.com/9f4880d8-80ba-4c40-97bc-f7a23c703084/v2.0"},
        {"kty": "RSA", "use": "sig", "kid": "kWbkA6qs8wsTnBwiirP2FlGIs90", "x5t": "kWbkA6qs8wsTnBwiirP2FlGIs90", "n": n(&b()), "e": "AQAB",
         "x5c": [CERTIFICATE, CERTIFICATE], "cloud_instance_name": "microsoftonline.com", "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"},
    ]})
}

fn google_set() -> Value {
    json!({"keys": [
        {"kid": "5d12ab782cb6096285f69e48aea99079bb59cb86", "n": n(&a()), "use": "sig", "kty": "RSA", "alg": "RS256", "e": "AQAB"},
        {"e": "AQAB", "alg": "RS256", "use": "sig", "kid": "b2620d5e7f132b52afe8875cdf3776c064249d04", "n": n(&b()), "kty": "RSA"},
    ]})
}

/// ZITADEL, Ory and others: curves, kinds that are not known here, operations named.
fn mixed_set() -> Value {
    let (ec, ed) = (signing_key(Alg::ES384), signing_key(Alg::EdDSA));
    json!({"keys": [
        {"kty": "EC", "crv": "P-384", "kid": "ec", "use": "sig", "x": part(&ec, "x"), "y": part(&ec, "y")},
        {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "alg": "EdDSA", "x": part(&ed, "x"), "key_ops": ["verify"]},
        {"kty": "EC", "crv": "P-521", "kid": "p521", "alg": "ES512", "use": "sig", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X25519", "kid": "x", "use": "enc", "alg": "ECDH-ES", "x": part(&ed, "x")},
        {"kty": "AKP", "kid": "pq", "alg": "ML-DSA-65", "pub": "AAAA"},
        {"kty": "RSA", "kid": "future", "alg": "RS1", "n": n(&a()), "e": "AQAB"},
    ], "next_update": 1})
}

fn read(set: &Value) -> Result<KeySet, JwksError> {
    Ok(KeySet::new(ISS, Jwks::parse_foreign(&set.to_string())?).unwrap())
}

#[test]
fn key_sets_of_providers_are_read() {
    for (name, set, keys) in [
        ("cognito", cognito_set(), 2),
        ("keycloak", keycloak_set(), 1),
        ("auth0", auth0_set(), 2),
        ("entra", entra_set(), 2),
        ("google", google_set(), 2),
        ("mixed", mixed_set(), 2),
    ] {
        assert_eq!(read(&set).unwrap().len(), keys, "{name}");
    }
    assert_eq!(read(&entra_set()).unwrap().key(Some("kWbkA6qs8wsTnBwiirP2FlGIs90")).unwrap().alg(), Alg::RS256);
    let keys = read(&mixed_set()).unwrap();
    assert_eq!([Some("ec"), Some("ed")].map(|kid| keys.key(kid).unwrap().alg()), [Alg::ES384, Alg::EdDSA]);
}

/// T13: what is wrong with one key is wrong with the set, in every provider's shape.
#[test]
fn one_bad_key_refuses_a_providers_set() {
    let weak = json!(
        "sAhd3M3mIx3RrVPUyCkTNXjj0m2tVoxpW9yEDPWSOGEYPWR2R7EYzhNMNrNDfLNNvD6hO5WkXwzBDnQjcbVuJ0JNyRZCL5f8gWzR5Hk_kzLbyPNlHPzGLtJ4UCzRbZJc"
    );
    for (name, set) in [
        ("cognito", cognito_set()),
        ("keycloak", keycloak_set()),
        ("auth0", auth0_set()),
        ("entra", entra_set()),
        ("google", google_set()),
    ] {
        let with = |member: &str, value: Value| {
            let mut set = set.clone();
            set["keys"][1][member] = value;
            read(&set)
        };
        assert!(with("n", weak.clone()).is_err(), "{name}: weak");
        assert!(with("e", json!("AQ")).is_err(), "{name}: e = 1");
        assert!(with("d", json!("AQAB")).is_err(), "{name}: private");
        assert!(with("k", json!("AQAB")).is_err(), "{name}: symmetric");
        let mut twice = set.clone();
        let again = twice["keys"][1].clone();
        twice["keys"].as_array_mut().unwrap().push(again);
        assert!(matches!(read(&twice), Err(JwksError::DuplicateKid { .. })), "{name}: twice");
    }
}

#[test]
fn sets_are_the_same_in_any_order() {
    let parse = |set: &Value| Jwks::parse_foreign(&set.to_string()).unwrap();
    let mut shuffled = google_set();
    shuffled["keys"].as_array_mut().unwrap().reverse();
    assert!(parse(&google_set()).has_same_keys(&parse(&shuffled)));
    assert!(!parse(&google_set()).has_same_keys(&parse(&cognito_set())));
    shuffled["keys"].as_array_mut().unwrap().pop();
    assert!(!parse(&google_set()).has_same_keys(&parse(&shuffled)));
}

/// T03: a set whose keys have lost their `alg`, under each setting: of every key and every algorithm, only the pinned pairs pass.
#[test]
fn t03_settings_pin_what_keys_leave_open() {
    let kinds = [Alg::RS256, Alg::ES256, Alg::ES384, Alg::EdDSA].map(signing_key);
    let bare: Vec<Value> =
        kinds.iter().map(|key| without(serde_json::from_str(&key.public_jwk().to_json()).unwrap(), "alg")).collect();
    let jwks = || Jwks::parse_foreign(&json!({ "keys": bare }).to_string()).unwrap();
    let rsa = [Alg::RS256, Alg::RS384, Alg::RS512, Alg::PS256, Alg::PS384, Alg::PS512];
    let (mut tried, mut passed) = (0, 0);
    for rsa_alg in rsa {
        for allowed in [Alg::ALL.to_vec(), vec![rsa_alg, Alg::EdDSA], vec![Alg::ES384], vec![]] {
            let keys = KeySet::with_algorithms(ISS, jwks(), rsa_alg, &allowed).unwrap();
            for key in &kinds {
                for alg in Alg::ALL {
                    let pinned = if key.alg() == Alg::RS256 { rsa_alg } else { key.alg() };
                    // Of this key where it can make such signatures at all, else of another that can.
                    let signer = match (key.alg(), alg.key_type() == key.alg().key_type()) {
                        (Alg::RS256, true) => rsa_a(alg),
                        _ => signing_key(alg),
                    };
                    let signer = if alg == key.alg() { key } else { &signer };
                    let header = format!(r#"{{"alg":"{alg}","kid":"{}"}}"#, key.kid());
                    let text = token_of(signer, header, access_claims().to_string());
                    let outcome = verify(&text, &keys, &policy(), NOW).map(|verified| verified.kid.to_string());
                    let expected = match (allowed.contains(&pinned), alg == pinned) {
                        (true, true) => Ok(key.kid().to_owned()),
                        (true, false) => Err(Reject::UnsupportedAlg),
                        (false, _) => Err(Reject::UnknownKey),
                    };
                    assert_eq!(outcome, expected, "{} {alg} {rsa_alg} {allowed:?}", key.alg());
                    tried += 1;
                    passed += usize::from(expected.is_ok());
                }
            }
        }
    }
    assert_eq!((tried, passed), (6 * 4 * 4 * 9, 6 * (4 + 2 + 1)));
}

fn keycloak_access() -> Value {
    json!({
        "exp": NOW_S + 300, "iat": NOW_S, "auth_time": NOW_S - 5, "jti": "onrtac:3f0a8c5e-7c55-4e6f-8f0e-0a6d2f1f7c11", "iss": ISS,
        "aud": "account", "sub": "c6f6a1de-4f39-4a56-9d0b-7a5a1d7a0c11", "typ": "Bearer", "azp": "web", "sid": "4f1d3c0e",
        "session_state": "4f1d3c0e", "acr": "1", "nonce": "n-0S6_WzA2Mj", "allowed-origins": ["https://app.example"],
        "realm_access": {"roles": ["default-roles-corp", "staff"]},
        "resource_access": {"account": {"roles": ["view-profile"]}, "orders.api": {"roles": ["clerk"]}},
        "scope": "openid profile orders/read", "email_verified": true, "groups": ["/eu", "staff"], "preferred_username": "ada",
    })
}

fn keycloak_id() -> Value {
    let id = with(with(keycloak_access(), "typ", json!("ID")), "aud", json!("web"));
    with(without(without(id, "realm_access"), "scope"), "at_hash", json!("LGlV1vYcDcz9PPqjbGzyTA"))
}

fn auth0_access() -> Value {
    json!({
        "iss": ISS, "sub": "auth0|5f7c8ec7c33c6c004bbafe82", "aud": ["https://api.example", "https://corp.eu.auth0.com/userinfo"],
        "iat": NOW_S, "exp": NOW_S + 86_400, "azp": "web", "scope": "openid profile orders/read", "permissions": ["orders/read", "orders/write"],
        "https://example.com/roles": ["staff"],
    })
}

fn auth0_id() -> Value {
    json!({
        "nickname": "ada", "name": "ada@example.com", "iss": ISS, "aud": "web", "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
        "iat": NOW_S, "exp": NOW_S + 36_000, "sid": "9mGzYQ", "nonce": "bm9uY2U",
    })
}

fn entra_access() -> Value {
    json!({
        "aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3", "iss": ISS, "iat": NOW_S, "nbf": NOW_S, "exp": NOW_S + 4_000, "aio": "AXQAi/8IAAAA",
        "azp": "web", "azpacr": "0", "name": "Ada", "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474", "rh": "0.ARwA6Wg", "ver": "2.0",
        "scp": "access_as_user orders/read", "roles": ["staff"], "groups": ["admins"], "sub": "HKZpfaHyWadeOouYlitjrI", "tid": "fa15d692", "uti": "fqiBqXLPj0",
    })
}

fn entra_id() -> Value {
    let id = without(without(without(entra_access(), "scp"), "azp"), "azpacr");
    with(id, "aud", json!("6e74172b-be56-4843-9ff4-e66a39bb12e3"))
}

fn okta_access() -> Value {
    json!({
        "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", "iss": ISS, "aud": "https://api.example", "sub": "ada@example.com",
        "iat": NOW_S, "exp": NOW_S + 3_600, "cid": "web", "uid": "00uujxnbh3uJw4tWA0h7", "scp": ["openid", "orders/read"], "groups": ["staff"],
    })
}

fn okta_id() -> Value {
    json!({
        "ver": 1, "jti": "ID.TxmW8ZGhGFtxNzY8VVLIhA", "iss": ISS, "aud": "web", "sub": "00uujxnbh3uJw4tWA0h7", "iat": NOW_S, "exp": NOW_S + 3_600,
        "amr": ["pwd"], "idp": "00ok1u7AsAkrwdZL3z0g3", "auth_time": NOW_S - 5, "nonce": "n", "at_hash": "rHlrsCHMtSEhkGW7nKLxvg",
    })
}

fn rfc9068_access() -> Value {
    json!({
        "iss": ISS, "sub": "ada", "aud": "https://api.example", "iat": NOW_S, "exp": NOW_S + 3_600, "client_id": "web", "jti": "j",
        "scope": "orders/read", "groups": ["staff"],
    })
}

fn typed(typ: Option<&str>, claims: &Value) -> String {
    let key = a();
    let header = jsonwebtoken::Header { typ: typ.map(Into::into), ..key.header() };
    key.sign_compact(&header, claims).unwrap()
}

fn asks(profile: Profile, audience: &str) -> Policy {
    Policy { profile, leeway: Leeway::NONE, ..Policy::rfc9068(ISS, audience) }
}

fn ask(profile: Profile, audience: &str, typ: Option<&str>, claims: &Value) -> Result<Verified, Reject> {
    verify(&typed(typ, claims), &keys_of(&a()), &asks(profile, audience), NOW)
}

fn texts(items: &[Box<str>]) -> Vec<&str> {
    items.iter().map(|item| &**item).collect()
}

const JWT: Option<&str> = Some("JWT");
const API: &str = "https://api.example";
const GUID: &str = "6e74172b-be56-4843-9ff4-e66a39bb12e3";

#[test]
fn access_tokens_of_providers_pass_under_their_profile() {
    let cases = [
        (Profile::Keycloak, "account", JWT, keycloak_access(), &["default-roles-corp", "staff", "/eu"][..]),
        (Profile::Keycloak, "account", Some("at+jwt"), keycloak_access(), &["default-roles-corp", "staff", "/eu"]),
        (Profile::Auth0, API, JWT, auth0_access(), &["orders/read", "orders/write"]),
        (Profile::Entra, GUID, JWT, entra_access(), &["staff"]),
        (Profile::Okta, API, None, okta_access(), &["staff"]),
        (Profile::Rfc9068, API, Some("at+jwt"), rfc9068_access(), &["staff"]),
    ];
    for (profile, audience, typ, claims, groups) in cases {
        let verified = ask(profile, audience, typ, &claims).unwrap_or_else(|reject| panic!("{profile:?}: {reject}"));
        assert_eq!((&*verified.client_id, verified.token_use), ("web", TokenUse::Access), "{profile:?}");
        assert!(verified.has_scope("orders/read"), "{profile:?}");
        assert_eq!(texts(&verified.groups), groups, "{profile:?}");
    }
    let dialect = with(with(without(auth0_access(), "azp"), "client_id", json!("web")), "jti", json!("j"));
    assert_eq!(&*ask(Profile::Auth0, API, Some("at+jwt"), &dialect).unwrap().client_id, "web");
    let version_1 = with(with(without(entra_access(), "azp"), "appid", json!("web")), "ver", json!("1.0"));
    assert_eq!(&*ask(Profile::Entra, GUID, JWT, &version_1).unwrap().client_id, "web");
    let app_only = without(entra_access(), "scp");
    assert_eq!(&*ask(Profile::Entra, GUID, JWT, &app_only).unwrap().scope, "");
}

/// E07, T43: what is no access token passes under no provider's profile, whatever audience the operator may have named by mistake.
#[test]
fn no_other_token_passes_as_an_access_token() {
    let kinds = ["ID", "Refresh", "Offline", "Logout", "Registration", "at+jwt", ""];
    let mut tokens: Vec<(Option<&str>, Value)> =
        kinds.iter().map(|kind| (JWT, with(keycloak_id(), "typ", json!(kind)))).collect();
    tokens.extend([
        (JWT, keycloak_id()),
        (Some("at+jwt"), keycloak_id()),
        (Some("logout+jwt"), with(keycloak_access(), "typ", json!("Logout"))),
        (JWT, auth0_id()),
        (JWT, without(auth0_id(), "nonce")),
        (JWT, with(without(auth0_id(), "nonce"), "azp", json!("web"))),
        (JWT, entra_id()),
        (None, okta_id()),
        (None, without(without(okta_id(), "nonce"), "at_hash")),
        (JWT, without(with(rfc9068_access(), "aud", json!("web")), "client_id")),
        (Some("dpop+jwt"), rfc9068_access()),
        (Some("tg-attest+jwt"), auth0_access()),
    ]);
    let mut tried = 0;
    for (typ, claims) in &tokens {
        for profile in Profile::OF_TOKENS {
            for audience in ["web", API, GUID, "account"] {
                assert!(ask(profile, audience, *typ, claims).is_err(), "{typ:?} {claims} under {profile:?}");
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 19 * 7 * 4);
}

#[test]
fn profiles_are_strict() {
    use Reject::*;
    let (k, o, e, q) = (keycloak_access, auth0_access, entra_access, okta_access);
    let cases: Vec<(Profile, Option<&str>, Value, Option<Reject>)> = vec![
        (Profile::Keycloak, JWT, without(k(), "aud"), Some(WrongAudience)),
        (Profile::Keycloak, JWT, without(k(), "typ"), Some(InvalidClaims)),
        (Profile::Keycloak, JWT, with(k(), "typ", json!(["Bearer"])), Some(InvalidClaims)),
        (Profile::Keycloak, JWT, with(k(), "typ", json!("bearer")), Some(WrongTokenUse)),
        (Profile::Keycloak, JWT, with(k(), "typ", json!("DPoP")), Some(WrongTokenUse)),
        (Profile::Keycloak, JWT, without(k(), "azp"), Some(InvalidClaims)),
        (Profile::Keycloak, JWT, without(k(), "sub"), Some(InvalidClaims)),
        (Profile::Keycloak, None, k(), Some(WrongType)),
        (Profile::Keycloak, Some("logout+jwt"), k(), Some(WrongType)),
        (Profile::Auth0, None, o(), Some(WrongType)),
        (Profile::Auth0, JWT, without(o(), "azp"), Some(InvalidClaims)),
        (Profile::Auth0, JWT, without(o(), "aud"), Some(InvalidClaims)),
        (Profile::Auth0, JWT, with(o(), "aud", json!(["account", "web"])), Some(WrongTokenUse)),
        (Profile::Auth0, JWT, with(o(), "at_hash", json!("x")), Some(WrongTokenUse)),
        (Profile::Auth0, JWT, with(o(), "scope", json!(["a"])), Some(InvalidClaims)),
        (Profile::Entra, JWT, without(without(e(), "scp"), "roles"), Some(InvalidClaims)),
        (Profile::Entra, JWT, with(without(e(), "roles"), "scp", json!("")), Some(InvalidClaims)),
        (Profile::Entra, JWT, with(e(), "roles", json!("staff")), Some(WrongAudience)),
        (Profile::Entra, Some("at+jwt"), e(), Some(WrongType)),
        (Profile::Okta, None, with(q(), "scp", json!("openid")), Some(InvalidClaims)),
        (Profile::Okta, None, with(q(), "scp", json!(["a b"])), Some(InvalidClaims)),
        (Profile::Okta, Some("application/okta-internal-at+jwt"), q(), Some(WrongType)),
        (Profile::Okta, None, with(q(), "cid", json!("")), Some(InvalidClaims)),
    ];
    for (profile, typ, claims, expected) in cases {
        let audience = if profile == Profile::Keycloak { "account" } else { "nobody" };
        assert_eq!(ask(profile, audience, typ, &claims).err(), expected, "{profile:?} {claims}");
    }
}

#[test]
fn audiences_are_demanded_where_nothing_else_tells_apis_apart() {
    for (profile, typ, claims, without_audiences) in [
        (Profile::Keycloak, JWT, keycloak_access(), None),
        (Profile::Keycloak, JWT, without(keycloak_access(), "aud"), None),
        (Profile::Auth0, JWT, auth0_access(), Some(Reject::WrongAudience)),
        (Profile::Entra, JWT, entra_access(), Some(Reject::WrongAudience)),
        (Profile::Okta, None, okta_access(), Some(Reject::WrongAudience)),
    ] {
        let open = Policy { audiences: Box::default(), ..asks(profile, "") };
        assert_eq!(verify(&typed(typ, &claims), &keys_of(&a()), &open, NOW).err(), without_audiences, "{profile:?}");
        assert_eq!(ask(profile, "another", typ, &claims).err(), Some(Reject::WrongAudience), "{profile:?}");
    }
}

#[test]
fn groups_may_come_from_other_claims() {
    let boxed = |paths: &[&str]| paths.iter().map(|path| Box::from(*path)).collect::<Vec<Box<str>>>();
    let keycloak = || ask(Profile::Keycloak, "account", JWT, &keycloak_access()).unwrap();
    let auth0 = || ask(Profile::Auth0, API, JWT, &auth0_access()).unwrap();
    for (verified, paths, groups) in [
        (keycloak(), &["resource_access.account.roles"][..], &["view-profile"][..]),
        (keycloak(), &["resource_access.orders.api.roles", "groups"], &["clerk", "/eu", "staff"]),
        (keycloak(), &["groups", "realm_access.roles"], &["/eu", "staff", "default-roles-corp"]),
        (keycloak(), &["realm_access", "typ", "sub", "nowhere", "realm_access.", ".roles", "."], &[]),
        (keycloak(), &[], &[]),
        (auth0(), &["https://example.com/roles"], &["staff"]),
    ] {
        assert_eq!(texts(&verified.with_groups_at(&boxed(paths)).groups), groups, "{paths:?}");
    }
}

fn id_token() -> Value {
    json!({
        "iss": ISS, "sub": "ada", "aud": "web", "exp": NOW.seconds() + 600, "iat": NOW.seconds(), "nonce": "n", "at_hash": "h", "sid": "s",
        "email": "ada@example.com", "groups": ["staff"],
    })
}

fn ask_id(typ: Option<&str>, claims: &Value) -> Result<Verified, Reject> {
    let policy = Policy { token_use: TokenUse::Id, ..asks(Profile::OpenId, "web") };
    verify(&typed(typ, claims), &keys_of(&a()), &policy, NOW)
}

/// OpenID Connect Core §2, §3.1.3.7: who it is for, and that it is an ID token and nothing else.
#[test]
fn id_tokens_of_any_provider_pass_under_their_own_profile_and_nothing_else_does() {
    for typ in [None, JWT] {
        let verified = ask_id(typ, &id_token()).unwrap();
        assert_eq!((&*verified.client_id, verified.token_use, &*verified.scope), ("web", TokenUse::Id, ""));
        assert_eq!(texts(&verified.groups), ["staff"]);
    }
    let kinds = with(with(id_token(), "typ", json!("ID")), "token_use", json!("id"));
    assert!(ask_id(JWT, &kinds).is_ok());
    let several = with(id_token(), "aud", json!(["web", "api"]));
    assert_eq!(&*ask_id(JWT, &with(several.clone(), "azp", json!("web"))).unwrap().client_id, "web");
    for (claims, reject) in [
        (several, Reject::InvalidClaims),
        (without(id_token(), "aud"), Reject::InvalidClaims),
        (with(id_token(), "azp", json!("")), Reject::InvalidClaims),
        (with(id_token(), "azp", json!(7)), Reject::InvalidClaims),
        (with(id_token(), "aud", json!("other")), Reject::WrongAudience),
        (with(id_token(), "scope", json!("openid")), Reject::WrongTokenUse),
        (with(id_token(), "scp", json!(["openid"])), Reject::WrongTokenUse),
        (with(id_token(), "cid", json!("web")), Reject::WrongTokenUse),
        (with(id_token(), "typ", json!("Bearer")), Reject::WrongTokenUse),
        (with(id_token(), "token_use", json!("access")), Reject::WrongTokenUse),
        (without(id_token(), "sub"), Reject::InvalidClaims),
        (without(id_token(), "exp"), Reject::InvalidClaims),
    ] {
        assert_eq!(ask_id(JWT, &claims).map(|_| ()), Err(reject), "{claims}");
    }
    assert_eq!(ask_id(Some("at+jwt"), &id_token()).map(|_| ()), Err(Reject::WrongType));
}
