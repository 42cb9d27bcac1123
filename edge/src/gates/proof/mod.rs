//! Whether the sender of a token may use it: DPoP proofs (RFC 9449) and client certificates (RFC 8705).
//!
//! In two steps. [`held`] is asked by the token gate at every request, for known tokens too: the token's verdict can be kept, its sender's
//! can't. [`spend`] comes after all other gates and uses the proof up, so that no refused request takes a place among the used ones.

pub mod config;

use common::canonical::UrlScheme;
use common::dpop::{self, Demand, Flaw, Freshness, Proof, Target};
use common::reject::Reject;
use common::verify::{Held, Possession, Verified};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::facts::{Facts, Presented, Scheme, TokenScheme};
use crate::gates::token::Credentials;
use crate::gates::{Outcome, RequestView};
use crate::replay::{Replay, Spent};
use crate::snapshot::route::ProofRule;
use crate::snapshot::verdicts::TokenDigest;

/// The field that a proof comes in.
pub const PROOF: HeaderName = HeaderName::from_static("dpop");

/// Whether who sends this token may: what it is bound to is shown, and it is bound as far as the route wants.
pub fn held(
    request: RequestView<'_>,
    rule: &ProofRule,
    credentials: &Credentials<'_>,
    digest: &TokenDigest,
    token: &Verified,
    presented: &mut Presented,
) -> Result<Held, Reject> {
    let (by_key, by_certificate) =
        token.confirmation.as_ref().map_or((false, false), |asks| (asks.key.is_some(), asks.certificate.is_some()));
    // RFC 9449 §7.1: the scheme is for bound tokens; under it a plain one would look like more than it is.
    let plain_under_dpop = credentials.scheme == TokenScheme::Dpop && !by_key;
    if plain_under_dpop || (rule.required && !by_key) || (rule.certificate_bound && !by_certificate) {
        return Err(Reject::UnboundToken);
    }
    let mut possession = Possession { key: None, certificate: request.connection.certificate() };
    if credentials.scheme == TokenScheme::Dpop {
        let proof = proof(request, rule, digest, presented)?;
        possession.key = Some(proof.key);
        presented.proof = Some(proof);
    }
    token.held_by(&possession)
}

/// Uses the request's proof up, if it has one.
pub fn spend(request: RequestView<'_>, facts: &Facts, replay: &Replay) -> Outcome {
    let Some(proof) = &facts.presented.proof else { return Outcome::Continue };
    match replay.spend(proof, request.now) {
        Spent::Now => Outcome::Continue,
        Spent::Before => Outcome::Reject(Reject::ProofReplayed),
        Spent::NoRoom => Outcome::Reject(Reject::ReplayFull),
    }
}

/// The nonce to tell the client at `request`, where the route demands nonces.
pub fn nonce(request: RequestView<'_>, rule: &ProofRule) -> Option<HeaderValue> {
    HeaderValue::try_from(rule.nonces.as_ref()?.issue(request.now)).ok()
}

fn proof(
    request: RequestView<'_>,
    rule: &ProofRule,
    digest: &TokenDigest,
    presented: &mut Presented,
) -> Result<Proof, Reject> {
    let checked = text(request.headers).and_then(|text| match text {
        Some(text) => dpop::check(text, &demand(request, rule, digest)).map(Some),
        None => Ok(None),
    });
    match checked {
        Ok(Some(proof)) => {
            if proof.nonce_turned {
                presented.nonce = nonce(request, rule);
            }
            Ok(proof)
        }
        Ok(None) => Err(Reject::ProofRequired),
        Err(flaw) => {
            presented.flaw = Some(flaw.code());
            Err(flaw.into())
        }
    }
}

fn demand<'r>(request: RequestView<'r>, rule: &'r ProofRule, digest: &'r TokenDigest) -> Demand<'r> {
    let scheme = match request.connection.scheme {
        Scheme::Http => UrlScheme::Http,
        Scheme::Https => UrlScheme::Https,
    };
    Demand {
        method: request.canonical.method,
        target: match &rule.public_url {
            None => Target::received(scheme, request.canonical),
            Some(base) => Target::public(base, request.canonical),
        },
        token: Some(digest.as_bytes()),
        algs: &rule.algs,
        freshness: match &rule.nonces {
            None => Freshness::Within(rule.window),
            Some(key) => Freshness::Nonce(key),
        },
        now: request.now,
    }
}

/// The one `DPoP` field (RFC 9449 §4.3, check 1).
fn text(headers: &HeaderMap) -> Result<Option<&str>, Flaw> {
    let mut fields = headers.get_all(PROOF).iter();
    let Some(field) = fields.next() else { return Ok(None) };
    if fields.next().is_some() {
        return Err(Flaw::Several);
    }
    field.to_str().map(Some).map_err(|_| Flaw::Malformed)
}

#[cfg(test)]
pub mod prover;
#[cfg(test)]
mod tests;
