//! Bounded memory by key, from any number of threads: [`common::ways`] in shards. A full set gives up the key that loses least, and of those the one that was
//! seen longest ago. So a flood of keys that were seen once drives out its own kind.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::ways;

use crate::rates::{Key, Moment};

const SHARDS: usize = 64;

/// What is kept under a key.
pub trait Kept: Default {
    /// What is lost if it is forgotten.
    fn weight(&self) -> u32;
}

/// When a key was seen last, and what is kept. A shard takes up its memory when its first key comes.
type Shard<T> = Option<ways::Ways<Key, (u32, T)>>;

/// At most so many keys. All methods take `&self`.
pub struct Ways<T> {
    shards: Box<[Mutex<Shard<T>>]>,
    /// Keys of a shard.
    most: usize,
    hasher: RandomState,
}

impl<T: Kept> Ways<T> {
    pub fn of(keys: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            most: keys / SHARDS,
            hasher: RandomState::new(),
        }
    }

    /// Acts on what is kept under the key, which it is from now on.
    pub fn with<R>(&self, now: Moment, key: Key, act: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut shard = self.shard(key)?;
        let kept = shard.get_or_insert_with(|| ways::Ways::bounded(self.most));
        let seen_now = now.coarse();
        let heat = |(seen, kept): &(u32, T)| (kept.weight(), u32::MAX - seen_now.wrapping_sub(*seen));
        let ((seen, kept), _) = kept.entry(key, || (seen_now, T::default()), heat)?;
        *seen = seen_now;
        Some(act(kept))
    }

    /// Looks at what is kept under the key, if it is.
    pub fn look<R>(&self, key: Key, see: impl FnOnce(&T) -> R) -> Option<R> {
        let mut shard = self.shard(key)?;
        let (_, kept) = shard.as_mut()?.get_mut(&key)?;
        Some(see(kept))
    }

    fn shard(&self, key: Key) -> Option<MutexGuard<'_, Shard<T>>> {
        let number = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).ok()?;
        self.shards.get(number).map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().as_ref().map_or(0, ways::Ways::len)).sum()
    }
}

impl<T> std::fmt::Debug for Ways<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ways").field("keys", &(self.most * SHARDS)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[derive(Default)]
    struct Count(u32);

    impl Kept for Count {
        fn weight(&self) -> u32 {
            self.0
        }
    }

    #[test]
    fn a_flood_of_keys_drives_out_its_own_kind() {
        let ways = Ways::of(4_096);
        let at = |seconds| Moment::after(Duration::from_secs(seconds));
        for key in 0..500 {
            ways.with(at(1), Key(key), |count: &mut Count| count.0 += 3);
        }
        for key in 1_000..100_000 {
            ways.with(at(2), Key(key), |count: &mut Count| count.0 = 0);
        }
        assert!(ways.len() <= 4_096);
        let left = (0..500).filter(|key| ways.look(Key(*key), |count| count.0) == Some(3)).count();
        assert!(left > 490, "{left} of 500 that weigh something are left");
    }
}
