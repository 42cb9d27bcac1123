//! What the feed brings, translated into the picture. The feed's client calls this from the control thread, one call at a time;
//! when a call returns, what it brought is in force.

pub mod acls;

use std::collections::HashSet;
use std::sync::Arc;

use common::clock::UnixMillis;
use common::feed::{
    Alarm, Change, FeedName, FeedState, KeyPurpose, KeyUsage, ManagedKind, PublicKey, Removable, Revoked,
};
use common::ids::PoolId;
use common::jose::{Jwk, Jwks, KeySet};
use common::verify::{Leeway, Profile};

use self::acls::PoolAcls;
use crate::attest::{Attester, Slot};
use crate::challenge::Challenges;
use crate::feed::{Certified, FeedSink};
use crate::observe::Metrics;
use crate::rates::Limits;
use crate::snapshot::deaths::Deaths;
use crate::snapshot::issuer::Trust;
use crate::snapshot::picture::{Picture, PoolState};
use crate::snapshot::tenants::Tenants;

/// Writes pools into the picture.
pub struct Pools {
    picture: Arc<Picture>,
    metrics: Arc<Metrics>,
    attester: Arc<Slot>,
    acls: Arc<PoolAcls>,
    challenges: Option<Arc<Challenges>>,
    limits: Option<Arc<Limits>>,
}

impl Pools {
    pub fn new(picture: Arc<Picture>, metrics: Arc<Metrics>, attester: Arc<Slot>, acls: Arc<PoolAcls>) -> Self {
        Self { picture, metrics, attester, acls, challenges: None, limits: None }
    }

    /// With those who take the keys of challenges that edges share.
    pub fn with_challenges(self, challenges: Arc<Challenges>) -> Self {
        Self { challenges: Some(challenges), ..self }
    }

    /// With those who count with the key of limits that edges share.
    pub fn with_limits(self, limits: Arc<Limits>) -> Self {
        Self { limits: Some(limits), ..self }
    }

    /// What belongs to no pool.
    fn deployment(&self, state: &FeedState) {
        if let Some(challenges) = &self.challenges {
            challenges.share(state.deployment_keys(KeyUsage::Challenge).map(|key| key.key).collect());
        }
        if let (Some(limits), Some(newest)) = (&self.limits, state.deployment_keys(KeyUsage::Limit).next()) {
            limits.share_under(newest.key.first_chunk().copied().unwrap_or_default());
        }
    }
}

impl FeedSink for Pools {
    fn replace(&self, feed: &FeedName, state: &FeedState) {
        let FeedName::Pool(pool) = feed else { return self.deployment(state) };
        let deaths = Deaths::of(state.revoked());
        let trust = trust(pool, state).unwrap_or_else(|problem| {
            tracing::error!(%pool, problem, "the pool's keys are refused; the last good ones stay");
            self.picture.trusted(&name(pool))
        });
        // What stands before the pool's operations comes first: nothing passes in between.
        self.acls.take(pool, state);
        self.picture.tenants(|tenants| {
            tenants.add_clients(pool, state.clients().map(|client| &client.client_id));
            tenants.set_hosts(pool, hosts(state));
        });
        let disabled_clients = disabled(state);
        self.picture.replace(&name(pool), PoolState { trust, deaths, disabled_clients, as_of: None });
    }

    fn advance(&self, feed: &FeedName, changes: &[Change], state: &FeedState) {
        let FeedName::Pool(pool) = feed else {
            if changes.iter().any(touches_keys) {
                self.deployment(state);
            }
            return;
        };
        let issuer = name(pool);
        // None at all: the state has forgotten what has left.
        if changes.is_empty() || changes.iter().any(|change| matches!(change, Change::Revoked(_))) {
            self.picture.deaths(&issuer, |deaths| deaths.after(changes, state.revoked()));
        }
        if changes.iter().any(touches_trust) {
            match trust(pool, state) {
                Ok(trust) => self.picture.trust(&issuer, trust),
                Err(problem) => {
                    tracing::error!(%pool, problem, "the pool's new keys are refused; the last good ones stay")
                }
            }
        }
        if changes.iter().any(touches_web_acl) {
            self.acls.take(pool, state);
        }
        if changes.iter().any(touches_domain) {
            self.picture.tenants(|tenants| tenants.set_hosts(pool, hosts(state)));
        }
        if changes.iter().any(touches_clients) {
            self.picture.disabled_clients(&issuer, disabled(state));
            self.picture.tenants(|tenants| follow_clients(tenants, pool, changes));
        }
    }

