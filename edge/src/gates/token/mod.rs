//! The token gate: one token, verified once, known afterwards. That its sender may use it is asked each time (`gates::proof`).

mod claims;
pub mod config;
mod credentials;
mod introspected;

use std::sync::Arc;

use common::clock::UnixMillis;
use common::reject::Reject;
use common::verify::{Held, Unverified, Verified};
use http::HeaderMap;

pub use self::credentials::Credentials;
use self::credentials::credentials;
use crate::facts::{Bearer, Facts, Presented, TokenScheme};
use crate::gates::{Outcome, RequestView, proof};
use crate::snapshot::Snapshot;
use crate::snapshot::identity::Identity;
use crate::snapshot::introspection::Answer;
use crate::snapshot::issuer::Issuer;
use crate::snapshot::route::TokenRule;
use crate::snapshot::verdicts::TokenDigest;

/// Demands a token where the route has a rule for one.
pub fn check(request: RequestView<'_>, facts: &mut Facts, snapshot: &Snapshot) -> Outcome {
    let Some(rule) = &request.route.token else { return Outcome::Continue };
    let outcome = admit(request, rule, facts.introspected.as_ref(), snapshot, &mut facts.presented);
    match outcome {
        Ok(bearer) => {
            facts.bearer = Some(bearer);
            Outcome::Continue
        }
        Err(Halt::Reject(reject)) => {
            if facts.presented.nonce.is_none() {
                // RFC 9449 §8.2: a client that is refused for whatever reason needs it for its next try.
                facts.presented.nonce = proof::nonce(request, &rule.proof);
            }
            Outcome::Reject(reject)
        }
        Err(Halt::Introspect(position)) => Outcome::NeedIntrospection(position),
    }
}

/// The token of a request, for whoever asks its issuer about it.
pub fn presented(headers: &HeaderMap) -> Result<&str, Reject> {
    credentials(headers).map(|credentials| credentials.token)
}

/// Why a token does not pass now.
#[derive(Debug, PartialEq, Eq)]
enum Halt {
    Reject(Reject),
    /// Nobody here can tell, but the issuer at this position.
    Introspect(usize),
}

impl From<Reject> for Halt {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

/// What a request brought, and what is noted about it.
struct Sender<'r, 'p> {
    request: RequestView<'r>,
    rule: &'r TokenRule,
    credentials: Credentials<'r>,
    digest: TokenDigest,
    presented: &'p mut Presented,
}

fn admit<'r>(
    request: RequestView<'r>,
    rule: &'r TokenRule,
    told: Option<&Answer>,
    snapshot: &Snapshot,
    presented: &mut Presented,
) -> Result<Bearer, Halt> {
    let credentials = match request.session {
        Some(token) => Credentials { scheme: TokenScheme::Bearer, token },
        None => credentials(request.headers)?,
    };
    presented.scheme = Some(credentials.scheme);
    let (token, digest) = (credentials.token, TokenDigest::of(credentials.token));
    let sender = Sender { request, rule, credentials, digest, presented };
    let issuers = || rule.issuers.iter().filter_map(|&position| snapshot.issuers.get(position));
    for issuer in issuers() {
        if let Some(identity) = issuer.verdicts.get(digest, request.now) {
            return Ok(known(sender, issuer, identity)?);
        }
    }
    if let Some(asked) = introspected::of_opaque(token, rule, snapshot) {
        return introspected::admit(sender, asked, told);
    }
    let unverified = Unverified::parse(token)?;
    let issuer = claimed_issuer(&unverified, issuers())?;
    if let Some(asked) = introspected::of_jwt(issuer, rule, snapshot) {
        return introspected::admit(sender, asked, told);
    }
    let (identity, held) = first_seen(unverified, issuer, sender)?;
    let identity = Arc::new(identity);
    issuer.verdicts.insert(digest, Arc::clone(&identity));
    Ok(Bearer { identity, issuer: Arc::clone(issuer), held })
}

