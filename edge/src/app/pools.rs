//! What the feed brings, translated into the picture. The feed's client calls this from the control thread, one call at a time;
//! when a call returns, what it brought is in force.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use common::clock::{Clock, UnixMillis};
use common::feed::{Alarm, Change, FeedName, FeedState, KeyPurpose, LONGEST_TOKEN_LIFE, PublicKey, Removable, Revoked};
use common::ids::PoolId;
use common::jose::{Jwk, Jwks, KeySet};
use common::verify::{Leeway, Profile};

use crate::feed::FeedSink;
use crate::observe::Metrics;
use crate::snapshot::deaths::{Death, Fingerprint, Frozen, Kind, Mark};
use crate::snapshot::issuer::Trust;
use crate::snapshot::picture::{Picture, PoolState};

/// Clocks of issuer and edge may differ; forgetting a revocation late costs a few bytes, early a breach.
const CLOCK_MARGIN: Duration = Duration::from_secs(24 * 3600);

/// Writes pools into the picture.
pub struct Pools {
    picture: Arc<Picture>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    folding: Arc<AtomicBool>,
}

impl Pools {
    pub fn new(picture: Arc<Picture>, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self { picture, clock, metrics, folding: Arc::default() }
    }

    /// One fold at a time, on a thread that serves no one. A fold that is skipped is due again at the next revocation.
    fn fold(&self, issuer: String) {
        if self.folding.swap(true, Ordering::AcqRel) {
            return;
        }
        let (picture, folding, now) = (Arc::clone(&self.picture), Arc::clone(&self.folding), self.clock.now());
        let work = move || {
            picture.fold(&issuer, now);
            folding.store(false, Ordering::Release);
        };
        if thread::Builder::new().name("fold".to_owned()).spawn(work).is_err() {
            self.folding.store(false, Ordering::Release);
        }
    }
}

impl FeedSink for Pools {
    fn replace(&self, feed: &FeedName, state: &FeedState) {
        let FeedName::Pool(pool) = feed else { return };
        let mut deaths = Frozen::default();
        for (revoked, leaves_at) in state.revoked().iter() {
            deaths.insert(&death(&revoked, leaves_at.unwrap_or(UnixMillis(u64::MAX))));
        }
        let trust = trust(pool, state).unwrap_or_else(|problem| {
            tracing::error!(%pool, problem, "the pool's keys are refused; the last good ones stay");
            self.picture.trusted(&name(pool))
        });
        self.picture.replace(&name(pool), PoolState { trust, deaths, disabled_clients: disabled(state), as_of: None });
    }

    fn advance(&self, feed: &FeedName, changes: &[Change], state: &FeedState) {
        let FeedName::Pool(pool) = feed else { return };
        let issuer = name(pool);
        let leaves_at = self.clock.now().plus(LONGEST_TOKEN_LIFE + CLOCK_MARGIN);
        let deaths: Vec<Death> = changes.iter().filter_map(|change| death_in(change, leaves_at)).collect();
        if !deaths.is_empty() && self.picture.revoke(&issuer, &deaths) {
            self.fold(issuer.clone());
        }
        if changes.iter().any(touches_trust) {
            match trust(pool, state) {
                Ok(trust) => self.picture.trust(&issuer, trust),
                Err(problem) => {
                    tracing::error!(%pool, problem, "the pool's new keys are refused; the last good ones stay")
                }
            }
        }
        if changes.iter().any(touches_clients) {
            self.picture.disabled_clients(&issuer, disabled(state));
        }
    }

    fn remove(&self, feed: &FeedName) {
        if let FeedName::Pool(pool) = feed {
            self.picture.trust(&name(pool), None);
        }
    }

    fn fresh(&self, feed: &FeedName, as_of: UnixMillis) {
        if let FeedName::Pool(pool) = feed {
            self.picture.heartbeat(&name(pool), as_of);
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
        Change::Client(_) | Change::NameKey(_) | Change::Managed { .. } => false,
    }
}

fn touches_clients(change: &Change) -> bool {
    matches!(change, Change::Client(_) | Change::Removed(Removable::Client(_)))
}

fn death_in(change: &Change, leaves_at: UnixMillis) -> Option<Death> {
    match change {
        Change::Revoked(revoked @ Revoked::Key { .. }) => Some(death(revoked, UnixMillis(u64::MAX))),
        Change::Revoked(revoked) => Some(death(revoked, leaves_at)),
        _ => None,
    }
}

fn death(revoked: &Revoked, leaves_at: UnixMillis) -> Death {
    let (kind, subject, mark) = match revoked {
        Revoked::Token { jti } => (Kind::Token, jti.as_str(), Mark::for_good(leaves_at)),
        Revoked::Session { origin_jti } => (Kind::Session, origin_jti.as_str(), Mark::for_good(leaves_at)),
        Revoked::User { sub, valid_after } => {
            (Kind::User, sub.as_str(), Mark { minted_up_to: *valid_after, leaves_at })
        }
        Revoked::Device { device_key, until } => {
            (Kind::Device, device_key.as_str(), Mark::for_good(leaves_at.max(*until)))
        }
        Revoked::Client { client_id } => (Kind::Client, client_id.as_str(), Mark::for_good(leaves_at)),
        Revoked::Key { kid } => (Kind::Key, kid.as_str(), Mark::for_good(leaves_at)),
    };
    Death { kind, subject: Fingerprint::of(subject), mark }
}

#[cfg(test)]
mod tests;
