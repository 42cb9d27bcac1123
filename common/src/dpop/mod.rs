//! Proofs of possession (DPoP, RFC 9449): whether the sender of a request holds a private key, as a pure function of the proof, the request,
//! the token and the time.
//!
//! A proof is a JWT that brings its own key, so a good signature says nothing about who sent it. What it is worth comes from elsewhere: the
//! access token names the key ([`crate::verify::Verified::held_by`]), and the caller takes each proof once ([`Proof::id`]). All twelve checks of
//! §4.3 are made here but that of the second half of the twelfth, and of the header field's number, which the caller counts ([`Flaw::Several`]).
//!
//! The mistake that is made most often is a loose `htu`: a proof for one path that opens another. It is compared in normal form with the URI
//! that the gateway itself has judged, not with one put together from headers.

mod flaw;
mod nonce;
mod target;

use std::time::Duration;

use ring::digest;

use crate::canonical::Url;
use crate::clock::UnixMillis;
use crate::jose::json::Object;
use crate::jose::{Alg, EmbeddedKey, Jws, JwsError, Thumbprint, base64url_decode};

pub use flaw::Flaw;
pub use nonce::{GoodNonce, NonceKey};
pub use target::Target;

/// The only `typ` (RFC 9449 §4.2).
const TYPE: &str = "dpop+jwt";
/// Longer `jti`s are refused: 128 random bits take 36 characters in the longest usual form.
pub const MAX_JTI_BYTES: usize = 256;

/// What a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'r> {
    pub method: &'r str,
    pub target: Target<'r>,
    /// SHA-256 of the access token. None where no token comes along, as at a token endpoint: then an `ath` decides nothing.
    pub token: Option<&'r [u8; 32]>,
    pub algs: &'r [Alg],
    pub freshness: Freshness<'r>,
    pub now: UnixMillis,
}

/// How it shows that a proof was made just now (RFC 9449 §11.1).
#[derive(Clone, Copy, Debug)]
pub enum Freshness<'r> {
    /// `iat` lies at most so far from now, before or after.
    Within(Duration),
    /// It has a nonce of ours. `iat` must be there and decides nothing, so that clients whose clocks are wrong can call: the nonce tells the
    /// time of the proof better (§4.3, check 11).
    Nonce(&'r NonceKey),
    /// By its nonce where it has one, else by `iat`: nonces are for clients whose clocks are wrong. Each proof has one of the two ways, so that none
    /// comes into its time again after its id was forgotten.
    Either { window: Duration, nonces: &'r NonceKey },
}

/// A proof that stands, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The key that its sender holds.
    pub key: Thumbprint,
    /// What must not come again.
    pub id: ProofId,
    /// The first moment at which it could be taken.
    pub from: UnixMillis,
    /// The last one: how long its id must be remembered.
    pub until: UnixMillis,
    /// Its nonce is not the newest any more.
    pub nonce_turned: bool,
}

/// Names a proof: half of SHA-256 over key and `jti`. A `jti` is unique to its key only, so that nobody can spend another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProofId(pub [u8; 16]);

/// Checks a proof but for the two things that others know: whether the token names its key, and whether it came before.
pub fn check(proof: &str, demand: &Demand<'_>) -> Result<Proof, Flaw> {
    let (jws, header) = Jws::parse_with_header(proof)?;
    if jws.header.typ.as_deref() != Some(TYPE) {
        return Err(Flaw::Type);
    }
    if !demand.algs.contains(&jws.header.alg) {
        return Err(Flaw::Algorithm);
    }
    let key = EmbeddedKey::of(&header, jws.header.alg).map_err(|_| Flaw::Key)?;
    if !key.signed(&jws) {
        return Err(Flaw::Signature);
    }
    let claims = claims(jws.payload)?;
    if text(&claims, "htm")? != demand.method {
        return Err(Flaw::Method);
    }
    if !Url::parse(&text(&claims, "htu")?).is_some_and(|htu| demand.target.is(&htu)) {
        return Err(Flaw::Uri);
    }
    let jti = text(&claims, "jti")?;
    let iat = claims.numeric_date("iat").ok().flatten().ok_or(Flaw::Claims)?;
    if jti.is_empty() || jti.len() > MAX_JTI_BYTES {
        return Err(Flaw::Claims);
    }
    if let Some(token) = demand.token
        && base64url_decode(&text(&claims, "ath")?).ok().as_deref() != Some(token.as_slice())
    {
        return Err(Flaw::Token);
    }
    let fresh = match demand.freshness {
        Freshness::Within(window) => within(window, iat, demand.now)?,
        Freshness::Nonce(nonces) => by_nonce(nonces, &claims, demand.now)?,
        Freshness::Either { nonces, .. } if claims.contains("nonce") => by_nonce(nonces, &claims, demand.now)?,
        Freshness::Either { window, .. } => within(window, iat, demand.now)?,
    };
    let Fresh { from, until, nonce_turned } = fresh;
    Ok(Proof { key: key.thumbprint(), id: id(key.thumbprint(), &jti), from, until, nonce_turned })
}

/// When a proof could be taken.
struct Fresh {
    from: UnixMillis,
    until: UnixMillis,
    nonce_turned: bool,
}

fn within(window: Duration, iat: UnixMillis, now: UnixMillis) -> Result<Fresh, Flaw> {
    let distance = now.0.abs_diff(iat.0);
    if u128::from(distance) > window.as_millis() {
        return Err(Flaw::Time);
    }
    Ok(Fresh { from: iat.minus(window), until: iat.plus(window), nonce_turned: false })
}

fn by_nonce(nonces: &NonceKey, claims: &Object, now: UnixMillis) -> Result<Fresh, Flaw> {
    let nonce = claims.text("nonce").map_err(|_| Flaw::Claims)?.ok_or(Flaw::Nonce)?;
    let GoodNonce { from, until, turned } = nonces.accept(&nonce, now).ok_or(Flaw::Nonce)?;
    Ok(Fresh { from, until, nonce_turned: turned })
}

fn claims(payload: Vec<u8>) -> Result<Object, Flaw> {
    let text = String::from_utf8(payload).map_err(|_| Flaw::Malformed)?;
    Object::parse(text).map_err(|_| Flaw::Malformed)
}

fn text<'c>(claims: &'c Object, name: &str) -> Result<std::borrow::Cow<'c, str>, Flaw> {
    claims.text(name).map_err(|_| Flaw::Claims)?.ok_or(Flaw::Claims)
}

fn id(key: Thumbprint, jti: &str) -> ProofId {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(key.as_bytes());
    context.update(jti.as_bytes());
    let mut id = [0; 16];
    id.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    ProofId(id)
}

impl From<JwsError> for Flaw {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Algorithm => Self::Algorithm,
            JwsError::Unsigned => Self::Signature,
            JwsError::TooLong | JwsError::Parts | JwsError::Base64 | JwsError::Header | JwsError::Extension => {
                Self::Malformed
            }
        }
    }
}

#[cfg(test)]
mod tests;
