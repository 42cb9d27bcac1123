//! Access tokens of the shape and size that Cognito mints, signed RS256 by a key of this run.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::clock::UnixMillis;
use common::feed::{Change, KeyPurpose, KeyState, PoolSettings, PublicKey};
use common::ids::{InvalidId, PoolId};
use graviola::signing::rsa::{KeySize, SigningKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RsaEncoding};
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
    /// Of another issuer, signed by this one's key.
    OtherIssuer,
    /// `alg: none`, with an empty signature (RFC 8725 §2.1).
    Unsigned,
    /// HS256 with the PEM of the public key as the secret (RFC 8725 §2.1).
    PublicKeyAsSecret,
    /// RS384 by the right key.
    OtherAlgorithm,
}

impl Bad {
    pub const ALL: [Self; 6] =
        [Self::Forged, Self::Expired, Self::OtherIssuer, Self::Unsigned, Self::PublicKeyAsSecret, Self::OtherAlgorithm];

    /// What it is, for a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forged => "a forged token",
            Self::Expired => "an expired token",
            Self::OtherIssuer => "a token of another issuer",
            Self::Unsigned => "a token with alg none",
            Self::PublicKeyAsSecret => "an HS256 token made with the public key",
            Self::OtherAlgorithm => "an RS384 token",
        }
    }
}

/// A token issuer of one run: its key, its name and its one client.
pub struct Issuer {
    key: KeyPair,
    spki: Vec<u8>,
    random: SystemRandom,
    born: UnixMillis,
}

