//! Whether the edge that vouches for a public request has asked the web ACL of the request's pool.
//!
//! An edge finds the pool for itself, before the issuer does, and its attestation names the pool whose web ACL has let the request pass. So this is where
//! both findings meet: an edge that has not heard of the pool, or takes the request for another's, lets nothing around a web ACL.
//!
//! Edges learn of an association as soon as it is committed, and yet after the commit: for [`GRACE`] an attestation without one counts. Whoever is
//! further behind is refused with 503, which its client may try again.

use std::time::Duration;

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::ids::PoolId;
use moka::sync::Cache;

use super::{Public, vouching};
use crate::services::Services;
use crate::vouching::{Refusal, Vouched};
use crate::waf;

/// How far behind its issuer an edge may be with an association.
const GRACE: Duration = Duration::from_secs(5);
/// How long what the rows said counts for those that pass by it: less than [`GRACE`], so that an association that came since is one that edges need not
/// know of.
const REMEMBERED: Duration = Duration::from_secs(1);
/// At about 200 bytes each.
const MOST: u64 = 10_000;

/// Since when pools have their web ACLs, as read lately. None: a pool has none.
pub struct Associations(Cache<PoolId, Read>);

/// What a row said, and when. The cache alone goes by another clock than associations do.
#[derive(Clone, Copy)]
struct Read {
    at: UnixMillis,
    since: Option<UnixMillis>,
}

impl Associations {
    pub fn new() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_live(REMEMBERED).build())
    }

    async fn since(&self, services: &Services, pool: &PoolId) -> Result<Option<UnixMillis>, Fault> {
        match self.0.get(pool).filter(|known| services.now().since(known.at) < REMEMBERED) {
            Some(known) => Ok(known.since),
            None => self.read(services, pool).await,
        }
    }

    async fn read(&self, services: &Services, pool: &PoolId) -> Result<Option<UnixMillis>, Fault> {
        let at = services.now();
        let row = services.store.one(waf::rows::associated_at(pool)).await?;
        let since = row.map(|row| row.u64(0).map(UnixMillis)).transpose()?;
        self.0.insert(pool.clone(), Read { at, since });
        Ok(since)
    }
}

/// # Errors
/// The refusal, where the pool has a web ACL and this attestation does not say that it was asked.
pub async fn check(public: &Public, vouched: &Vouched, pool: &PoolId) -> Result<(), Fault> {
    if vouched.web_acl.as_ref() == Some(pool) {
        return Ok(());
    }
    let (services, now) = (&public.services, public.services.now());
    let is_due = |since: Option<UnixMillis>| since.is_some_and(|since| now.since(since) >= GRACE);
    if !is_due(public.associations.since(services, pool).await?) {
        return Ok(());
    }
    // Nobody is refused for what has been taken back since.
    if !is_due(public.associations.read(services, pool).await?) {
        return Ok(());
    }
    let refusal = if vouched.web_acl.is_some() { Refusal::OtherWebAcl } else { Refusal::NoWebAcl };
    Err(vouching::of_edge(public, vouched, refusal))
}
