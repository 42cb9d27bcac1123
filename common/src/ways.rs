//! A map of bounded memory: each key may lie in one set of eight places, and where they are all taken the coldest one of them goes. It takes up its
//! memory as keys come.

use std::hash::{BuildHasher, Hash, RandomState};

/// Places of a set.
const WAYS: usize = 8;

/// At most so many keys, and values of them.
pub struct Ways<K, V> {
    sets: Box<[Vec<(K, V)>]>,
    hasher: RandomState,
    used: usize,
}

impl<K: Hash + Eq, V> Ways<K, V> {
    /// Of at most so many keys (eight at least), each of which takes the size of key and value.
    pub fn bounded(most: usize) -> Self {
        let sets = (0..(most / WAYS).max(1)).map(|_| Vec::new()).collect();
        Self { sets, hasher: RandomState::new(), used: 0 }
    }

    pub fn len(&self) -> usize {
        self.used
    }

    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let set = self.sets.get_mut(place(&self.hasher, key, self.sets.len()))?;
        set.iter_mut().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    /// The value of a key, which is made if it is not there; and whom that drove out, the one of its set with the least heat. None only if there
    /// is no memory at all.
    pub fn entry<H: Ord>(
        &mut self,
        key: K,
        make: impl FnOnce() -> V,
        heat: impl Fn(&V) -> H,
    ) -> Option<(&mut V, Option<V>)> {
        let set = self.sets.get_mut(place(&self.hasher, &key, self.sets.len()))?;
        if let Some(at) = set.iter().position(|(other, _)| *other == key) {
            return set.get_mut(at).map(|(_, value)| (value, None));
        }
        let mut gone = None;
        let at = if set.len() < WAYS {
            self.used += 1;
            set.reserve_exact(1);
            set.push((key, make()));
            set.len() - 1
        } else {
            let at = (0..set.len()).min_by_key(|at| set.get(*at).map(|(_, value)| heat(value)))?;
            gone = set.get_mut(at).map(|place| std::mem::replace(place, (key, make())).1);
            at
        };
        set.get_mut(at).map(|(_, value)| (value, gone))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.sets.iter().flatten().map(|(key, value)| (key, value))
    }
}

fn place<K: Hash>(hasher: &RandomState, key: &K, sets: usize) -> usize {
    let sets = u64::try_from(sets).unwrap_or(u64::MAX).max(1);
    usize::try_from(hasher.hash_one(key) % sets).unwrap_or(0)
}

impl<K, V> std::fmt::Debug for Ways<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ways").field("used", &self.used).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_so_many_and_the_coldest_goes() {
        let mut ways = Ways::bounded(WAYS);
        for key in 0..WAYS {
            *ways.entry(key, || 0, |heat| *heat).unwrap().0 = key + 5;
        }
        assert_eq!(ways.len(), WAYS);
        *ways.get_mut(&2).unwrap() = 1;
        let (value, gone) = ways.entry(99, || 50, |heat| *heat).unwrap();
        assert_eq!((*value, gone), (50, Some(1)));
        assert_eq!(ways.get_mut(&2), None);
        assert_eq!(ways.len(), WAYS);
        assert_eq!(ways.entry(99, || 0, |heat| *heat).map(|(value, gone)| (*value, gone)), Some((50, None)));
        assert_eq!(ways.iter().count(), WAYS);
    }

    #[test]
    fn a_flood_of_cold_keys_leaves_the_warm_ones() {
        let mut ways = Ways::bounded(1_024);
        (0..100).for_each(|key| *ways.entry(key, || 0, |heat| *heat).unwrap().0 = 10);
        (1_000..100_000).for_each(|key| *ways.entry(key, || 0, |heat| *heat).unwrap().0 = 1);
        assert!(ways.len() <= 1_024);
        assert!((0..100).all(|key| ways.get_mut(&key).is_some()));
    }
}