impl Issuer {
    /// The pool that the tokens are of.
    pub const POOL: &str = "us-east-1_BenchPool";
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
        json!({"keys": [self.jwk()]}).to_string()
    }

    /// What a feed tells of the pool: its settings and its key.
    ///
    /// # Errors
    /// Never: the names are constants that parse.
    pub fn changes(&self) -> Result<[Change; 2], InvalidId> {
        let settings = PoolSettings {
            pool: PoolId::parse(Self::POOL)?,
            iss: Self::NAME.into(),
            enabled: true,
            max_token_life_s: LIFE.as_secs(),
        };
        let key = PublicKey {
            kid: KEY_ID.into(),
            jwk: self.jwk().to_string(),
            alg: "RS256".into(),
            purpose: KeyPurpose::AccessToken,
            state: KeyState::Active,
        };
        Ok([Change::Pool(settings), Change::PublicKey(key)])
    }

    fn jwk(&self) -> serde_json::Value {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.key.public());
        let (n, e) = (URL_SAFE_NO_PAD.encode(public.n), URL_SAFE_NO_PAD.encode(public.e));
        json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": KEY_ID, "n": n, "e": e})
    }

    /// The public key as base64 of its `SubjectPublicKeyInfo` (RFC 5280 §4.1).
    pub fn public_spki(&self) -> String {
        STANDARD.encode(&self.spki)
    }

    /// The public key as a PEM `SubjectPublicKeyInfo` (RFC 7468 §13).
    pub fn public_pem(&self) -> String {
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        let mut rest = self.public_spki();
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
            Bad::Expired => self.mint(self.born.minus(LIFE + LIFE), Self::NAME),
            Bad::OtherIssuer => self.mint(self.born, "https://other.test"),
            Bad::Forged => {
                let (good, other) = (self.mint(self.born, Self::NAME)?, self.mint(self.born, Self::NAME)?);
                let (claims, _) = good.rsplit_once('.').ok_or(FixtureError::Signing)?;
                let (_, signature) = other.rsplit_once('.').ok_or(FixtureError::Signing)?;
                Ok(format!("{claims}.{signature}"))
            }
            Bad::OtherAlgorithm => self.sign(&RSA_PKCS1_SHA384, self.unsigned("RS384", self.born, Self::NAME)?),
            Bad::Unsigned => Ok(format!("{}.", self.unsigned("none", self.born, Self::NAME)?)),
            Bad::PublicKeyAsSecret => {
                let signed = self.unsigned("HS256", self.born, Self::NAME)?;
                let secret = hmac::Key::new(hmac::HMAC_SHA256, self.public_pem().as_bytes());
                let tag = hmac::sign(&secret, signed.as_bytes());
                Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag)))
            }
        }
    }

    fn batch(&self, count: usize) -> Result<Vec<String>, FixtureError> {
        (0..count).map(|_| self.mint(self.born, Self::NAME)).collect()
    }

    fn mint(&self, at: UnixMillis, issuer: &str) -> Result<String, FixtureError> {
        self.sign(&RSA_PKCS1_SHA256, self.unsigned("RS256", at, issuer)?)
    }

    /// Adds dot and signature.
    fn sign(&self, scheme: &'static dyn RsaEncoding, mut token: String) -> Result<String, FixtureError> {
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key.sign(scheme, &self.random, token.as_bytes(), &mut signature).map_err(|_| FixtureError::Signing)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// Header and claims, without the dot before the signature.
    fn unsigned(&self, algorithm: &str, at: UnixMillis, issuer: &str) -> Result<String, FixtureError> {
        let header = json!({"kid": KEY_ID, "alg": algorithm}).to_string();
        let claims = self.claims(at, issuer)?.to_string();
        Ok(format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims)))
    }

    fn claims(&self, at: UnixMillis, issuer: &str) -> Result<serde_json::Value, FixtureError> {
        let sub = self.uuid4()?;
        Ok(json!({
            "sub": &sub,
            "cognito:groups": ["orders-readers", "staff"],
            "iss": issuer,
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

    use ring::signature::RSA_PKCS1_2048_8192_SHA384;

    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    impl Issuer {
        fn verifies(&self, token: &str) -> bool {
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.key.public());
            key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).is_ok()
        }
    }

    fn claims(token: &str) -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn tokens_are_distinct_verify_and_have_the_size_of_cognitos() {
        let issuer = Issuer::generate(UnixMillis::from_seconds(1_800_000_000)).unwrap();
        let tokens = issuer.tokens(5).unwrap();
        assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), 5);
        for token in &tokens {
            assert!(issuer.verifies(token));
            assert!((900..1200).contains(&token.len()), "{}", token.len());
        }
        assert_eq!(claims(&tokens[0])["exp"], 1_800_003_600);
    }

    #[test]
    fn bad_tokens_are_bad_in_one_way_only() {
        let issuer = Issuer::generate(UnixMillis::from_seconds(1_800_000_000)).unwrap();
        let (forged, expired) = (issuer.bad_token(Bad::Forged).unwrap(), issuer.bad_token(Bad::Expired).unwrap());
        assert!(!issuer.verifies(&forged));
        assert_eq!(claims(&forged)["exp"], 1_800_003_600);
        assert!(issuer.verifies(&expired));
        assert_eq!(claims(&expired)["exp"], 1_799_996_400);
    }

    #[test]
    fn tokens_of_other_algorithms_and_issuers_are_bad_in_that_only() {
        let issuer = Issuer::generate(UnixMillis::from_seconds(1_800_000_000)).unwrap();
        let rs384 = issuer.bad_token(Bad::OtherAlgorithm).unwrap();
        let (unsigned, hs256) =
            (issuer.bad_token(Bad::Unsigned).unwrap(), issuer.bad_token(Bad::PublicKeyAsSecret).unwrap());
        for (token, algorithm) in [(&unsigned, "none"), (&hs256, "HS256"), (&rs384, "RS384")] {
            let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
            assert_eq!(serde_json::from_slice::<serde_json::Value>(&header).unwrap()["alg"], algorithm);
            assert_eq!((&claims(token)["exp"], &claims(token)["iss"]), (&1_800_003_600.into(), &Issuer::NAME.into()));
        }
        assert!(unsigned.ends_with('.'));
        let (signed, signature) = rs384.rsplit_once('.').unwrap();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA384, issuer.key.public());
        assert!(key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).is_ok());
        let (signed, tag) = hs256.rsplit_once('.').unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, issuer.public_pem().as_bytes());
        assert!(hmac::verify(&key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).unwrap()).is_ok());
        let other = issuer.bad_token(Bad::OtherIssuer).unwrap();
        assert!(issuer.verifies(&other) && claims(&other)["iss"] != Issuer::NAME);
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
