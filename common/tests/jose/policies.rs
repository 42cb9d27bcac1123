//! Profiles, times and route policies as tables.

use std::time::Duration;

use common::claims::TokenUse;
use common::clock::UnixMillis;
use common::jose::{Alg, Jwks, KeySet, SigningKey, Thumbprint, base64url_encode};
use common::reject::Reject;
use common::verify::{
    ClaimPath, Leeway, Policy, Possession, Profile, Unverified, authenticate, not_before, peek_issuer, verify,
};
use serde_json::{Value, json};

use crate::support::*;

/// The thumbprint of RFC 9449 §6.1.
const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

fn key() -> SigningKey {
    rsa_a(Alg::RS256)
}

fn id_claims() -> Value {
    let claims = without(without(without(access_claims(), "client_id"), "scope"), "username");
    let claims = with(with(claims, "token_use", json!("id")), "aud", json!("4kfu1abc"));
    with(with(claims, "cognito:username", json!("alice")), "email_verified", json!(true))
}

fn rfc9068_claims() -> Value {
    with(without(access_claims(), "token_use"), "aud", json!(["https://api.example", "other"]))
}

fn rfc9068_token(claims: &Value) -> String {
    let key = key();
    let header = jsonwebtoken::Header { typ: Some("at+jwt".into()), ..key.header() };
    key.sign_compact(&header, claims).unwrap()
}

fn boxed(items: &[&str]) -> Box<[Box<str>]> {
    items.iter().map(|item| (*item).into()).collect()
}

#[test]
fn times_with_and_without_leeway() {
    let key = key();
    let at = |exp: u64, nbf: u64, iat: u64| {
        let claims = with(with(access_claims(), "exp", json!(exp)), "nbf", json!(nbf));
        token(&key, &with(claims, "iat", json!(iat)))
    };
    let minute = Leeway::MAX;
    for (text, leeway, expected) in [
        (at(NOW_S + 1, NOW_S, NOW_S), Leeway::NONE, None),
        (at(NOW_S, NOW_S, NOW_S), Leeway::NONE, Some(Reject::Expired)),
        (at(NOW_S - 59, NOW_S - 100, NOW_S - 100), minute, None),
        (at(NOW_S - 60, NOW_S - 100, NOW_S - 100), minute, Some(Reject::Expired)),
        (at(NOW_S + 9, NOW_S + 1, NOW_S), Leeway::NONE, Some(Reject::NotYetValid)),
        (at(NOW_S + 99, NOW_S + 60, NOW_S), minute, None),
        (at(NOW_S + 99, NOW_S + 61, NOW_S), minute, Some(Reject::NotYetValid)),
        (at(NOW_S + 9, NOW_S, NOW_S + 1), Leeway::NONE, Some(Reject::IssuedInFuture)),
        (at(NOW_S + 99, NOW_S, NOW_S + 60), minute, None),
        (at(NOW_S + 99, NOW_S, NOW_S + 61), minute, Some(Reject::IssuedInFuture)),
    ] {
        let outcome = authenticate(&text, &keys_of(&key), Profile::Cognito, leeway, NOW);
        assert_eq!(outcome.as_ref().err(), expected.as_ref());
    }
    assert!(Leeway::new(Duration::from_secs(61)).is_none());
}

#[test]
fn fractions_of_seconds_count() {
    let key = key();
    let text = token(&key, &with(access_claims(), "exp", json!(NOW_S as f64 + 0.5)));
    let at = |now| verify(&text, &keys_of(&key), &policy(), now).err();
    assert_eq!(at(UnixMillis(NOW.0 + 499)), None);
    assert_eq!(at(UnixMillis(NOW.0 + 500)), Some(Reject::Expired));
}

#[test]
fn a_kept_verdict_dies_with_its_token() {
    let key = key();
    let text = token(&key, &access_claims());
    let verified = authenticate(&text, &keys_of(&key), Profile::Cognito, Leeway::MAX, NOW).unwrap();
    let end = UnixMillis::from_seconds(NOW_S + 3600 + 60);
    assert_eq!(verified.dies_at(), end);
    assert_eq!(verified.still_valid(UnixMillis(end.0 - 1)), Ok(()));
    assert_eq!(verified.still_valid(end), Err(Reject::Expired));
}

