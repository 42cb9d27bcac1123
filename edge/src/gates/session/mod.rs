//! The session gate: whether a good token has died before its time, and whether this edge would know.

pub mod config;

use common::clock::UnixMillis;
use common::reject::Reject;

use crate::facts::{Bearer, Facts};
use crate::gates::{Outcome, RequestView};
use crate::snapshot::deaths::Kind;
use crate::snapshot::identity::Identity;
use crate::snapshot::issuer::Issuer;
use crate::snapshot::route::{RevocationRule, Stale};

/// Asks after every name under which the bearer's token can be revoked.
pub fn check(request: RequestView<'_>, facts: &Facts) -> Outcome {
    let Some(Bearer { identity, issuer, .. }) = &facts.bearer else { return Outcome::Continue };
    fresh(&request.route.revocation, issuer, request.now).and_then(|()| alive(identity, issuer)).into()
}

/// An issuer that tells revocations must have told them lately; one that tells none must not be required to.
fn fresh(rule: &RevocationRule, issuer: &Issuer, now: UnixMillis) -> Result<(), Reject> {
    let age = match &issuer.news {
        None if rule.required => return Err(Reject::RevocationStale),
        None => return Ok(()),
        Some(news) => news.age(now),
    };
    match (age, rule.stale) {
        (Some(age), _) if age <= rule.max_staleness => Ok(()),
        (_, Stale::Allow) => Ok(()),
        (_, Stale::Deny) if rule.required => Err(Reject::RevocationStale),
        (_, Stale::Deny) => Ok(()),
    }
}

/// The narrow names first: they are the likely ones, and the reason is the more telling.
fn alive(identity: &Identity, issuer: &Issuer) -> Result<(), Reject> {
    if issuer.disabled_clients.contains(&*identity.token.client_id) {
        return Err(Reject::ClientRevoked);
    }
    if issuer.deaths.is_empty() {
        return Ok(());
    }
    let names = &identity.names;
    let asked = [
        (Kind::Token, names.token, Reject::TokenRevoked),
        (Kind::Session, names.session, Reject::SessionRevoked),
        (Kind::User, Some(names.user), Reject::UserRevoked),
        (Kind::Device, names.device, Reject::DeviceRevoked),
        (Kind::Client, Some(names.client), Reject::ClientRevoked),
        (Kind::Key, Some(names.key), Reject::KeyRevoked),
    ];
    for (kind, name, reject) in asked {
        if name.is_some_and(|name| issuer.deaths.kills(kind, name, identity.minted)) {
            return Err(reject);
        }
    }
    Ok(())
}
