//! The signed statement of who sends a request, for upstreams: a JWS (ES256) that they verify by the keys which the edge publishes.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::clock::UnixMillis;
use common::jose::{Alg, Jwks, SigningKey};
use common::secret::SecretBytes;
use http::HeaderValue;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Map, Value, json};

use super::session::Session;
use crate::files;
use crate::files::keys::{self, KeyError};
use crate::snapshot::identity::Identity;
use crate::snapshot::sign_in::KeySource;

/// How long a statement counts; seconds. It is made anew for each request.
const LIFE: u64 = 60;

pub struct Signer {
    key: SigningKey,
    jwks: String,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    #[error("the identity key: {0}")]
    File(#[from] KeyError),
    #[error("the identity key: {0}")]
    Io(#[from] std::io::Error),
    #[error(
        "the identity key must be a P-256 key in PKCS#8 PEM: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
    )]
    Key,
}

/// Where and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'t> {
    /// The origin of the request.
    pub origin: &'t str,
    pub audience: &'t str,
    pub now: UnixMillis,
}

impl Signer {
    /// Takes, reads or makes the key.
    pub fn of(source: &KeySource) -> Result<Self, SignerError> {
        let der = match source {
            KeySource::Given(texts) => pem(texts.first().ok_or(SignerError::Key)?.expose())?,
            KeySource::State(path) => read_or_make(path)?,
            KeySource::Own => made()?,
        };
        let key = SigningKey::from_pkcs8(Alg::ES256, &der).map_err(|_| SignerError::Key)?;
        let jwks = Jwks::new(vec![key.public_jwk().clone()]).map_err(|_| SignerError::Key)?.to_json();
        Ok(Self { key, jwks })
    }

    /// What upstreams verify by.
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// The header's value; what the session knows besides the token is there if the request came by one.
    pub fn state(&self, identity: &Identity, session: Option<&Session>, terms: Terms<'_>) -> Option<HeaderValue> {
        let token = &identity.token;
        let mut claims = Map::new();
        let now = terms.now.seconds();
        for (name, value) in [
            ("iss", json!(terms.origin)),
            ("aud", json!(terms.audience)),
            ("iat", json!(now)),
            ("exp", json!(now.saturating_add(LIFE))),
            ("sub", json!(token.sub)),
            ("idp", json!(token.iss)),
            ("client_id", json!(token.client_id)),
        ] {
            claims.insert(name.to_owned(), value);
        }
        let of_token = |name| token.claim_text(name).map(String::from);
        let known = |text: fn(&Session) -> &Option<String>| session.and_then(|session| text(session).clone());
        for (name, value) in [
            ("sid", known(|session| &session.sid)),
            ("username", token.username.as_deref().map(str::to_owned).or(known(|session| &session.username))),
            ("email", of_token("email").or(known(|session| &session.email))),
        ] {
            claims.extend(value.map(|value| (name.to_owned(), Value::from(value))));
        }
        if !token.groups.is_empty() {
            claims.insert("groups".to_owned(), json!(token.groups));
        }
        let mut header = self.key.header();
        header.typ = Some("JWT".to_owned());
        HeaderValue::try_from(self.key.sign_compact(&header, &claims).ok()?).ok()
    }
}

/// Whether a file's text is a key that can be used.
pub fn check_key(text: SecretBytes) -> Result<(), SignerError> {
    Signer::of(&KeySource::Given(vec![text])).map(drop)
}

fn pem(text: &[u8]) -> Result<Vec<u8>, SignerError> {
    let key = PrivatePkcs8KeyDer::from_pem_slice(text).map_err(|_| SignerError::Key)?;
    Ok(key.secret_pkcs8_der().to_vec())
}

fn read_or_make(path: &Path) -> Result<Vec<u8>, SignerError> {
    if files::read(path)?.is_none() {
        path.parent().map_or(Ok(()), files::make_dir)?;
        let body = STANDARD.encode(made()?);
        let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        let text = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        files::replace(path, text.as_bytes())?;
    }
    pem(keys::text(path)?.expose())
}

fn made() -> Result<Vec<u8>, SignerError> {
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    Ok(made.map_err(|_| KeyError::NoRandom)?.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_one_of_its_kind_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/identity.pem");
        let made = Signer::of(&KeySource::State(path.clone())).unwrap();
        assert_eq!(Signer::of(&KeySource::State(path.clone())).unwrap().jwks(), made.jwks());
        assert!(made.jwks().contains("\"crv\":\"P-256\"") && !made.jwks().contains("\"d\""), "{}", made.jwks());
        let text = std::fs::read_to_string(&path).unwrap();
        for bad in ["", "x", &text.replace("PRIVATE", "PUBLIC"), &text.replace("MI", "AA")] {
            std::fs::write(&path, bad).unwrap();
            assert!(Signer::of(&KeySource::State(path.clone())).is_err(), "{bad}");
        }
    }
}