/// The signature was good; time is asked again, of token and keys, who sends it, and this route's own rule, as far as time does not change its
/// answer, unless it has let this very token pass before.
fn known(mut sender: Sender<'_, '_>, issuer: &Arc<Issuer>, identity: Arc<Identity>) -> Result<Bearer, Reject> {
    let (route, now) = (sender.request.route, sender.request.now);
    if !issuer.is_good(now) {
        return Err(Reject::NotReady);
    }
    identity.token.still_valid(now)?;
    let held = sender.held(&identity.token)?;
    if !identity.admissions.has(route.number) {
        issuer.policy(route).ok_or(Reject::NotReady)?.admit(&identity.token, &held)?;
        identity.admissions.add(route.number);
    }
    if sender.rule.max_age.is_some() {
        issuer.policy(route).ok_or(Reject::NotReady)?.is_recent(&identity.token, now)?;
    }
    Ok(Bearer { identity, issuer: Arc::clone(issuer), held })
}

/// A verdict is kept only when the token passed the route's rule too, so that a key for ID tokens never vouches for an access token.
fn first_seen(
    unverified: Unverified<'_>,
    issuer: &Issuer,
    mut sender: Sender<'_, '_>,
) -> Result<(Identity, Held), Reject> {
    let now = sender.request.now;
    let policy = issuer.policy(sender.request.route).ok_or(Reject::NotReady)?;
    let verified = genuine(unverified, issuer, sender.rule, now)?;
    let held = sender.held(&verified)?;
    policy.admit(&verified, &held)?;
    policy.is_recent(&verified, now)?;
    Ok((Identity::new(verified), held))
}

impl Sender<'_, '_> {
    fn held(&mut self, token: &Verified) -> Result<Held, Reject> {
        proof::held(self.request, &self.rule.proof, &self.credentials, &self.digest, token, self.presented)
    }
}

/// What depends on the token and its issuer alone.
fn genuine(unverified: Unverified<'_>, issuer: &Issuer, rule: &TokenRule, now: UnixMillis) -> Result<Verified, Reject> {
    let trust = issuer.trust.as_ref().filter(|_| issuer.is_good(now)).ok_or(Reject::NotReady)?;
    let keys = trust.keys(rule.token_use);
    if keys.key(unverified.kid()).is_none() && trust.other_keys(rule.token_use).key(unverified.kid()).is_some() {
        // Whatever it says of itself, a token under a key of the other use is for that use; it is named so only when it is genuine.
        unverified.authenticate(trust.other_keys(rule.token_use), trust.profile, trust.leeway, now)?;
        return Err(Reject::WrongTokenUse);
    }
    let verified = unverified.authenticate(keys, trust.profile, trust.leeway, now).inspect_err(|reject| {
        if let (Reject::UnknownKey, Some(fetched)) = (reject, &issuer.keys) {
            fetched.miss();
        }
    })?;
    Ok(match &trust.groups {
        None => verified,
        Some(paths) => verified.with_groups_at(paths),
    })
}

/// Every demand of the route that a genuine token does not meet, for explanations; none where the token itself is no good.
pub fn unmet(request: RequestView<'_>, snapshot: &Snapshot) -> Result<Vec<String>, Reject> {
    let Some(rule) = &request.route.token else { return Ok(Vec::new()) };
    let unverified = Unverified::parse(presented(request.headers)?)?;
    let issuer = claimed_issuer(&unverified, rule.issuers.iter().filter_map(|&at| snapshot.issuers.get(at)))?;
    let policy = issuer.policy(request.route).ok_or(Reject::NotReady)?;
    let verified = genuine(unverified, issuer, rule, request.now)?;
    Ok(policy.unmet(&verified, request.now).into_iter().map(|(_, what)| what).collect())
}

/// The issuer whose keys to try: the only one by whose name the token goes, among those that the route accepts.
fn claimed_issuer<'s>(
    unverified: &Unverified<'_>,
    issuers: impl Iterator<Item = &'s Arc<Issuer>>,
) -> Result<&'s Arc<Issuer>, Reject> {
    let claimed = unverified.issuer()?;
    let mut someone_is_ready = false;
    for issuer in issuers {
        let Some(iss) = issuer.iss() else { continue };
        someone_is_ready = true;
        if **iss == *claimed.as_str() {
            return Ok(issuer);
        }
    }
    Err(if someone_is_ready { Reject::WrongIssuer } else { Reject::NotReady })
}

#[cfg(test)]
mod tests;
