//! Access tokens of the shape and size that Cognito mints, signed RS256 by a key of this run.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::clock::UnixMillis;
use graviola::signing::rsa::{KeySize, SigningKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use serde_json::json;

const KEY_ID: &str = "bench-key-1";
const LIFE: Duration = Duration::from_secs(3600);
/// RSA-2048 in PKCS#8 takes about 1,220 bytes.
const DER_LIMIT: usize = 4096;

/// Why tokens cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    #[error("no RSA key could be generated")]
    KeyGeneration,
    #[error("the generated RSA key was refused: {0}")]
    KeyRefused(#[from] ring::error::KeyRejected),
    #[error("signing failed")]
    Signing,
    #[error("the random source failed")]
    Random,
}

/// Tokens that every checking system must refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// Signature of other claims.
    Forged,
    /// Dead for an hour.
    Expired,
}

/// A token issuer of one run: its key, its name and its one client.
pub struct Issuer {
    key: KeyPair,
    spki: Vec<u8>,
    random: SystemRandom,
    born: UnixMillis,
}

impl Issuer {
    /// `iss` of every token.
    pub const NAME: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_BenchPool";
    /// `client_id` of every token.
    pub const CLIENT: &str = "4rdk2qk8a6q1v7b3l9s0h5mxyz";

    /// Generates a fresh RSA-2048 key.
    ///
    /// # Errors
    /// When no key can be generated, or ring refuses it.
    pub fn generate(now: UnixMillis) -> Result<Self, FixtureError> {
        let signing = SigningKey::generate(KeySize::Rsa2048).map_err(|_| FixtureError::KeyGeneration)?;
        let mut buffer = [0; DER_LIMIT];
        let pkcs8 = signing.to_pkcs8_der(&mut buffer).map_err(|_| FixtureError::KeyGeneration)?;
        let key = KeyPair::from_pkcs8(pkcs8)?;
        let mut buffer = [0; DER_LIMIT];
        let spki = signing.public_key().to_spki_der(&mut buffer).map_err(|_| FixtureError::KeyGeneration)?.to_vec();
        Ok(Self { key, spki, random: SystemRandom::new(), born: now })
    }

