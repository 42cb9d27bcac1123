//! Buckets of this process, in memory that never grows.
//!
//! The table is set-associative, like a processor's cache: a keyed hash chooses a set of eight slots; when all are taken, the new
//! key replaces the one whose bucket is nearest to full, so that those who are being held back stay. No sweep, no allocation
//! after the start, and a lookup looks at eight slots. A replaced key starts with a full bucket: size the table for the keys of
//! one refill time. The hash is keyed at random, so that nobody can choose keys that meet in one set.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, PoisonError};

use common::clock::UnixMillis;

use crate::limits::gcra::{Decision, FullAt, Quota, decide};

const WAYS: usize = 8;
const MAX_SHARDS: usize = 64;

/// A bounded map from key to bucket, for many threads.
pub struct Table {
    /// Each shard holds whole sets.
    shards: Box<[Mutex<Box<[Slot]>>]>,
    sets_a_shard: u64,
    hashers: [RandomState; 2],
}

/// 128 bits of hash stand for the key; all zero for none.
#[derive(Clone, Copy, Default)]
struct Slot {
    key: [u64; 2],
    full_at: FullAt,
}

impl Table {
    /// `capacity` in keys, rounded up to whole sets; 24 bytes each.
    pub fn new(capacity: usize) -> Self {
        let sets = capacity.div_ceil(WAYS).max(1);
        let shards = sets.min(MAX_SHARDS);
        let sets_a_shard = sets.div_ceil(shards);
        let shard = || Mutex::new(vec![Slot::default(); sets_a_shard * WAYS].into_boxed_slice());
        Self {
            shards: (0..shards).map(|_| shard()).collect(),
            sets_a_shard: sets_a_shard as u64,
            hashers: [RandomState::new(), RandomState::new()],
        }
    }

    /// Keys that it can hold.
    pub fn capacity(&self) -> usize {
        self.shards.len() * self.sets_a_shard as usize * WAYS
    }

    /// Takes `cost` out of the key's bucket, see [`decide`]. The key names the quota too: one key, one quota.
    pub fn take(&self, key: &impl Hash, quota: Quota, now: UnixMillis, cost: u32) -> Decision {
        let hash = self.hash(key);
        let taken = self.in_set(hash, |set| {
            let slot = slot_for(set, hash)?;
            let (decision, full_at) = decide(quota, slot.full_at, now, cost);
            slot.full_at = full_at;
            Some(decision)
        });
        taken.unwrap_or_else(|| decide(quota, FullAt::default(), now, cost).0)
    }

    /// What [`Table::take`] would say. Nothing changes, and a key that isn't there takes nobody's place.
    pub fn look(&self, key: &impl Hash, quota: Quota, now: UnixMillis, cost: u32) -> Decision {
        let hash = self.hash(key);
        let full_at = self.in_set(hash, |set| set.iter().find(|slot| slot.key == hash).map(|slot| slot.full_at));
        let (decision, _) = decide(quota, full_at.unwrap_or_default(), now, cost);
        let taken = if decision.is_allowed() { cost } else { 0 };
        Decision { remaining: decision.remaining.saturating_add(taken), ..decision }
    }

    fn hash(&self, key: &impl Hash) -> [u64; 2] {
        self.hashers.each_ref().map(|hasher| hasher.hash_one(key).max(1))
    }

    /// Works on the set that a key belongs to, under its shard's lock.
    fn in_set<T>(&self, hash: [u64; 2], work: impl FnOnce(&mut [Slot]) -> Option<T>) -> Option<T> {
        let [choice, _] = hash;
        let (shard, rest) = (choice % self.shards.len() as u64, choice / self.shards.len() as u64);
        let set = (rest % self.sets_a_shard) as usize;
        // A slot is written whole, so a panic elsewhere leaves nothing half done.
        let mut slots = self.shards.get(shard as usize)?.lock().unwrap_or_else(PoisonError::into_inner);
        slots.chunks_exact_mut(WAYS).nth(set).and_then(work)
    }
}

/// The key's slot, or the one to replace, emptied. `None` only for an empty set.
fn slot_for(set: &mut [Slot], key: [u64; 2]) -> Option<&mut Slot> {
    let own = set.iter().position(|slot| slot.key == key);
    match own {
        Some(at) => set.get_mut(at),
        None => {
            let slot = set.iter_mut().min_by_key(|slot| slot.full_at)?;
            *slot = Slot { key, full_at: FullAt::default() };
            Some(slot)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::time::Duration;

    const T: UnixMillis = UnixMillis(1_700_000_000_000);

    fn quota(rate: u32) -> Quota {
        Quota::per(Duration::from_secs(10), rate).unwrap()
    }

    #[test]
    fn capacity_is_rounded_up_and_never_zero() {
        assert_eq!(Table::new(0).capacity(), 8);
        assert_eq!(Table::new(9).capacity(), 16);
        assert!((100_000..101_000).contains(&Table::new(100_000).capacity()));
    }

    #[test]
    fn a_flood_of_keys_neither_grows_the_table_nor_frees_whom_it_holds_back() {
        let table = Table::new(64);
        for _ in 0..5 {
            table.take(&"held", quota(5), T, 1);
        }
        for key in 0..10_000 {
            assert!(table.take(&key, quota(5), T, 1).is_allowed());
        }
        assert!(!table.take(&"held", quota(5), T, 1).is_allowed());
    }

    #[test]
    fn looking_changes_nothing() {
        let table = Table::new(0);
        assert_eq!(table.look(&"key", quota(2), T, 1).remaining, 2);
        table.take(&"key", quota(2), T, 1);
        for stranger in 0..1_000 {
            assert!(table.look(&stranger, quota(2), T, 1).is_allowed());
        }
        assert_eq!(table.look(&"key", quota(2), T, 1).remaining, 1);
        assert_eq!(table.take(&"key", quota(2), T, 1).remaining, 0);
        assert!(!table.look(&"key", quota(2), T, 1).is_allowed());
    }

    #[test]
    fn threads_share_one_bucket() {
        let table = Table::new(1024);
        let allowed: usize = std::thread::scope(|scope| {
            let run = || (0..100).filter(|_| table.take(&"key", quota(150), T, 1).is_allowed()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(allowed, 150);
    }

    proptest! {
        /// With room for all keys the table is a map.
        #[test]
        fn as_a_map(requests in proptest::collection::vec((0u8..8, 0u64..2_000, 0u32..3), 1..200)) {
            let (table, mut map, mut now) = (Table::new(8), HashMap::new(), T);
            for (key, step, cost) in requests {
                now = now.plus(Duration::from_millis(step));
                let state = map.entry(key).or_insert(FullAt::default());
                let (expected, next) = decide(quota(4), *state, now, cost);
                *state = next;
                prop_assert_eq!(table.take(&key, quota(4), now, cost), expected);
            }
        }
    }
}
