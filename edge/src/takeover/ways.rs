//! Bounded memory by key: sets of eight places, made when a key comes for the first time. A full set gives up the key that loses least, and of those the one
//! that was seen longest ago. So a flood of keys that were seen once drives out its own kind.

use std::sync::{Mutex, PoisonError};

use siphasher::sip::SipHasher13;
use std::hash::Hasher;

use crate::rates::{Key, Moment, Secret};

const WAYS: usize = 8;
const SHARDS: usize = 64;

/// What is kept under a key.
pub trait Kept: Default {
    /// What is lost if it is forgotten.
    fn weight(&self) -> u32;
}

type Set<T> = Vec<(Key, u32, T)>;
type Shard<T> = Mutex<Vec<Option<Box<Set<T>>>>>;

/// At most so many keys. All methods take `&self`, from any number of threads.
pub struct Ways<T> {
    shards: Box<[Shard<T>]>,
    sets: usize,
    secret: Secret,
}

impl<T: Kept> Ways<T> {
    /// `secret` decides where keys lie, so that nobody outside can aim.
    pub fn of(keys: usize, secret: Secret) -> Self {
        let sets = (keys / WAYS / SHARDS).max(1);
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), sets, secret }
    }

    /// Acts on what is kept under the key, which it is from now on.
    pub fn with<R>(&self, now: Moment, key: Key, act: impl FnOnce(&mut T) -> R) -> Option<R> {
        let (shard, place) = self.place(key)?;
        let mut sets = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.is_empty() {
            sets.resize_with(self.sets, || None);
        }
        let set = sets.get_mut(place)?.get_or_insert_with(Default::default);
        let at = match set.iter().position(|(one, ..)| *one == key) {
            Some(at) => at,
            None => {
                if set.len() >= WAYS {
                    let least = set.iter().enumerate().min_by_key(|(_, (_, seen, kept))| {
                        (kept.weight(), u32::MAX - now.coarse().wrapping_sub(*seen))
                    });
                    let least = least.map(|(at, _)| at)?;
                    set.swap_remove(least);
                }
                set.push((key, now.coarse(), T::default()));
                set.len() - 1
            }
        };
        let (_, seen, kept) = set.get_mut(at)?;
        *seen = now.coarse();
        Some(act(kept))
    }

    /// Looks at what is kept under the key, if it is.
    pub fn look<R>(&self, key: Key, see: impl FnOnce(&T) -> R) -> Option<R> {
        let (shard, place) = self.place(key)?;
        let sets = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let set = sets.get(place)?.as_ref()?;
        set.iter().find(|(one, ..)| *one == key).map(|(.., kept)| see(kept))
    }

    fn place(&self, key: Key) -> Option<(&Shard<T>, usize)> {
        let mut hasher = SipHasher13::new_with_key(&self.secret);
        hasher.write_u128(key.0);
        let hash = usize::try_from(hasher.finish()).unwrap_or_default();
        Some((self.shards.get(hash % SHARDS)?, (hash / SHARDS) % self.sets))
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        let of_shard = |shard: &Shard<T>| shard.lock().unwrap().iter().flatten().map(|set| set.len()).sum::<usize>();
        self.shards.iter().map(of_shard).sum()
    }
}

impl<T> std::fmt::Debug for Ways<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ways").field("keys", &(self.sets * WAYS * SHARDS)).finish_non_exhaustive()
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
        let ways = Ways::of(4_096, [3; 16]);
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
