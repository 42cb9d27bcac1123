//! DPoP at the issuer (RFC 9449): the proof of a token request (§5), and of a request with a bound token (§7).
//!
//! Invariants: `htu` is compared with the domain's URL as settings and rows have it, never with the request's host; each proof is taken once by all issuers
//! ([`super::used`]). A proof is good around its `iat`; a client whose clock is wrong is given a nonce, and proves by that instead (§8).

use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use common::canonical::Url;
use common::clock::UnixMillis;
use common::dpop::{self, Demand, Flaw, Freshness, NonceKey, Proof, Target};
use common::jose::{Alg, Thumbprint};
use common::secret::SecretString;
use ring::digest::{Context, SHA256};

use super::error::{Code, OAuthError};
use super::used::{self, Use};
use crate::aws_json::Call;
use crate::domains::Site;
use crate::services::Services;

/// What proofs are signed by: RSA with PSS only (FAPI 2.0 Security Profile §5.4).
pub const ALGS: [Alg; 6] = [Alg::ES256, Alg::ES384, Alg::EdDSA, Alg::PS256, Alg::PS384, Alg::PS512];

const FIELD: &str = "dpop";
/// How far `iat` may lie from now.
const WINDOW: Duration = Duration::from_secs(60);
/// A nonce is good for the rest of its period and the next one.
const NONCE_PERIOD: Duration = Duration::from_secs(180);
const PURPOSE: &str = "dpop nonces";

/// The key whose holder has sent a token request; `None` where there is no proof.
///
/// # Errors
/// `invalid_dpop_proof`, `use_dpop_nonce`; storage.
pub async fn of_request(call: &Call, site: &Site, head: &Parts) -> Result<Option<Thumbprint>, OAuthError> {
    let Some(text) = field(&head.headers)? else { return Ok(None) };
    taken(call, site, head, text, None).await.map(Some)
}

/// The key whose holder has sent this access token to an endpoint of ours; `None` where there is no proof.
///
/// # Errors
/// `invalid_dpop_proof`, `use_dpop_nonce`; storage.
pub async fn of_resource(
    call: &Call,
    site: &Site,
    head: &Parts,
    token: &SecretString,
) -> Result<Option<Thumbprint>, OAuthError> {
    let Some(text) = field(&head.headers)? else { return Ok(None) };
    let token = Thumbprint::of(token.expose().as_bytes());
    taken(call, site, head, text, Some(token.as_bytes())).await.map(Some)
}

/// A demand that the client did not meet (RFC 9449 §5).
pub fn missing() -> OAuthError {
    OAuthError::new(Code::InvalidDpopProof, "A DPoP proof is required.")
}

/// Checks a proof and uses it up.
async fn taken(
    call: &Call,
    site: &Site,
    head: &Parts,
    text: &str,
    token: Option<&[u8; 32]>,
) -> Result<Thumbprint, OAuthError> {
    // The path is one of the router's, and in normal form.
    let url = format!("{}{}", site.base, head.uri.path());
    let url = Url::parse(&url).ok_or_else(|| invalid(Flaw::Uri))?;
    let nonces = nonces(&call.services);
    let demand = Demand {
        method: head.method.as_str(),
        target: Target::at(&url),
        token,
        algs: &ALGS,
        freshness: Freshness::Either { window: WINDOW, nonces: &nonces },
        now: call.now,
    };
    let proof = dpop::check(text, &demand).map_err(|flaw| match flaw {
        Flaw::Time | Flaw::Nonce => use_nonce(&nonces, call.now),
        _ => invalid(flaw),
    })?;
    let first = used::take(&call.services.store, &site.pool, &used(&proof)).await;
    if !first.map_err(|fault| OAuthError::of(Code::InvalidDpopProof, fault))? {
        return Err(OAuthError::new(Code::InvalidDpopProof, "The DPoP proof was used before."));
    }
    Ok(proof.key)
}

/// The one field (RFC 9449 §4.3, check 1).
fn field(headers: &HeaderMap) -> Result<Option<&str>, OAuthError> {
    let mut fields = headers.get_all(FIELD).iter();
    let Some(field) = fields.next() else { return Ok(None) };
    if fields.next().is_some() {
        return Err(invalid(Flaw::Several));
    }
    field.to_str().map(Some).map_err(|_| invalid(Flaw::Malformed))
}

fn used(proof: &Proof) -> Use {
    let mut context = Context::new(&SHA256);
    context.update(b"dpop proof\0");
    context.update(&proof.id.0);
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    Use { digest, from: proof.from, until: proof.until }
}

/// The same at every issuer of the deployment.
fn nonces(services: &Services) -> NonceKey {
    let secret = ring::hmac::sign(&services.deployment_key.hmac_key(PURPOSE), b"");
    NonceKey::new(secret.as_ref(), NONCE_PERIOD)
}

fn use_nonce(nonces: &NonceKey, now: UnixMillis) -> OAuthError {
    let error = OAuthError::new(Code::UseDpopNonce, "The DPoP proof must have the nonce that comes with this answer.");
    match HeaderValue::try_from(nonces.issue(now)) {
        Ok(nonce) => error.with_nonce(nonce),
        Err(_) => error,
    }
}

fn invalid(flaw: Flaw) -> OAuthError {
    OAuthError::new(Code::InvalidDpopProof, format!("The DPoP proof does not count: {flaw}."))
}