#[test]
fn cognito_policies() {
    let base = policy;
    let key = key();
    let cases: Vec<(Value, Policy, Option<Reject>)> = vec![
        (access_claims(), base(), None),
        (access_claims(), Policy { clients: boxed(&["x", "4kfu1abc"]), ..base() }, None),
        (access_claims(), Policy { clients: boxed(&["4kfu1ab"]), ..base() }, Some(Reject::WrongClient)),
        (access_claims(), Policy { token_use: TokenUse::Id, ..base() }, Some(Reject::WrongTokenUse)),
        (id_claims(), base(), Some(Reject::WrongTokenUse)),
        (id_claims(), Policy { token_use: TokenUse::Id, ..base() }, None),
        (id_claims(), Policy { token_use: TokenUse::Id, clients: boxed(&["4kfu1abc"]), ..base() }, None),
        (id_claims(), Policy { token_use: TokenUse::Id, clients: boxed(&["y"]), ..base() }, Some(Reject::WrongClient)),
        (
            with(id_claims(), "aud", json!(["a", "b"])),
            Policy { token_use: TokenUse::Id, ..base() },
            Some(Reject::InvalidClaims),
        ),
        (with(access_claims(), "token_use", json!("refresh")), base(), Some(Reject::WrongTokenUse)),
        (with(access_claims(), "token_use", json!(null)), base(), Some(Reject::InvalidClaims)),
        (with(access_claims(), "iss", json!(format!("{ISS}/"))), base(), Some(Reject::WrongIssuer)),
        (with(access_claims(), "iss", json!([ISS])), base(), Some(Reject::InvalidClaims)),
        (with(access_claims(), "sub", json!("")), base(), Some(Reject::InvalidClaims)),
        (with(access_claims(), "scope", json!(["a"])), base(), Some(Reject::InvalidClaims)),
        (with(access_claims(), "cognito:groups", json!("staff")), base(), Some(Reject::InvalidClaims)),
        (with(access_claims(), "cognito:groups", json!([1])), base(), Some(Reject::InvalidClaims)),
        (with(access_claims(), "cnf", json!({"jkt": JKT})), base(), Some(Reject::ProofRequired)),
        (with(access_claims(), "cnf", json!({"x5t#S256": JKT})), base(), Some(Reject::CertificateMissing)),
        (with(access_claims(), "cnf", json!({"jkt": "x"})), base(), Some(Reject::InvalidClaims)),
        (with(access_claims(), "cnf", json!({"jwk": {}})), base(), Some(Reject::UnknownConfirmation)),
        (access_claims(), Policy { scopes_all: boxed(&["orders/read"]), ..base() }, None),
        (access_claims(), Policy { scopes_all: boxed(&["orders/rea"]), ..base() }, Some(Reject::InsufficientScope)),
        (
            access_claims(),
            Policy { scopes_all: boxed(&["orders/read", "orders/write"]), ..base() },
            Some(Reject::InsufficientScope),
        ),
        (access_claims(), Policy { groups_any: boxed(&["admins", "eu"]), ..base() }, None),
        (access_claims(), Policy { groups_any: boxed(&["admins"]), ..base() }, Some(Reject::GroupNotHeld)),
        (
            without(access_claims(), "cognito:groups"),
            Policy { groups_any: boxed(&["eu"]), ..base() },
            Some(Reject::GroupNotHeld),
        ),
        (
            without(access_claims(), "scope"),
            Policy { scopes_all: boxed(&["orders/read"]), ..base() },
            Some(Reject::InsufficientScope),
        ),
        (access_claims(), Policy { audiences: boxed(&["api"]), ..base() }, Some(Reject::WrongAudience)),
        (with(access_claims(), "aud", json!("payments")), base(), Some(Reject::WrongAudience)),
        (with(access_claims(), "aud", json!([])), base(), None),
        (with(access_claims(), "aud", json!("payments")), Policy { for_anyone: true, ..base() }, None),
        (with(access_claims(), "aud", json!("api")), Policy { audiences: boxed(&["api"]), ..base() }, None),
    ];
    for (claims, policy, expected) in cases {
        let outcome = verify(&token(&key, &claims), &keys_of(&key), &policy, NOW);
        assert_eq!(outcome.err(), expected, "{claims} {policy:?}");
    }
}

