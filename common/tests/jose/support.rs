//! Keys, claims and tokens to test with. Every name that a test relies on is visible in the test.

use common::clock::UnixMillis;
use common::jose::{Alg, Jwks, KeySet, SigningKey, base64url_encode};
use common::reject::Reject;
use common::verify::{Leeway, Policy, Verified, verify};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair};
use serde_json::{Value, json};

pub const ISS: &str = "https://issuer.example/us-east-1_AbCdEf123";
pub const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
pub const NOW_S: u64 = NOW.seconds();

pub fn rsa_a(alg: Alg) -> SigningKey {
    SigningKey::from_pkcs8(alg, include_bytes!("../../vectors/keys/rsa-2048-a.pk8")).unwrap()
}

pub fn rsa_b(alg: Alg) -> SigningKey {
    SigningKey::from_pkcs8(alg, include_bytes!("../../vectors/keys/rsa-2048-b.pk8")).unwrap()
}

/// A key for each algorithm; the RSA ones share one key pair.
pub fn signing_key(alg: Alg) -> SigningKey {
    let random = SystemRandom::new();
    let ec = |kind| EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap().as_ref().to_vec();
    let pkcs8 = match alg {
        Alg::ES256 => ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
        Alg::ES384 => ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
        Alg::EdDSA => Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref().to_vec(),
        _ => return rsa_a(alg),
    };
    SigningKey::from_pkcs8(alg, &pkcs8).unwrap()
}

pub fn keys_of(key: &SigningKey) -> KeySet {
    KeySet::new(ISS, Jwks::new(vec![key.public_jwk().clone()]).unwrap()).unwrap()
}

pub fn access_claims() -> Value {
    json!({
        "sub": "0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f",
        "cognito:groups": ["staff", "eu"],
        "iss": ISS,
        "client_id": "4kfu1abc",
        "origin_jti": "0f6c1f3e-52b5-4d1f-a0a5-5f1f37a3c111",
        "event_id": "9b6c1f3e-52b5-4d1f-a0a5-5f1f37a3c222",
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin orders/read",
        "auth_time": NOW_S - 10,
        "exp": NOW_S + 3600,
        "iat": NOW_S,
        "jti": "01a31b9f-5000-7abc-8def-0123456789ab",
        "username": "alice",
    })
}

pub fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

pub fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

pub fn token(key: &SigningKey, claims: &Value) -> String {
    key.sign_compact(&key.header(), claims).unwrap()
}

/// Signs a header and a payload as they are, however odd.
pub fn token_of(key: &SigningKey, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(payload));
    let signature = key.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", base64url_encode(signature))
}

pub fn policy() -> Policy {
    Policy { leeway: Leeway::NONE, ..Policy::cognito(ISS, common::claims::TokenUse::Access) }
}

pub fn check(key: &SigningKey, token: &str) -> Result<Verified, Reject> {
    verify(token, &keys_of(key), &policy(), NOW)
}
