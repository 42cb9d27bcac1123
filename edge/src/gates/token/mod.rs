//! The token gate: one bearer token, verified once, known afterwards.

mod bearer;
mod claims;
pub mod config;
mod introspected;

use std::sync::Arc;

use common::clock::UnixMillis;
use common::reject::Reject;
use common::verify::{Unverified, Verified};
use http::HeaderMap;

use crate::facts::{Bearer, Facts};
use crate::gates::{Outcome, RequestView};
use crate::snapshot::Snapshot;
use crate::snapshot::identity::Identity;
use crate::snapshot::introspection::Answer;
use crate::snapshot::issuer::Issuer;
use crate::snapshot::route::{Route, TokenRule};
use crate::snapshot::verdicts::TokenDigest;

/// Demands a token where the route has a rule for one.
pub fn check(request: RequestView<'_>, facts: &mut Facts, snapshot: &Snapshot) -> Outcome {
    let Some(rule) = &request.route.token else { return Outcome::Continue };
    match admit(request, rule, facts.introspected.as_ref(), snapshot) {
        Ok(bearer) => {
            facts.bearer = Some(bearer);
            Outcome::Continue
        }
        Err(Halt::Reject(reject)) => Outcome::Reject(reject),
        Err(Halt::Introspect(position)) => Outcome::NeedIntrospection(position),
    }
}

/// The token of a request, for whoever asks its issuer about it.
pub fn presented(headers: &HeaderMap) -> Result<&str, Reject> {
    bearer::token(headers)
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

fn admit(
    request: RequestView<'_>,
    rule: &TokenRule,
    told: Option<&Answer>,
    snapshot: &Snapshot,
) -> Result<Bearer, Halt> {
    let token = bearer::token(request.headers)?;
    let digest = TokenDigest::of(token);
    let issuers = || rule.issuers.iter().filter_map(|&position| snapshot.issuers.get(position));
    for issuer in issuers() {
        if let Some(identity) = issuer.verdicts.get(digest, request.now) {
            return Ok(known(request, issuer, identity)?);
        }
    }
    if let Some(asked) = introspected::of_opaque(token, rule, snapshot) {
        return introspected::admit(request, token, digest, asked, told);
    }
    let unverified = Unverified::parse(token)?;
    let issuer = claimed_issuer(&unverified, issuers())?;
    if let Some(asked) = introspected::of_jwt(issuer, rule, snapshot) {
        return introspected::admit(request, token, digest, asked, told);
    }
    let identity = Arc::new(first_seen(unverified, issuer, request.route, rule, request.now)?);
    issuer.verdicts.insert(digest, Arc::clone(&identity));
    Ok(Bearer { identity, issuer: Arc::clone(issuer) })
}

/// The signature was good; time is asked again, of token and keys, and this route's own rule, as far as time does not change its answer,
/// unless it has let this very token pass before.
fn known(request: RequestView<'_>, issuer: &Arc<Issuer>, identity: Arc<Identity>) -> Result<Bearer, Reject> {
    if !issuer.is_good(request.now) {
        return Err(Reject::NotReady);
    }
    identity.token.still_valid(request.now)?;
    if !identity.admissions.has(request.route.number) {
        issuer.policy(request.route).ok_or(Reject::NotReady)?.admit(&identity.token)?;
        identity.admissions.add(request.route.number);
    }
    if request.route.token.as_ref().is_some_and(|rule| rule.max_age.is_some()) {
        issuer.policy(request.route).ok_or(Reject::NotReady)?.is_recent(&identity.token, request.now)?;
    }
    Ok(Bearer { identity, issuer: Arc::clone(issuer) })
}

/// A verdict is kept only when the token passed the route's rule too, so that a key for ID tokens never vouches for an access token.
fn first_seen(
    unverified: Unverified<'_>,
    issuer: &Issuer,
    route: &Route,
    rule: &TokenRule,
    now: UnixMillis,
) -> Result<Identity, Reject> {
    let policy = issuer.policy(route).ok_or(Reject::NotReady)?;
    let verified = genuine(unverified, issuer, rule, now)?;
    policy.admit(&verified)?;
    policy.is_recent(&verified, now)?;
    Ok(Identity::new(verified))
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
    let unverified = Unverified::parse(bearer::token(request.headers)?)?;
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
