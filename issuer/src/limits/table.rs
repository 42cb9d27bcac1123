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
        let hash = self.hashers.each_ref().map(|hasher| hasher.hash_one(key).max(1));
        let [choice, _] = hash;
        let (shard, rest) = (choice % self.shards.len() as u64, choice / self.shards.len() as u64);
        let set = (rest % self.sets_a_shard) as usize;
        let full_bucket = || decide(quota, FullAt::default(), now, cost).0;
        let Some(shard) = self.shards.get(shard as usize) else { return full_bucket() };
        // A slot is written whole, so a panic elsewhere leaves nothing half done.
        let mut slots = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(slot) = slots.chunks_exact_mut(WAYS).nth(set).and_then(|set| slot_for(set, hash)) else {
            return full_bucket();
        };
        let (decision, full_at) = decide(quota, slot.full_at, now, cost);
        slot.full_at = full_at;
        decision
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
