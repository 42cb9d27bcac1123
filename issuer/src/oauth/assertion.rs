//! Client assertions (`private_key_jwt`: RFC 7523 §2.2 and §3, OpenID Connect Core §9): whether a JWT proves a client, as a pure function of the JWT, the
//! client's keys, the pool's issuer and the time. Whoever asks takes each once ([`Assertion::check`]).
//!
//! The audience is the pool's issuer and nothing else, as FAPI 2.0 Security Profile §5.3.2.1 has it: an assertion that another server talked a client into
//! signing for *its* token endpoint names that server, and is refused here (SECURITY.md T66, CVE-2025-27370).

use std::time::Duration;

use common::clock::UnixMillis;
use common::jose::json::Object;
use common::jose::{Alg, Jws, JwsError, KeySet, SignatureError};
use ring::digest::{Context, SHA256};

use super::used::Use;

/// The one `client_assertion_type` (RFC 7523 §2.2).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What assertions are signed by. A key that says no `alg` is for RS256 or for the one algorithm of its curve.
pub const ALGS: [Alg; 9] = Alg::ALL;

/// How far a client's clock may be off.
const LEEWAY: Duration = Duration::from_secs(10);
/// How far ahead `exp` may lie: how long an id is remembered.
const LONGEST_LIFE: Duration = Duration::from_secs(600);
const MAX_JTI_BYTES: usize = 256;
/// `typ` is optional; a JWT of another kind, which says so, is not taken for an assertion (RFC 8725 §3.11).
const TYPES: [&str; 2] = ["JWT", "client-authentication+jwt"];

/// Why an assertion proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("it is not a signed JWT")]
    Malformed,
    #[error("its algorithm is not accepted here")]
    Algorithm,
    #[error("its typ is that of another kind of JWT")]
    Type,
    #[error("iss and sub must both be the client's id")]
    Client,
    #[error("no key of the client has its kid; with several keys there must be one")]
    Key,
    #[error("its alg is not that of the client's key")]
    KeyAlgorithm,
    #[error("the signature is not the client's")]
    Signature,
    #[error("aud must be the issuer, as a single string")]
    Audience,
    #[error("exp is missing, over, or more than 10 minutes ahead")]
    Expiry,
    #[error("nbf or iat is in the future, or no time")]
    Early,
    #[error("jti is missing, or longer than 256 bytes")]
    Id,
}

/// A well-formed assertion. Nothing about it is verified.
pub struct Assertion<'f> {
    jws: Jws<'f>,
    claims: Object,
    client: String,
}

impl<'f> Assertion<'f> {
    /// # Errors
    /// [`Flaw`], for what is no signed JWT of this kind about one client.
    pub fn parse(text: &'f str) -> Result<Self, Flaw> {
        let mut jws = Jws::parse(text).map_err(|error| match error {
            JwsError::Algorithm => Flaw::Algorithm,
            _ => Flaw::Malformed,
        })?;
        if jws.header.typ.as_deref().is_some_and(|typ| !TYPES.contains(&typ)) {
            return Err(Flaw::Type);
        }
        let payload = String::from_utf8(std::mem::take(&mut jws.payload)).map_err(|_| Flaw::Malformed)?;
        let claims = Object::parse(payload).map_err(|_| Flaw::Malformed)?;
        let name = |claim| claims.text(claim).ok().flatten();
        let client = match (name("iss"), name("sub")) {
            (Some(iss), Some(sub)) if iss == sub => sub.into_owned(),
            _ => return Err(Flaw::Client),
        };
        Ok(Self { jws, claims, client })
    }

    /// Whom it claims to be of.
    pub fn client_id(&self) -> &str {
        &self.client
    }

    /// Whether one of these keys made it for this issuer and this time. What is returned must be taken, or it proves nothing.
    ///
    /// # Errors
    /// [`Flaw`]
    pub fn check(&self, keys: &KeySet, issuer: &str, now: UnixMillis) -> Result<Use, Flaw> {
        keys.verify(&self.jws).map_err(|error| match error {
            SignatureError::UnknownKey => Flaw::Key,
            SignatureError::Algorithm => Flaw::KeyAlgorithm,
            SignatureError::Signature => Flaw::Signature,
        })?;
        if self.claims.text("aud").ok().flatten().as_deref() != Some(issuer) {
            return Err(Flaw::Audience);
        }
        let latest = now.plus(LEEWAY);
        let expires = self.claims.numeric_date("exp").ok().flatten().ok_or(Flaw::Expiry)?;
        if expires.plus(LEEWAY) <= now || expires > latest.plus(LONGEST_LIFE) {
            return Err(Flaw::Expiry);
        }
        let [not_before, issued] = ["nbf", "iat"].map(|name| self.claims.numeric_date(name));
        let (not_before, issued) = (not_before.map_err(|_| Flaw::Early)?, issued.map_err(|_| Flaw::Early)?);
        if [not_before, issued].into_iter().flatten().any(|time| time > latest) {
            return Err(Flaw::Early);
        }
        let id = self.claims.text("jti").ok().flatten().ok_or(Flaw::Id)?;
        if id.is_empty() || id.len() > MAX_JTI_BYTES {
            return Err(Flaw::Id);
        }
        let earliest = expires.minus(LONGEST_LIFE).minus(LEEWAY);
        let from = issued.or(not_before).map_or(earliest, |time| earliest.max(time.minus(LEEWAY)));
        Ok(Use { digest: digest(&self.client, &id), from, until: expires.plus(LEEWAY) })
    }
}

/// A `jti` is unique to its client only, so that nobody can spend another's.
fn digest(client: &str, id: &str) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(b"client assertion\0");
    context.update(client.as_bytes());
    context.update(b"\0");
    context.update(id.as_bytes());
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}