#[test]
fn rfc9068_policies() {
    let key = key();
    let api = || Policy { leeway: Leeway::NONE, ..Policy::rfc9068(ISS, "https://api.example") };
    let cases: Vec<(String, Policy, Option<Reject>)> = vec![
        (rfc9068_token(&rfc9068_claims()), api(), None),
        (rfc9068_token(&with(rfc9068_claims(), "aud", json!("https://api.example"))), api(), None),
        (
            rfc9068_token(&with(rfc9068_claims(), "aud", json!("https://api.example/"))),
            api(),
            Some(Reject::WrongAudience),
        ),
        (rfc9068_token(&with(rfc9068_claims(), "aud", json!([]))), api(), Some(Reject::InvalidClaims)),
        (rfc9068_token(&with(rfc9068_claims(), "aud", json!([1]))), api(), Some(Reject::InvalidClaims)),
        (rfc9068_token(&without(rfc9068_claims(), "aud")), api(), Some(Reject::InvalidClaims)),
        (rfc9068_token(&without(rfc9068_claims(), "jti")), api(), Some(Reject::InvalidClaims)),
        (rfc9068_token(&without(rfc9068_claims(), "client_id")), api(), Some(Reject::InvalidClaims)),
        (rfc9068_token(&rfc9068_claims()), Policy { audiences: Box::default(), ..api() }, Some(Reject::WrongAudience)),
        (rfc9068_token(&rfc9068_claims()), Policy { clients: boxed(&["z"]), ..api() }, Some(Reject::WrongClient)),
        (
            rfc9068_token(&with(rfc9068_claims(), "groups", json!(["ops"]))),
            Policy { groups_any: boxed(&["ops"]), ..api() },
            None,
        ),
        (
            rfc9068_token(&with(rfc9068_claims(), "groups", json!([{"value": "ops"}]))),
            Policy { groups_any: boxed(&["ops"]), ..api() },
            Some(Reject::GroupNotHeld),
        ),
        (
            rfc9068_token(&rfc9068_claims()),
            Policy { groups_any: boxed(&["staff"]), ..api() },
            Some(Reject::GroupNotHeld),
        ),
        // Each profile refuses the other's tokens.
        (token(&key, &rfc9068_claims()), api(), Some(Reject::WrongType)),
        (token(&key, &id_claims()), api(), Some(Reject::WrongType)),
        (rfc9068_token(&rfc9068_claims()), policy(), Some(Reject::InvalidClaims)),
        // A pool's client may have its access tokens typed so; never its ID tokens.
        (rfc9068_token(&access_claims()), policy(), None),
        (rfc9068_token(&with(access_claims(), "aud", json!(ISS))), policy(), None),
        (rfc9068_token(&with(access_claims(), "aud", json!("https://other"))), policy(), Some(Reject::WrongAudience)),
        (rfc9068_token(&with(access_claims(), "aud", json!([ISS, "x"]))), policy(), Some(Reject::WrongAudience)),
        (rfc9068_token(&id_claims()), Policy { token_use: TokenUse::Id, ..policy() }, Some(Reject::WrongType)),
    ];
    for (text, policy, expected) in cases {
        assert_eq!(verify(&text, &keys_of(&key), &policy, NOW).err(), expected, "{policy:?}");
    }
}

#[test]
fn header_types() {
    let key = key();
    let outcome = |typ: &str, claims: &Value, policy: &Policy| {
        let header = jsonwebtoken::Header { typ: Some(typ.into()), ..key.header() };
        verify(&key.sign_compact(&header, claims).unwrap(), &keys_of(&key), policy, NOW).err()
    };
    let api = Policy::rfc9068(ISS, "other");
    for (typ, cognito, rfc9068) in [
        ("JWT", None, Some(Reject::WrongType)),
        ("jwt", None, Some(Reject::WrongType)),
        ("at+jwt", None, None),
        ("AT+JWT", None, None),
        ("application/at+jwt", None, None),
        ("tg-attest+jwt", Some(Reject::WrongType), Some(Reject::WrongType)),
        ("dpop+jwt", Some(Reject::WrongType), Some(Reject::WrongType)),
        ("", Some(Reject::WrongType), Some(Reject::WrongType)),
    ] {
        assert_eq!(outcome(typ, &access_claims(), &policy()), cognito, "{typ}");
        assert_eq!(outcome(typ, &rfc9068_claims(), &api), rfc9068, "{typ}");
    }
}

