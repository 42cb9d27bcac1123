//! Known good tokens: a bounded, sharded map from the SHA-256 of a whole token to what was verified about it.
//!
//! Only tokens whose signature was verified are kept, one map an issuer, so a flood of forgeries fills nothing and no verdict
//! crosses issuers. A hit says "the signature was good"; time and revocation are asked again each time, a route's own rule once for each token.
//! Two generations a shard bound the bytes: what is used moves to the young one, and when that is full the old one is dropped whole.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use common::clock::UnixMillis;
use foldhash::fast::RandomState;
use ring::digest;

use crate::snapshot::identity::Identity;

const SHARDS: usize = 32;
/// Key, pointer, map slot and allocation headers of one entry; bytes.
const ENTRY_OVERHEAD: usize = 160;

/// The SHA-256 of a whole token: the one name under which a verdict is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub fn of(token: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, token.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.as_ref());
        Self(bytes)
    }

    /// What a proof for the token names it by (`ath`, RFC 9449 §4.2).
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn shard(self) -> usize {
        let Self([first, ..]) = self;
        usize::from(first) % SHARDS
    }
}

/// The verdicts on one issuer's tokens.
pub struct Verdicts {
    shards: [Mutex<Shard>; SHARDS],
    /// Bytes that one generation of one shard may hold.
    budget: usize,
    /// Counted by the maps before this one.
    before: Tally,
}

#[derive(Default)]
struct Shard {
    young: Generation,
    old: Generation,
    tally: Tally,
}

/// How often tokens were known, and how often one had to be verified because it was not. Counted under the lock that is held anyway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub hits: u64,
    pub misses: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.hits += more.hits;
        self.misses += more.misses;
    }
}

#[derive(Default)]
struct Generation {
    map: HashMap<TokenDigest, Arc<Identity>, RandomState>,
    bytes: usize,
}

impl Verdicts {
    /// `bytes` bounds the whole map. It goes on counting where `before` stands.
    pub fn bounded(bytes: usize, before: Tally) -> Self {
        Self { shards: Default::default(), budget: bytes / SHARDS / 2, before }
    }

    /// The verdict on this token, unless it has expired.
    pub fn get(&self, token: TokenDigest, now: UnixMillis) -> Option<Arc<Identity>> {
        let mut shard = self.shards.get(token.shard())?.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shard.find(token, now, self.budget)?;
        shard.tally.hits += 1;
        Some(known)
    }

    /// Keeps what was verified of a token that was not known.
    pub fn insert(&self, token: TokenDigest, identity: Arc<Identity>) {
        let Some(shard) = self.shards.get(token.shard()) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.tally.misses += 1;
        shard.keep(token, identity, self.budget);
    }

    /// What was counted so far, by the maps before this one too.
    pub fn tally(&self) -> Tally {
        let mut sum = self.before;
        for shard in &self.shards {
            sum += shard.lock().unwrap_or_else(PoisonError::into_inner).tally;
        }
        sum
    }

    /// Tokens held now.
    pub fn len(&self) -> usize {
        let held = |shard: &Mutex<Shard>| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.young.map.len() + shard.old.map.len()
        };
        self.shards.iter().map(held).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held now, as accounted.
    pub fn bytes(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| {
                let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                shard.young.bytes + shard.old.bytes
            })
            .sum()
    }
}

impl std::fmt::Debug for Verdicts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verdicts").field("budget", &self.budget).finish_non_exhaustive()
    }
}

impl Shard {
    fn find(&mut self, token: TokenDigest, now: UnixMillis, budget: usize) -> Option<Arc<Identity>> {
        if let Some(known) = self.young.map.get(&token) {
            return if known.token.dies_at() > now { Some(Arc::clone(known)) } else { self.young.forget(&token) };
        }
        let known = self.old.remove(&token)?;
        if known.token.dies_at() <= now {
            return None;
        }
        self.keep(token, Arc::clone(&known), budget);
        Some(known)
    }

    fn keep(&mut self, token: TokenDigest, identity: Arc<Identity>, budget: usize) {
        let cost = cost(&identity);
        if cost > budget {
            return;
        }
        if self.young.bytes + cost > budget {
            self.old = mem::take(&mut self.young);
        }
        if self.young.map.insert(token, identity).is_none() {
            self.young.bytes += cost;
        }
    }
}

impl Generation {
    fn remove(&mut self, token: &TokenDigest) -> Option<Arc<Identity>> {
        let identity = self.map.remove(token)?;
        self.bytes = self.bytes.saturating_sub(cost(&identity));
        Some(identity)
    }

    fn forget(&mut self, token: &TokenDigest) -> Option<Arc<Identity>> {
        self.remove(token);
        None
    }
}

fn cost(identity: &Identity) -> usize {
    ENTRY_OVERHEAD + identity.weight()
}

#[cfg(test)]
mod tests;
