//! A signed request is done once.
//!
//! A signature covers host, date, target and body, and its date has whole seconds: two equal calls of one honest client within a second have
//! equal signatures (botocore leaves `amz-sdk-invocation-id`, which differs, unsigned). So a request is known by its signature **and** what
//! SDKs add to each try; the same signature with another invocation id passes only for [`RENEWABLE`] after it was first seen.
//!
//! What changes something is remembered in the database, before it is done: no restart and no other issuer takes it again. What only reads is
//! remembered in memory.

use std::time::Duration;

use common::clock::UnixMillis;
use common::sigv4::MAX_SKEW;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use ring::digest::{SHA256, digest};

use super::error::AccessError;
use super::rows;
use crate::store::{Batch, CommitError, Store};

/// How long one signature may come with new invocation ids: a second's worth of calls, and their way here.
const RENEWABLE: Duration = Duration::from_secs(2);
/// A request's date may be [`MAX_SKEW`] ahead and is good for as long after it.
pub(super) const HELD: Duration = MAX_SKEW.saturating_mul(2).saturating_add(Duration::from_secs(1));
/// Reading requests that are remembered, at about 150 bytes each: past it the oldest are forgotten.
const REMEMBERED: u64 = 100_000;

/// What tells one request from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    pub(super) signature: [u8; 32],
    /// SHA-256 of what SDKs add to each try.
    pub(super) variant: [u8; 32],
}

/// Whether doing a request twice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Reads,
    Changes,
}

impl Effect {
    /// Of an operation of Cognito or AWS WAF, by its name.
    pub fn of(operation: &str) -> Self {
        let reads = ["List", "Describe", "Get", "AdminGet", "AdminList", "CheckCapacity"];
        if reads.iter().any(|prefix| operation.starts_with(prefix)) { Self::Reads } else { Self::Changes }
    }
}

impl Fingerprint {
    /// `tries` are the values of the headers that SDKs add to each try, or `None` where one did not come.
    pub fn new<const N: usize>(signature: [u8; 32], tries: [Option<&[u8]>; N]) -> Self {
        let mut text = Vec::new();
        for value in tries {
            let value = value.unwrap_or_default();
            text.extend_from_slice(&(value.len() as u64).to_be_bytes());
            text.extend_from_slice(value);
        }
        let mut variant = [0; 32];
        variant.copy_from_slice(digest(&SHA256, &text).as_ref());
        Self { signature, variant }
    }
}

/// The requests of the last minutes.
pub struct Recent {
    requests: Cache<Fingerprint, ()>,
    /// When each signature was first seen.
    signatures: Cache<[u8; 32], UnixMillis>,
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            requests: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(HELD)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
            signatures: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(HELD)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
        }
    }
}

impl Recent {
    /// Takes a request, or refuses it for having come before.
    pub async fn take(
        &self,
        store: &Store,
        request: &Fingerprint,
        effect: Effect,
        now: UnixMillis,
    ) -> Result<(), AccessError> {
        let first = self.signatures.get_with(request.signature, || now);
        let renewed = now.minus(RENEWABLE);
        if first < renewed || !self.requests.entry(*request).or_insert(()).is_fresh() {
            return Err(AccessError::Replayed);
        }
        if effect == Effect::Reads {
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.extend(rows::once(request, now, renewed));
        store.commit(batch).await.map_err(|error| match error {
            CommitError::Missed { .. } => AccessError::Replayed,
            other => AccessError::Commit(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::on_both_engines;
    use crate::store::Migration;

    const T: UnixMillis = UnixMillis(1_700_000_000_000);

    fn migrations() -> Vec<&'static Migration> {
        vec![&rows::MIGRATION, &rows::POLICIES, &rows::REQUESTS]
    }

    fn request(signature: u8, id: &'static str) -> Fingerprint {
        Fingerprint::new([signature; 32], [Some(id.as_bytes()), None])
    }

    fn later(millis: u64) -> UnixMillis {
        UnixMillis(T.0 + millis)
    }

    async fn each_request_is_taken_once(store: Store) {
        for effect in [Effect::Reads, Effect::Changes] {
            let here = Recent::default();
            let signature = effect as u8;
            let mut outcome = Vec::new();
            for (id, at) in [("a", T), ("a", T), ("b", later(900)), ("b", later(901)), ("c", later(2_100))] {
                outcome.push(here.take(&store, &request(signature, id), effect, at).await.is_ok());
            }
            assert_eq!(outcome, [true, false, true, false, false], "{effect:?}");
        }
    }

    async fn a_change_is_taken_once_by_all_issuers_and_after_a_restart(store: Store) {
        Recent::default().take(&store, &request(7, "a"), Effect::Changes, T).await.unwrap();
        for (id, at) in [("a", T), ("a", later(1)), ("x", later(2_500))] {
            let again = Recent::default().take(&store, &request(7, id), Effect::Changes, at).await;
            assert!(matches!(again, Err(AccessError::Replayed)), "{id}");
        }
        let mut batch = Batch::new();
        batch.add(rows::prune(T.plus(HELD)));
        store.commit(batch.clone()).await.unwrap();
        assert!(Recent::default().take(&store, &request(7, "a"), Effect::Changes, T).await.is_err());
    }

    async fn of_many_at_once_one_is_taken(store: Store) {
        let recents: Vec<Recent> = (0..16).map(|_| Recent::default()).collect();
        let one = request(9, "same");
        let tries = recents.iter().map(|recent| recent.take(&store, &one, Effect::Changes, T));
        let taken = futures_util::future::join_all(tries).await.into_iter().filter(Result::is_ok).count();
        assert_eq!(taken, 1);
    }

    on_both_engines!(
        each_request_is_taken_once,
        a_change_is_taken_once_by_all_issuers_and_after_a_restart,
        of_many_at_once_one_is_taken
    );

    #[test]
    fn effects() {
        let cases = [
            ("ListUsers", Effect::Reads),
            ("DescribeUserPool", Effect::Reads),
            ("AdminGetUser", Effect::Reads),
            ("AdminListGroupsForUser", Effect::Reads),
            ("AdminInitiateAuth", Effect::Changes),
            ("AdminLinkProviderForUser", Effect::Changes),
            ("SetUserPoolMfaConfig", Effect::Changes),
        ];
        for (operation, effect) in cases {
            assert_eq!(Effect::of(operation), effect, "{operation}");
        }
    }

    #[test]
    fn tries_do_not_run_together() {
        let one = Fingerprint::new([0; 32], [Some(b"ab"), Some(b"c")]);
        assert_ne!(one, Fingerprint::new([0; 32], [Some(b"a"), Some(b"bc")]));
        assert_ne!(one, Fingerprint::new([0; 32], [Some(b"abc"), None]));
    }
}