/// T42: the tokens of several issuers against the keys of each. Only the diagonal passes, also where two issuers published
/// the same key.
#[test]
fn a_key_belongs_to_one_issuer() {
    let signers = [rsa_a(Alg::RS256), rsa_b(Alg::RS256), signing_key(Alg::ES256), rsa_a(Alg::RS256)];
    let issuers = ["https://a.example", "https://b.example", "https://c.example", "https://d.example"];
    for (i, signer) in signers.iter().enumerate() {
        let text = token(signer, &with(access_claims(), "iss", json!(issuers[i])));
        assert_eq!(peek_issuer(&text).unwrap().as_str(), issuers[i]);
        for (k, owner) in signers.iter().enumerate() {
            let jwks = Jwks::new(vec![owner.public_jwk().clone()]).unwrap();
            let keys = KeySet::new(issuers[k], jwks).unwrap();
            let outcome = verify(&text, &keys, &Policy::cognito(issuers[k], TokenUse::Access), NOW);
            assert_eq!(outcome.is_ok(), i == k, "{i} {k}");
        }
    }
}

#[test]
fn a_policy_for_another_issuer_or_profile_admits_nothing() {
    let key = key();
    let verified = check(&key, &token(&key, &access_claims())).unwrap();
    let elsewhere = Policy::cognito("https://other.example", TokenUse::Access);
    let held = verified.held_by(&Possession::NONE).unwrap();
    assert_eq!(elsewhere.admit(&verified, &held), Err(Reject::WrongIssuer));
    assert_eq!(Policy { profile: Profile::Rfc9068, ..policy() }.admit(&verified, &held), Err(Reject::WrongIssuer));
}

/// E09: whoever asks for no possession gets no bound token past; whoever shows it does.
#[test]
fn a_bound_token_is_for_who_holds_its_key() {
    let key = key();
    let text = token(&key, &with(access_claims(), "cnf", json!({"jkt": JKT})));
    assert_eq!(check(&key, &text).err(), Some(Reject::ProofRequired));
    let policy = policy();
    let verified = authenticate(&text, &keys_of(&key), policy.profile, policy.leeway, NOW).unwrap();
    let shown = |text: &str| Possession { key: Thumbprint::parse(text), certificate: None };
    assert_eq!(verified.held_by(&shown(&base64url_encode([0; 32]))), Err(Reject::WrongProofKey));
    let held = verified.held_by(&shown(JKT)).unwrap();
    assert_eq!(policy.admit(&verified, &held), Ok(()));
}

#[test]
fn an_unverified_token_gives_away_only_names() {
    let key = key();
    let text = token(&key, &access_claims());
    let unverified = Unverified::parse(&text).unwrap();
    assert_eq!(unverified.issuer().unwrap().as_str(), ISS);
    assert_eq!(unverified.kid(), Some(key.kid()));
    assert_eq!(peek_issuer("a.b"), Err(Reject::Malformed));
    assert_eq!(peek_issuer(&token(&key, &without(access_claims(), "iss"))), Err(Reject::InvalidClaims));
}

#[test]
fn claim_texts_cannot_break_out_of_a_header() {
    let key = key();
    let claims = with(with(access_claims(), "a", json!("x\r\nx-admin: 1")), "b", json!(["ok", "a\u{7f}"]));
    let verified = check(&key, &token(&key, &with(claims, "c", json!("né")))).unwrap();
    assert_eq!(verified.claim_text("a"), None);
    assert_eq!(verified.claim_text("b"), None);
    assert_eq!(verified.claim_text("c").unwrap(), "né");
    let grouped = |groups: Value| {
        let text = token(&key, &with(access_claims(), "cognito:groups", groups));
        check(&key, &text).unwrap().claim_text("cognito:groups").map(String::from)
    };
    assert_eq!(grouped(json!(["a", "b"])).as_deref(), Some("a,b"));
    assert_eq!(grouped(json!(["a,admin,b"])), None);
    assert_eq!(grouped(json!([])).as_deref(), Some(""));
}