    /// The public key as a JWK set (RFC 7517 §5).
    pub fn jwks(&self) -> String {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.key.public());
        let (n, e) = (URL_SAFE_NO_PAD.encode(public.n), URL_SAFE_NO_PAD.encode(public.e));
        json!({"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": KEY_ID, "n": n, "e": e}]}).to_string()
    }

    /// The public key as a PEM `SubjectPublicKeyInfo` (RFC 7468 §13).
    pub fn public_pem(&self) -> String {
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        let mut rest = STANDARD.encode(&self.spki);
        while !rest.is_empty() {
            let tail = rest.split_off(rest.len().min(64));
            pem.push_str(&rest);
            pem.push('\n');
            rest = tail;
        }
        pem.push_str("-----END PUBLIC KEY-----\n");
        pem
    }

    /// `count` distinct good tokens of about 1 KB, signed on two threads.
    pub fn tokens(&self, count: usize) -> Result<Vec<String>, FixtureError> {
        let half = count / 2;
        std::thread::scope(|scope| {
            let other = scope.spawn(|| self.batch(half));
            let mut tokens = self.batch(count - half)?;
            tokens.extend(other.join().map_err(|_| FixtureError::Signing)??);
            Ok(tokens)
        })
    }

    /// A token that must be refused.
    pub fn bad_token(&self, bad: Bad) -> Result<String, FixtureError> {
        match bad {
            Bad::Expired => self.mint(self.born.minus(LIFE + LIFE)),
            Bad::Forged => {
                let (good, other) = (self.mint(self.born)?, self.mint(self.born)?);
                let (claims, _) = good.rsplit_once('.').ok_or(FixtureError::Signing)?;
                let (_, signature) = other.rsplit_once('.').ok_or(FixtureError::Signing)?;
                Ok(format!("{claims}.{signature}"))
            }
        }
    }

    /// Bare RS256 verification by ring of one compact token: base64 and RSA, nothing else.
    pub fn verify_bare(&self, token: &str) -> bool {
        let Some((signed, signature)) = token.rsplit_once('.') else { return false };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.key.public());
        key.verify(signed.as_bytes(), &signature).is_ok()
    }

    fn batch(&self, count: usize) -> Result<Vec<String>, FixtureError> {
        (0..count).map(|_| self.mint(self.born)).collect()
    }

    fn mint(&self, at: UnixMillis) -> Result<String, FixtureError> {
        let header = json!({"kid": KEY_ID, "alg": "RS256"}).to_string();
        let claims = self.claims(at)?.to_string();
        let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &self.random, token.as_bytes(), &mut signature)
            .map_err(|_| FixtureError::Signing)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn claims(&self, at: UnixMillis) -> Result<serde_json::Value, FixtureError> {
        let sub = self.uuid4()?;
        Ok(json!({
            "sub": &sub,
            "cognito:groups": ["orders-readers", "staff"],
            "iss": Self::NAME,
            "version": 2,
            "client_id": Self::CLIENT,
            "origin_jti": self.uuid7(at)?,
            "event_id": self.uuid4()?,
            "token_use": "access",
            "scope": "aws.cognito.signin.user.admin openid orders/read",
            "auth_time": at.seconds(),
            "exp": at.plus(LIFE).seconds(),
            "iat": at.seconds(),
            "jti": self.uuid7(at)?,
            "username": &sub,
        }))
    }

    fn uuid4(&self) -> Result<String, FixtureError> {
        Ok(uuid::Builder::from_random_bytes(self.random()?).into_uuid().to_string())
    }

    fn uuid7(&self, at: UnixMillis) -> Result<String, FixtureError> {
        Ok(uuid::Builder::from_unix_timestamp_millis(at.0, &self.random()?).into_uuid().to_string())
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], FixtureError> {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes).map_err(|_| FixtureError::Random)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn claims(token: &str) -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn tokens_are_distinct_verify_and_have_the_size_of_cognitos() {
        let issuer = Issuer::generate(UnixMillis::from_seconds(1_800_000_000)).unwrap();
        let tokens = issuer.tokens(5).unwrap();
        assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), 5);
        for token in &tokens {
            assert!(issuer.verify_bare(token));
            assert!((900..1200).contains(&token.len()), "{}", token.len());
        }
        assert_eq!(claims(&tokens[0])["exp"], 1_800_003_600);
    }

    #[test]
    fn bad_tokens_are_bad_in_one_way_only() {
        let issuer = Issuer::generate(UnixMillis::from_seconds(1_800_000_000)).unwrap();
        let (forged, expired) = (issuer.bad_token(Bad::Forged).unwrap(), issuer.bad_token(Bad::Expired).unwrap());
        assert!(!issuer.verify_bare(&forged));
        assert_eq!(claims(&forged)["exp"], 1_800_003_600);
        assert!(issuer.verify_bare(&expired));
        assert_eq!(claims(&expired)["exp"], 1_799_996_400);
    }

    #[test]
    fn public_forms_name_the_same_key() {
        let issuer = Issuer::generate(UnixMillis::from_seconds(1)).unwrap();
        let pem = issuer.public_pem();
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        assert!(pem.lines().all(|line| line.len() <= 64));
        let jwks: serde_json::Value = serde_json::from_str(&issuer.jwks()).unwrap();
        let modulus = URL_SAFE_NO_PAD.decode(jwks["keys"][0]["n"].as_str().unwrap()).unwrap();
        let spki = STANDARD.decode(body).unwrap();
        assert!(spki.windows(modulus.len()).any(|window| window == modulus));
        assert_eq!(jwks["keys"][0]["e"], "AQAB");
    }
}
