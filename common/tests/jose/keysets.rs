//! T13: poisoned key sets are refused whole, with a reason that names the key.

use common::jose::{Alg, InvalidPublicKey, JwkError, Jwks, JwksError, KeySet, MAX_KEYS, base64url_encode};
use serde_json::{Value, json};

use crate::support::*;

fn rsa_jwk() -> Value {
    serde_json::from_str(&rsa_a(Alg::RS256).public_jwk().to_json()).unwrap()
}

fn ec_jwk() -> Value {
    serde_json::from_str(&signing_key(Alg::ES256).public_jwk().to_json()).unwrap()
}

fn ed_jwk() -> Value {
    serde_json::from_str(&signing_key(Alg::EdDSA).public_jwk().to_json()).unwrap()
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

#[test]
fn one_bad_key_refuses_the_set() {
    use JwkError::*;
    let modulus = |bytes: Vec<u8>| json!(base64url_encode(bytes));
    let odd = |len: usize| [vec![0x81], vec![0x55; len - 2], vec![0x01]].concat();
    let cases: Vec<(Value, JwkError)> = vec![
        (with(rsa_jwk(), "d", json!("AQAB")), Private),
        (with(rsa_jwk(), "p", json!("AQAB")), Private),
        (with(ec_jwk(), "d", json!("AQAB")), Private),
        (with(ed_jwk(), "d", json!("AQAB")), Private),
        (with(rsa_jwk(), "oth", json!([])), Private),
        (with(rsa_jwk(), "k", json!("AQAB")), Symmetric),
        (json!({"kty": "oct", "kid": "s", "alg": "HS256", "k": "AQAB"}), Symmetric),
        (json!({"kty": "oct", "kid": "s"}), Symmetric),
        (with(rsa_jwk(), "use", json!("enc")), Use),
        (with(rsa_jwk(), "use", json!("")), Use),
        (with(rsa_jwk(), "use", json!(1)), Shape),
        (with(rsa_jwk(), "key_ops", json!(["verify", "encrypt"])), Use),
        (with(rsa_jwk(), "key_ops", json!(["sign"])), Use),
        (with(rsa_jwk(), "key_ops", json!([])), Use),
        (with(rsa_jwk(), "alg", json!("ES256")), Mismatch),
        (with(rsa_jwk(), "alg", json!("HS256")), Algorithm),
        (with(rsa_jwk(), "alg", json!("none")), Algorithm),
        (with(ec_jwk(), "alg", json!("ES384")), Mismatch),
        (with(ec_jwk(), "alg", json!("RS256")), Mismatch),
        (with(ec_jwk(), "alg", json!("EdDSA")), Mismatch),
        (with(ed_jwk(), "crv", json!("X25519")), Curve),
        (with(ec_jwk(), "crv", json!("secp256k1")), Curve),
        (with(ec_jwk(), "crv", json!("P-384")), Member),
        (with(ec_jwk(), "y", ec_jwk()["y"].clone()), Key(InvalidPublicKey::Point)),
        (with(ed_jwk(), "x", json!("AQAB")), Key(InvalidPublicKey::Point)),
        (with(rsa_jwk(), "kty", json!("EC")), Curve),
        (with(rsa_jwk(), "kty", json!("XYZ")), KeyType),
        (without(rsa_jwk(), "kty"), Member),
        (without(rsa_jwk(), "n"), Member),
        (with(rsa_jwk(), "n", json!("AQ==")), Member),
        (with(rsa_jwk(), "n", modulus(odd(128))), Key(InvalidPublicKey::Modulus)),
        (with(rsa_jwk(), "n", modulus(odd(255))), Key(InvalidPublicKey::Modulus)),
        (with(rsa_jwk(), "n", modulus(odd(1025))), Key(InvalidPublicKey::Modulus)),
        (with(rsa_jwk(), "n", modulus([vec![0], odd(256)].concat())), Key(InvalidPublicKey::Modulus)),
        (with(rsa_jwk(), "n", modulus([vec![0x81; 255], vec![2]].concat())), Key(InvalidPublicKey::Modulus)),
        (with(rsa_jwk(), "n", json!("")), Key(InvalidPublicKey::Modulus)),
        (with(rsa_jwk(), "e", json!("AQ")), Key(InvalidPublicKey::Exponent)),
        (with(rsa_jwk(), "e", json!("AQAC")), Key(InvalidPublicKey::Exponent)),
        (with(rsa_jwk(), "e", json!("")), Key(InvalidPublicKey::Exponent)),
        (with(rsa_jwk(), "e", json!("AAEAAQ")), Key(InvalidPublicKey::Exponent)),
        (with(rsa_jwk(), "e", json!("AQAAAAE")), Key(InvalidPublicKey::Exponent)),
        (with(rsa_jwk(), "kid", json!("")), KeyId),
        (with(rsa_jwk(), "kid", json!("k".repeat(257))), KeyId),
        (with(rsa_jwk(), "kid", json!(null)), Shape),
        (json!("key"), Shape),
        (json!(null), Shape),
    ];
    for (bad, reason) in cases {
        let text = set(&[ed_jwk(), bad.clone()]);
        assert_eq!(Jwks::parse(&text), Err(JwksError::Key { index: 1, reason }), "{bad}");
        let foreign = Jwks::parse_foreign(&text);
        match reason {
            Use | Curve | KeyType | Algorithm => assert_eq!(foreign.unwrap().keys().len(), 1, "{bad}"),
            _ => assert_eq!(foreign, Err(JwksError::Key { index: 1, reason }), "{bad}"),
        }
    }
}

#[test]
fn sets_are_bounded_and_names_unique() {
    let numbered = |n: usize| {
        let key = ed_jwk();
        set(&(0..n).map(|i| with(key.clone(), "kid", json!(format!("k{i}")))).collect::<Vec<_>>())
    };
    assert_eq!(Jwks::parse(&numbered(MAX_KEYS)).unwrap().keys().len(), MAX_KEYS);
    assert_eq!(Jwks::parse(&numbered(MAX_KEYS + 1)), Err(JwksError::TooManyKeys));
    let twice = set(&[with(ed_jwk(), "kid", json!("same")), with(rsa_jwk(), "kid", json!("same"))]);
    assert_eq!(Jwks::parse(&twice), Err(JwksError::DuplicateKid { kid: "same".into() }));
    assert_eq!(Jwks::parse_foreign(&twice), Err(JwksError::DuplicateKid { kid: "same".into() }));
    let long = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(256 * 1024));
    assert_eq!(Jwks::parse(&long), Err(JwksError::TooLong));
    for shape in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, r#"{"keys":[],"keys":[]}"#, "{\"keys\":[]}x"] {
        assert_eq!(Jwks::parse(shape), Err(JwksError::Shape), "{shape}");
    }
    assert_eq!(Jwks::parse(r#"{"keys":[]}"#).unwrap(), Jwks::default());
}

#[test]
fn a_key_without_a_name_goes_by_its_thumbprint() {
    let jwks = Jwks::parse(&set(&[without(rsa_jwk(), "kid")])).unwrap();
    assert_eq!(jwks.keys()[0].kid(), rsa_a(Alg::RS256).kid());
}

#[test]
fn keys_without_alg_are_pinned_by_configuration() {
    let bare = || Jwks::parse(&set(&[without(rsa_jwk(), "alg"), without(ec_jwk(), "alg")])).unwrap();
    let algs = |keys: KeySet| {
        bare().keys().iter().filter_map(|jwk| keys.key(Some(jwk.kid())).map(|key| key.alg())).collect::<Vec<_>>()
    };
    assert!(algs(KeySet::new(ISS, bare()).unwrap()).contains(&Alg::RS256));
    assert!(algs(KeySet::with_rsa_alg(ISS, bare(), Alg::PS256).unwrap()).contains(&Alg::PS256));
    assert_eq!(KeySet::with_rsa_alg(ISS, bare(), Alg::ES256).err(), Some(JwkError::Mismatch));
}

#[test]
fn an_empty_set_verifies_nothing() {
    let keys = KeySet::new(ISS, Jwks::default()).unwrap();
    assert!(keys.is_empty() && keys.key(None).is_none() && keys.key(Some("")).is_none());
}
