//! Proofs that have been used: each passes once (RFC 9449 §11.1).
//!
//! A proof is remembered for as long as it could be taken again, and put here only after everything else has let its request pass, so a flood of
//! bad proofs fills nothing. Memory is bounded. Where there is no room, new proofs are refused and none is forgotten before its time: a set
//! that forgets under pressure protects everybody but those who are attacked (SECURITY.md, "rate-limit store full": the known stays, the new
//! is shed).

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use common::clock::UnixMillis;
use common::dpop::{Proof, ProofId};
use foldhash::fast::RandomState;
use prometheus_client::metrics::gauge::Gauge;

const SHARDS: usize = 32;
/// A place in a table of the standard library: the entry and its control byte.
const PLACE_BYTES: usize = size_of::<(ProofId, UnixMillis)>() + 1;
/// A shard is cleared of what is over at most so often, also when it is full: clearing costs a look at each entry.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The used proofs of this process.
pub struct Replay {
    shards: [Mutex<Shard>; SHARDS],
    /// Entries of one shard.
    most: usize,
    /// Seeded, so that nobody can aim at one shard.
    hasher: RandomState,
    held: Gauge,
}

#[derive(Default)]
struct Shard {
    used: HashMap<ProofId, UnixMillis, RandomState>,
    swept: UnixMillis,
}

/// What became of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It was new, and is used up now.
    Now,
    Before,
    /// There is no room to remember it.
    NoRoom,
}

impl Replay {
    /// `bytes` bounds the tables; `held` shows how many proofs are in them.
    pub fn bounded(bytes: usize, held: Gauge) -> Self {
        Self { shards: Default::default(), most: most(bytes / SHARDS), hasher: RandomState::default(), held }
    }

    /// Uses a proof up. Of any number of requests with one proof, at any number of threads, one gets [`Spent::Now`].
    pub fn spend(&self, proof: &Proof, now: UnixMillis) -> Spent {
        self.spend_once(proof.id, proof.until, now)
    }

    /// The same with what else counts once and has a random id, such as a puzzle: it is remembered to the end of `until`.
    pub fn spend_once(&self, id: ProofId, until: UnixMillis, now: UnixMillis) -> Spent {
        let shard = usize::try_from(self.hasher.hash_one(id) % SHARDS as u64).unwrap_or(0);
        let Some(shard) = self.shards.get(shard) else { return Spent::NoRoom };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let before = shard.used.len();
        let spent = shard.spend(id, until, now, self.most);
        self.count(before, shard.used.len());
        spent
    }

    /// Proofs that can be remembered at a time.
    pub fn capacity(&self) -> usize {
        self.most * SHARDS
    }

    fn count(&self, before: usize, after: usize) {
        let change = i64::try_from(after).unwrap_or(0) - i64::try_from(before).unwrap_or(0);
        if change != 0 {
            self.held.inc_by(change);
        }
    }
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}

impl Shard {
    fn spend(&mut self, id: ProofId, until: UnixMillis, now: UnixMillis, most: usize) -> Spent {
        // A clock that was set back is a reason to look, not to wait for it.
        if self.swept > now || now.since(self.swept) >= SWEEP_EVERY {
            self.sweep(now);
        }
        // Not by `entry`, which makes room before it is asked for any.
        match self.used.get(&id) {
            Some(known) if *known >= now => return Spent::Before,
            None if self.used.len() >= most => return Spent::NoRoom,
            Some(_) | None => {}
        }
        self.used.insert(id, until);
        Spent::Now
    }

    /// Makes the table anew: one that has entries taken out of it keeps their places, and may grow beyond its bound over them.
    fn sweep(&mut self, now: UnixMillis) {
        self.swept = now;
        if self.used.values().any(|until| *until < now) {
            self.used = std::mem::take(&mut self.used).into_iter().filter(|(_, until)| *until >= now).collect();
        }
    }
}

/// How many entries a table of so many bytes takes: places are a power of two, of which seven in eight are used.
fn most(bytes: usize) -> usize {
    let places = (bytes / PLACE_BYTES).max(8);
    (1 << places.ilog2()) / 8 * 7
}

#[cfg(test)]
mod tests;
