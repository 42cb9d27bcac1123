//! A client that makes proofs, for tests.

use std::cell::Cell;

use common::clock::UnixMillis;
use common::jose::{Alg, SigningKey, Thumbprint, base64url_encode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

/// Holds a fresh key, and numbers its proofs.
pub struct Prover {
    key: SigningKey,
    count: Cell<u64>,
}

impl Prover {
    pub fn new() -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Self { key: SigningKey::from_pkcs8(Alg::ES256, pkcs8.as_ref()).unwrap(), count: Cell::new(0) }
    }

    /// What a token for this client has in `cnf.jkt`.
    pub fn jkt(&self) -> String {
        self.key.public_jwk().thumbprint()
    }

    /// The claims of a good proof.
    pub fn claims(&self, method: &str, uri: &str, token: &str, now: UnixMillis) -> Value {
        let number = self.count.get();
        self.count.set(number + 1);
        let ath = base64url_encode(Thumbprint::of(token.as_bytes()).as_bytes());
        json!({"jti": format!("j-{number}"), "htm": method, "htu": uri, "iat": now.seconds(), "ath": ath})
    }

    pub fn sign(&self, claims: &Value) -> String {
        let jwk: Value = serde_json::from_str(&self.key.public_jwk().to_json()).unwrap();
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}).to_string();
        let input = format!("{}.{}", base64url_encode(header), base64url_encode(claims.to_string()));
        let signature = self.key.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", base64url_encode(signature))
    }

    pub fn proof(&self, method: &str, uri: &str, token: &str, now: UnixMillis) -> String {
        self.sign(&self.claims(method, uri, token, now))
    }
}