    fn remove(&self, feed: &FeedName) {
        if let FeedName::Pool(pool) = feed {
            self.picture.trust(&name(pool), None);
            self.acls.forget(pool);
        }
    }

    fn fresh(&self, feed: &FeedName, as_of: UnixMillis) {
        if let FeedName::Pool(pool) = feed {
            self.picture.heartbeat(&name(pool), as_of);
        }
    }

    fn identity(&self, identity: &Certified<'_>) {
        match Attester::new(identity.edge, identity.key, identity.certificate, &identity.authority) {
            Ok(attester) => self.attester.store(Some(Arc::new(attester))),
            Err(error) => tracing::error!(%error, "the edge's key signs no attestations"),
        }
    }

    fn alarm(&self, _alarm: &Alarm) {
        self.metrics.feed_alarms.inc();
    }
}

/// The name under which routes know a pool.
fn name(pool: &PoolId) -> String {
    format!("pool:{pool}")
}

/// None: the pool is switched off or unknown.
fn trust(pool: &PoolId, state: &FeedState) -> Result<Option<Trust>, &'static str> {
    let Some(settings) = state.pools().find(|settings| settings.pool == *pool && settings.enabled) else {
        return Ok(None);
    };
    let keys = |purpose| key_set(&settings.iss, purpose, state).map(Arc::new);
    Ok(Some(Trust {
        profile: Profile::Cognito,
        leeway: Leeway::default(),
        access_keys: keys(KeyPurpose::AccessToken)?,
        id_keys: keys(KeyPurpose::IdToken)?,
        groups: None,
    }))
}

/// All keys of one purpose, or none: one bad key means that something is wrong with the rest, too (SECURITY.md T13).
fn key_set(iss: &str, purpose: KeyPurpose, state: &FeedState) -> Result<KeySet, &'static str> {
    let wanted = |key: &&PublicKey| key.purpose == purpose && key.state.verifies() && !state.revoked().key(&key.kid);
    let mut keys = Vec::new();
    for key in state.keys().filter(wanted) {
        let jwk = Jwk::parse(&key.jwk).map_err(|_| "a key is no public JWK")?;
        if jwk.kid() != key.kid || jwk.alg().is_none_or(|alg| alg.name() != key.alg) {
            return Err("a key is not what its record says");
        }
        keys.push(jwk);
    }
    let jwks = Jwks::new(keys).map_err(|_| "two keys have one name, or there are too many")?;
    KeySet::new(iss, jwks).map_err(|_| "a key does not fit its algorithm")
}

fn disabled(state: &FeedState) -> HashSet<String> {
    state.clients().filter(|client| !client.enabled).map(|client| client.client_id.to_string()).collect()
}

fn touches_trust(change: &Change) -> bool {
    match change {
        Change::PublicKey(_) | Change::Pool(_) => true,
        Change::Removed(what) => matches!(what, Removable::PublicKey { .. } | Removable::Pool(_)),
        Change::Revoked(revoked) => matches!(revoked, Revoked::Key { .. }),
        Change::Client(_) | Change::NameKey(_) | Change::DeploymentKey(_) | Change::Managed { .. } => false,
    }
}

fn touches_keys(change: &Change) -> bool {
    matches!(change, Change::DeploymentKey(_) | Change::Removed(Removable::DeploymentKey { .. }))
}

fn touches_web_acl(change: &Change) -> bool {
    matches!(managed(change), Some(ManagedKind::WebAcl | ManagedKind::WebAclPart))
}

fn touches_domain(change: &Change) -> bool {
    managed(change) == Some(ManagedKind::Domain)
}

fn managed(change: &Change) -> Option<ManagedKind> {
    match change {
        Change::Managed { kind, .. } | Change::Removed(Removable::Managed { kind, .. }) => Some(*kind),
        _ => None,
    }
}

/// Where the pages of a pool answer, over all of its domains.
fn hosts(state: &FeedState) -> Vec<String> {
    let documents = state.managed(ManagedKind::Domain).filter_map(|(_, document)| std::str::from_utf8(document).ok());
    documents.flat_map(|document| document.lines().map(str::to_owned)).collect()
}

fn follow_clients(tenants: &mut Tenants, pool: &PoolId, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Client(client) => tenants.add_clients(pool, [&client.client_id]),
            Change::Removed(Removable::Client(client)) => tenants.remove_client(client),
            _ => {}
        }
    }
}

fn touches_clients(change: &Change) -> bool {
    matches!(change, Change::Client(_) | Change::Removed(Removable::Client(_)))
}

#[cfg(test)]
mod tests;
