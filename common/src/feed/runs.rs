//! Revocations of one kind that are folded: a large table and a smaller one of what came since, so that the large one is seldom built anew.

use std::sync::Arc;

use super::packed::{Entry, Name, Order, Packed};
use crate::clock::UnixMillis;

/// The second table is merged into the first from this many entries on, or from the share below, whichever is more.
const LEAST_MERGE: usize = 4096;
const MERGE_SHARE: usize = 64;
/// A table of which so small a share has left is not built anew.
const LEFT_SHARE: usize = 64;

/// The tables, older and larger ones first; two of them, but while a snapshot arrives. Sharing them copies pointers only.
#[derive(Clone, Debug)]
pub(super) struct Runs<V>(Vec<Arc<Packed<V>>>);

/// When tables are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merging {
    /// Few tables, for lookups.
    ForLookups,
    /// Each merge doubles a table: little work and little memory for very many entries one after the other.
    ForArrivals,
    /// One table is left.
    Whole,
}

impl<V> Default for Runs<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V: Copy + Ord> Runs<V> {
    pub fn contains(&self, name: &Name) -> bool {
        self.0.iter().any(|run| run.contains(name))
    }

    pub fn value(&self, name: &Name) -> Option<V> {
        self.0.iter().filter_map(|run| run.value(name)).max()
    }

    pub fn find(&self, name: &Name) -> Option<Entry<V>> {
        self.0.iter().filter_map(|run| run.find(name)).reduce(Entry::join)
    }

    /// Each name once.
    pub fn iter(&self) -> impl Iterator<Item = (Name, Entry<V>)> {
        self.0.iter().enumerate().flat_map(move |(index, run)| {
            let older = self.0.get(..index).unwrap_or_default();
            let newer = self.0.get(index + 1..).unwrap_or_default();
            run.iter()
                .filter(|(name, _)| !older.iter().any(|run| run.contains(name)))
                .map(|(name, entry)| (name, newer.iter().filter_map(|run| run.find(&name)).fold(entry, Entry::join)))
        })
    }

    /// How many names: a lookup for each of those that are not in the largest table.
    pub fn len(&self) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        let new = |(index, run): (usize, &Arc<Packed<V>>)| {
            let older = self.0.get(..=index).unwrap_or_default();
            run.iter().filter(|(name, _)| !older.iter().any(|run| run.contains(name))).count()
        };
        first.len() + rest.iter().enumerate().map(new).sum::<usize>()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn bytes(&self) -> usize {
        self.0.iter().map(|run| run.bytes()).sum()
    }

    pub fn tables(&self) -> &[Arc<Packed<V>>] {
        &self.0
    }

    /// Adds a table, without merging it yet.
    pub fn push(&mut self, table: Packed<V>) {
        if table.len() > 0 {
            self.0.push(Arc::new(table));
        }
    }

    /// Adds entries and merges what is due.
    pub fn fold(&mut self, order: Order, entries: impl IntoIterator<Item = (Name, Entry<V>)>, merging: Merging) {
        self.push(Packed::of(order, entries));
        while self.is_due(merging) {
            let (Some(new), Some(old)) = (self.0.pop(), self.0.pop()) else { return };
            self.0.push(Arc::new(old.merge(&new)));
        }
    }

    fn is_due(&self, merging: Merging) -> bool {
        let [.., old, new] = self.0.as_slice() else { return false };
        match merging {
            Merging::ForLookups => self.0.len() > 2 || new.len() > LEAST_MERGE.max(old.len() / MERGE_SHARE),
            Merging::ForArrivals => new.len().saturating_mul(2) > old.len(),
            Merging::Whole => true,
        }
    }

    /// Forgets what has left by `now`, where it is worth it; answers whether it was.
    pub fn expire(&mut self, now: UnixMillis) -> bool {
        let mut changed = false;
        for run in &mut self.0 {
            let left = run.left(now);
            if left > run.len() / LEFT_SHARE {
                *run = Arc::new(run.without_left(now));
                changed = true;
            }
        }
        self.0.retain(|run| run.len() > 0);
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::packed::Leave;

    const ORDER: Order = Order(3);

    fn entries(numbers: std::ops::Range<u32>) -> impl Iterator<Item = (Name, Entry<u32>)> {
        numbers.map(|n| {
            let mut name = [0; 16];
            name[..4].copy_from_slice(&n.to_le_bytes());
            (name, Entry { leave: Leave(n), value: n })
        })
    }

    fn sizes(runs: &Runs<u32>) -> Vec<usize> {
        runs.0.iter().map(|run| run.len()).collect()
    }

    #[test]
    fn for_lookups_there_are_two_tables_at_most_and_the_second_is_small() {
        let mut runs = Runs::default();
        let step = 1_000;
        for from in (0..400_000).step_by(step) {
            let from = from as u32;
            runs.fold(ORDER, entries(from..from + step as u32), Merging::ForLookups);
            let sizes = sizes(&runs);
            assert!(sizes.len() <= 2, "{sizes:?}");
            if let [first, second] = sizes[..] {
                assert!(second <= LEAST_MERGE.max(first / MERGE_SHARE), "{sizes:?}");
            }
        }
        assert_eq!((runs.len(), runs.iter().count()), (400_000, 400_000));
        assert!(entries(0..400_000).all(|(name, entry)| runs.find(&name) == Some(entry)));
        assert!(entries(400_000..500_000).all(|(name, _)| !runs.contains(&name)));
    }

    #[test]
    fn arrivals_are_merged_by_doubling_and_then_into_one() {
        let mut runs = Runs::default();
        for from in 0..33 {
            runs.fold(ORDER, entries(from * 100..from * 100 + 100), Merging::ForArrivals);
            assert!(sizes(&runs).windows(2).all(|pair| pair[0] >= pair[1] * 2), "{:?}", sizes(&runs));
        }
        runs.fold(ORDER, [], Merging::Whole);
        assert_eq!(sizes(&runs), [3_300]);
    }

    #[test]
    fn a_name_in_both_counts_once_and_never_less() {
        let mut runs = Runs::default();
        runs.fold(ORDER, entries(0..9_000), Merging::ForLookups);
        let again = |value| entries(5..6).map(move |(name, entry)| (name, Entry { value, ..entry }));
        for (value, expected) in [(3, 5), (70, 70), (60, 70)] {
            runs.fold(ORDER, again(value), Merging::ForLookups);
            let name = entries(5..6).next().unwrap().0;
            assert_eq!(runs.value(&name), Some(expected));
            assert_eq!(runs.len(), 9_000);
            assert_eq!(runs.iter().find(|(there, _)| *there == name).unwrap().1.value, expected);
        }
    }

    #[test]
    fn a_table_is_built_anew_when_enough_of_it_has_left() {
        let mut runs = Runs::default();
        runs.fold(ORDER, entries(0..6_400), Merging::Whole);
        assert!(!runs.expire(UnixMillis::from_seconds(99)), "a hundred of 6,400");
        assert_eq!(runs.len(), 6_400);
        assert!(runs.expire(UnixMillis::from_seconds(100)));
        assert_eq!(runs.len(), 6_299);
        assert!(runs.expire(UnixMillis::from_seconds(7_000)));
        assert_eq!((runs.len(), runs.tables().len()), (0, 0));
    }
}