#[test]
fn claim_texts_come_from_any_depth() {
    let key = key();
    let access = json!({"roles": ["a", "b"], "mixed": ["a", 1], "split": ["a,b"], "name": "x\u{7f}", "level": 3, "none": null, "text": "né"});
    let claims = with(with(access_claims(), "access", access), "none", json!(null));
    let verified = check(&key, &token(&key, &claims)).unwrap();
    let text = |path: &str| verified.claim_text_at(&ClaimPath::parse(path).unwrap()).map(String::from);
    for (path, expected) in [
        ("/access/roles", Some("a,b")),
        ("/access/roles/1", Some("b")),
        ("/access/mixed", Some("[\"a\",1]")),
        ("/access/level", Some("3")),
        ("/access/text", Some("né")),
        ("/access/split", None),
        ("/access/name", None),
        ("/access/none", None),
        ("/access/absent", None),
        ("/absent/x", None),
        ("access.roles", None),
        ("none", None),
        ("/none", None),
        ("client_id", Some("4kfu1abc")),
        ("/client_id", Some("4kfu1abc")),
        ("/client_id/x", None),
    ] {
        assert_eq!(text(path).as_deref(), expected, "{path}");
    }
}

#[test]
fn a_claim_to_count_by_has_whatever_characters_it_has() {
    let key = key();
    let org = json!({"id": "a,b\r\n", "plan": [1, "x,y"], "none": null});
    let claims = with(with(access_claims(), "org", org), "name", json!("x\u{7f}\u{e9}"));
    let verified = check(&key, &token(&key, &with(with(claims, "list", json!(["a,b"])), "none", json!(null)))).unwrap();
    let counted = |path: &str| verified.claim_key(&ClaimPath::parse(path).unwrap()).map(String::from);
    for (path, expected) in [
        ("sub", Some(&*verified.sub)),
        ("iss", Some(&*verified.iss)),
        ("name", Some("x\u{7f}\u{e9}")),
        ("list", Some("[\"a,b\"]")),
        ("exp", Some(&*verified.exp.seconds().to_string())),
        ("/org/id", Some("a,b\r\n")),
        ("/org/plan", Some("[1,\"x,y\"]")),
        ("/org/none", None),
        ("/org/id/x", None),
        ("none", None),
        ("absent", None),
        ("/absent/x", None),
    ] {
        assert_eq!(counted(path).as_deref(), expected, "{path}");
    }
}

#[test]
fn a_sign_out_divides_one_second() {
    let key = key();
    let minted = |jti: &str| check(&key, &token(&key, &with(access_claims(), "jti", json!(jti)))).unwrap();
    let at_1000 = "00000000-03e8-7abc-8def-0123456789ab";
    let at_1001 = "00000000-03e9-7abc-8def-0123456789ab";
    let v4 = "00000000-03e9-4abc-8def-0123456789ab";
    assert!(!not_before::outlives(&minted(at_1000), UnixMillis(1000)));
    assert!(not_before::outlives(&minted(at_1001), UnixMillis(1000)));
    // Without a mint time whole seconds decide, for the sign-out.
    let issued = minted(v4);
    assert_eq!(issued.mint, None);
    assert!(!not_before::outlives(&issued, UnixMillis(NOW.0 + 999)));
    assert!(!not_before::outlives(&issued, NOW));
    assert!(not_before::outlives(&issued, UnixMillis(NOW.0 - 1)));
}

#[test]
fn mint_times() {
    let made = uuid::Uuid::now_v7();
    let (seconds, nanos) = made.get_timestamp().unwrap().to_unix();
    assert_eq!(
        not_before::mint_time(&made.to_string()),
        Some(UnixMillis(seconds * 1000 + u64::from(nanos) / 1_000_000))
    );
    for odd in [
        "",
        "01a31b9f-5000-7abc-8def-0123456789a",
        "01a31b9f-5000-6abc-8def-0123456789ab",
        "01a31b9f-5000-7abc-cdef-0123456789ab",
        "01A31B9F-5000-7ABC-8DEF-0123456789AB",
        "01a31b9f5-000-7abc-8def-0123456789ab",
        "+1a31b9f-5000-7abc-8def-0123456789ab",
    ] {
        assert_eq!(not_before::mint_time(odd), None, "{odd}");
    }
}
