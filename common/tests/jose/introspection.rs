//! Answers of introspection endpoints (RFC 7662), of several servers' make.

use std::time::Duration;

use common::jose::Thumbprint;
use common::reject::Reject;
use common::verify::{
    Introspected, IntrospectionTerms, Leeway, Policy, Possession, Profile, UnreadableAnswer, Verified, is_opaque_token,
    looks_like_jws,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::*;

fn terms() -> IntrospectionTerms {
    IntrospectionTerms { iss: ISS.into(), leeway: Leeway::NONE, without_exp: Duration::from_secs(30) }
}

/// RFC 7662 §2.2's own example, of this issuer and time.
fn answer() -> Value {
    json!({
        "active": true, "client_id": "web", "username": "ada", "scope": "orders/read dolphin", "sub": "Z5O3upPC88QrAjx00dis",
        "aud": "https://api.example", "iss": ISS, "exp": NOW_S + 600, "iat": NOW_S - 10, "extension_field": "twenty-seven",
    })
}

fn verified(answer: &Value) -> Result<Verified, Reject> {
    match terms().read(&answer.to_string(), NOW).unwrap() {
        Introspected::Active(verified) => Ok(*verified),
        Introspected::Refused(reject) => Err(reject),
        Introspected::Inactive => panic!("inactive"),
    }
}

#[test]
fn an_active_token_is_like_a_verified_one() {
    let token = verified(&answer()).unwrap();
    assert_eq!((&*token.iss, &*token.sub, &*token.client_id), (ISS, "Z5O3upPC88QrAjx00dis", "web"));
    assert!(token.has_scope("orders/read"));
    assert_eq!(token.claim_text("extension_field").unwrap(), "twenty-seven");
    assert_eq!(token.claim_text("iss").unwrap(), &*token.iss);
    assert_eq!(token.exp.seconds(), NOW_S + 600);
    let held = token.held_by(&Possession::NONE).unwrap();
    let policy = |audience: &str| Policy { profile: Profile::Introspected, ..Policy::rfc9068(ISS, audience) };
    assert_eq!(policy("https://api.example").admit(&token, &held), Ok(()));
    assert_eq!(policy("https://other.example").admit(&token, &held), Err(Reject::WrongAudience));
    assert_eq!(Policy { audiences: Box::default(), ..policy("") }.admit(&token, &held), Ok(()));
    assert_eq!(
        Policy::rfc9068(ISS, "https://api.example").admit(&token, &held),
        Err(Reject::WrongIssuer),
        "another profile"
    );
}

/// RFC 9449 §6.2, RFC 8705 §3.2.
#[test]
fn a_bound_token_is_bound_here_too() {
    let key = Thumbprint::of(b"a key");
    let bound = with(with(answer(), "cnf", json!({"jkt": key.to_string()})), "token_type", json!("DPoP"));
    let token = verified(&bound).unwrap();
    assert_eq!(token.held_by(&Possession::NONE), Err(Reject::ProofRequired));
    assert!(token.held_by(&Possession { key: Some(key), certificate: None }).is_ok());
}

#[test]
fn servers_differ() {
    let keycloak = with(with(answer(), "typ", json!("Bearer")), "token_type", json!("Bearer"));
    let keycloak = with(with(keycloak, "azp", json!("web")), "realm_access", json!({"roles": ["staff"]}));
    assert_eq!(&*verified(&keycloak).unwrap().with_groups_at(&["realm_access.roles".into()]).groups, ["staff".into()]);
    let hydra = with(with(answer(), "token_type", json!("Bearer")), "token_use", json!("access_token"));
    assert!(verified(&with(hydra, "ext", json!({}))).is_ok());
    let least = json!({"active": true, "sub": "ada"});
    let token = verified(&least).unwrap();
    assert_eq!((token.exp, token.iat.seconds(), &*token.client_id), (NOW.plus(Duration::from_secs(30)), 0, ""));
}

#[test]
fn what_is_active_and_no_access_token_of_this_issuer_is_refused() {
    let cases = [
        (without(answer(), "sub"), Reject::InvalidClaims),
        (with(answer(), "sub", json!("")), Reject::InvalidClaims),
        (with(answer(), "sub", json!(7)), Reject::InvalidClaims),
        (with(answer(), "iss", json!(format!("{ISS}/"))), Reject::WrongIssuer),
        (with(answer(), "iss", json!(null)), Reject::InvalidClaims),
        (with(answer(), "exp", json!(NOW_S)), Reject::Expired),
        (with(answer(), "exp", json!("4000000000")), Reject::InvalidClaims),
        (with(answer(), "nbf", json!(NOW_S + 5)), Reject::NotYetValid),
        (with(answer(), "iat", json!(NOW_S + 5)), Reject::IssuedInFuture),
        (with(answer(), "aud", json!({"a": 1})), Reject::InvalidClaims),
        (with(answer(), "scope", json!(["a"])), Reject::InvalidClaims),
        (with(answer(), "client_id", json!(["web"])), Reject::InvalidClaims),
        (with(answer(), "token_type", json!("refresh_token")), Reject::WrongTokenUse),
        (with(answer(), "token_type", json!("N_A")), Reject::WrongTokenUse),
        (with(answer(), "token_use", json!("refresh_token")), Reject::WrongTokenUse),
        (with(answer(), "typ", json!("Refresh")), Reject::WrongTokenUse),
        (with(answer(), "typ", json!("ID")), Reject::WrongTokenUse),
        (with(answer(), "cnf", json!({"jkt": "x"})), Reject::InvalidClaims),
        (with(answer(), "cnf", json!({"kid": "x"})), Reject::UnknownConfirmation),
    ];
    for (answer, reject) in cases {
        assert_eq!(verified(&answer).err(), Some(reject), "{answer}");
    }
}

#[test]
fn inactive_is_inactive_whatever_else_it_says() {
    for answer in
        [json!({"active": false}), with(answer(), "active", json!(false)), json!({"active": false, "exp": "x"})]
    {
        assert!(matches!(terms().read(&answer.to_string(), NOW), Ok(Introspected::Inactive)), "{answer}");
    }
}

#[test]
fn an_answer_that_is_none_says_nothing() {
    let texts = [
        String::new(),
        "true".into(),
        "[]".into(),
        "{}".into(),
        "<html>".into(),
        r#"{"active":"true"}"#.into(),
        r#"{"active":1}"#.into(),
        r#"{"active":null}"#.into(),
        r#"{"active":true,"active":false}"#.into(),
        r#"{"active":false,"\u0061ctive":true}"#.into(),
        format!("{}x", answer()),
    ];
    for text in texts {
        assert_eq!(terms().read(&text, NOW).map(|_| ()).err(), Some(UnreadableAnswer), "{text}");
    }
}

#[test]
fn tokens_that_may_be_asked_about() {
    let long = "x".repeat(8 * 1024);
    for good in ["mF_9.B5f-4.1JqM", "2YotnFZFEjr1zCsicMWpAA", "a+b/c~d==", "v4.public.eyJzdWIi", &long] {
        assert!(is_opaque_token(good), "{good}");
    }
    let longer = format!("{long}x");
    for bad in ["", "=", "a b", "a=b", "a&token_type_hint=x", "é", "a\n", "a%20", &longer] {
        assert!(!is_opaque_token(bad), "{bad}");
    }
    let key = rsa_a(common::jose::Alg::RS256);
    assert!(looks_like_jws(&token(&key, &access_claims())));
    for jws in ["eyJhbGciOiJub25lIn0.e30.", "ew.e30.x", "e30.e30.x"] {
        assert!(looks_like_jws(jws), "{jws}");
    }
    for other in
        ["", "e", "ey", "eyJ.x", "eyJ.x.y.z.w", "v4.public.eyJzdWIi", "mF_9.B5f-4.1JqM", "abc.def.ghi", "eA.b.c"]
    {
        assert!(!looks_like_jws(other), "{other}");
    }
}

proptest! {
    #[test]
    fn noise_makes_no_panic_and_is_not_active(text in "\\PC{0,80}", member in "[a-z_]{1,12}", value in "[0-9a-z\\[\\]{}\":,.-]{0,30}") {
        prop_assert!(!matches!(terms().read(&text, NOW), Ok(Introspected::Active(_))));
        let _ = terms().read(&format!("{{\"active\":true,\"sub\":\"a\",\"{member}\":{value}}}"), NOW);
        let _ = (is_opaque_token(&text), looks_like_jws(&text));
    }
}
