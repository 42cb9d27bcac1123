//! What we sign, we verify; what `jsonwebtoken` does with our provider is the same.

use common::claims::TokenUse;
use common::clock::UnixMillis;
use common::jose::{Alg, Jwk, Jwks, KeySet, SignError, SigningKey, provider};
use common::reject::Reject;
use common::verify::Unverified;
use jsonwebtoken::jwk::ThumbprintHash;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn every_algorithm_signs_and_verifies() {
    for alg in Alg::ALL {
        let key = signing_key(alg);
        let verified = check(&key, &token(&key, &access_claims())).unwrap();
        assert_eq!(&*verified.kid, key.kid(), "{alg}");
    }
}

#[test]
fn a_verified_token_says_what_was_signed() {
    let key = rsa_a(Alg::RS256);
    let verified = check(&key, &token(&key, &with(access_claims(), "custom", json!({"a": 1})))).unwrap();
    assert_eq!(&*verified.iss, ISS);
    assert_eq!(&*verified.sub, "0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f");
    assert_eq!(verified.token_use, TokenUse::Access);
    assert_eq!(&*verified.client_id, "4kfu1abc");
    assert!(verified.audience.is_empty());
    assert_eq!(verified.scopes().collect::<Vec<_>>(), ["aws.cognito.signin.user.admin", "orders/read"]);
    assert_eq!(*verified.groups, ["staff".into(), "eu".into()]);
    assert_eq!(verified.username.as_deref(), Some("alice"));
    assert_eq!(verified.mint, Some(UnixMillis(0x01a3_1b9f_5000)));
    assert_eq!(verified.exp, UnixMillis::from_seconds(NOW_S + 3600));
    assert_eq!(verified.auth_time, Some(UnixMillis::from_seconds(NOW_S - 10)));
    assert_eq!(verified.claim_text("cognito:groups").unwrap(), "staff,eu");
    assert_eq!(verified.claim_text("custom").unwrap(), r#"{"a":1}"#);
    assert_eq!(verified.claim_text("absent"), None);
}

#[test]
fn jsonwebtoken_agrees_through_the_provider() {
    provider::install();
    provider::install();
    for alg in Alg::ALL {
        let key = signing_key(alg);
        let text = token(&key, &access_claims());
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_str(&key.public_jwk().to_json()).unwrap();
        assert_eq!(jwk.thumbprint(ThumbprintHash::SHA256).unwrap(), key.kid(), "{alg}");
        let mut validation = Validation::new(alg.into());
        validation.validate_exp = false;
        let data = jsonwebtoken::decode::<Value>(&text, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).unwrap();
        assert_eq!(data.claims, access_claims(), "{alg}");
    }
}

#[test]
fn jsonwebtoken_signs_through_the_provider_what_we_verify() {
    provider::install();
    let pkcs8 = include_bytes!("../../vectors/keys/rsa-2048-a.pk8");
    let key = rsa_a(Alg::RS256);
    let encoding = jsonwebtoken::EncodingKey::from_rsa_der(pkcs8);
    let text = jsonwebtoken::encode(&key.header(), &access_claims(), &encoding).unwrap();
    assert!(check(&key, &text).is_ok());
    let from_private = jsonwebtoken::jwk::Jwk::from_encoding_key(&encoding, jsonwebtoken::Algorithm::RS256).unwrap();
    assert_eq!(from_private.thumbprint(ThumbprintHash::SHA256).unwrap(), key.kid());
    // Shared secrets stay out even where someone goes through the crate itself.
    let secret = jsonwebtoken::EncodingKey::from_secret(b"secret");
    assert!(jsonwebtoken::encode(&jsonwebtoken::Header::default(), &access_claims(), &secret).is_err());
}

#[test]
fn sets_round_trip_through_json_and_find_keys_by_name() {
    let made: Vec<SigningKey> = vec![rsa_a(Alg::RS256), signing_key(Alg::ES256), signing_key(Alg::EdDSA)];
    let jwks = Jwks::new(made.iter().map(|key| key.public_jwk().clone()).collect()).unwrap();
    assert_eq!(Jwks::parse(&jwks.to_json()).unwrap(), jwks);
    assert_eq!(Jwk::parse(&made[0].public_jwk().to_json()).unwrap(), *made[0].public_jwk());
    let keys = KeySet::new(ISS, jwks).unwrap();
    for key in &made {
        assert_eq!(keys.key(Some(key.kid())).unwrap().alg(), key.alg());
    }
    assert!(keys.key(None).is_none());
    assert!(keys.key(Some("other")).is_none());
}

#[test]
fn the_thumbprint_of_rfc_7638() {
    let text = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
    let jwk = Jwk::parse(text).unwrap();
    assert_eq!(jwk.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(jwk.kid(), "2011-04-29");
}

#[test]
fn another_key_of_the_same_name_does_not_verify() {
    let (a, b) = (rsa_a(Alg::RS256), rsa_b(Alg::RS256));
    let forged = b.sign_compact(&a.header(), &access_claims()).unwrap();
    assert_eq!(check(&a, &forged).unwrap_err(), Reject::BadSignature);
    assert_eq!(check(&a, &token(&b, &access_claims())).unwrap_err(), Reject::UnknownKey);
}

#[test]
fn a_key_signs_only_by_its_own_algorithm() {
    let key = rsa_a(Alg::RS256);
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::PS256);
    assert_eq!(key.sign_compact(&header, &access_claims()), Err(SignError::Algorithm));
    let secret = jsonwebtoken::Header::default();
    assert_eq!(key.sign_compact(&secret, &access_claims()), Err(SignError::Algorithm));
    let pkcs8 = include_bytes!("../../vectors/keys/rsa-2048-a.pk8");
    for (alg, der) in
        [(Alg::ES256, pkcs8.as_slice()), (Alg::EdDSA, pkcs8), (Alg::RS256, &pkcs8[..900]), (Alg::RS256, b"")]
    {
        assert_eq!(SigningKey::from_pkcs8(alg, der).err(), Some(SignError::PrivateKey));
    }
}

#[test]
fn debug_shows_neither_tokens_nor_people() {
    let key = rsa_a(Alg::RS256);
    let text = token(&key, &access_claims());
    let shown = format!("{:?} {:?} {:?}", Unverified::parse(&text).unwrap(), check(&key, &text).unwrap(), key);
    for hidden in ["alice", "0b6e5b4e", &text[100..120], &text[text.len() - 20..]] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
}
