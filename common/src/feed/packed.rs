//! A table of 16-byte names in little memory: 21 bytes an entry, 29 with a value of 8 bytes. Immutable, exact, and a lookup is one
//! access to a small directory and one or two cache lines of names.
//!
//! Entries stand in the order of a keyed hash of their names (UUIDv7s are anything but uniform, and nobody outside knows the key), in flat
//! arrays side by side. A place in that order is 64 bits; its high bits say in which part of the array a name must be, and the directory
//! says where each part begins. Two tables under one key are merged by walking along both.

use std::cmp::Ordering;
use std::collections::hash_map::RandomState as StdRandomState;
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;

use crate::clock::UnixMillis;

/// Entries for each entry of the directory, on average.
const PART: usize = 4;

/// A UUID's bytes.
pub(super) type Name = [u8; 16];

/// When an entry leaves: whole seconds since the epoch, rounded up, so that nothing is forgotten early. The last second is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Leave(pub u32);

impl Leave {
    pub const NEVER: Self = Self(u32::MAX);

    pub fn at(time: Option<UnixMillis>) -> Self {
        time.and_then(|at| u32::try_from(at.0.div_ceil(1000)).ok()).map_or(Self::NEVER, Self)
    }

    pub fn time(self) -> Option<UnixMillis> {
        (self != Self::NEVER).then(|| UnixMillis::from_seconds(u64::from(self.0)))
    }

    pub fn has_left(self, now: UnixMillis) -> bool {
        self.time().is_some_and(|at| at <= now)
    }
}

/// What is kept of a name. Of two entries the greater value and the later end count, whichever came first: `a.join(b) == b.join(a)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<V> {
    pub leave: Leave,
    pub value: V,
}

impl<V: Copy + Ord> Entry<V> {
    pub fn join(self, other: Self) -> Self {
        Self { leave: self.leave.max(other.leave), value: self.value.max(other.value) }
    }
}

/// The order of names under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order(pub u64);

impl Order {
    /// Under a key that nobody knows.
    pub fn random() -> Self {
        Self(StdRandomState::new().build_hasher().finish())
    }

    fn place(self, name: &Name) -> u64 {
        let mut hasher = FixedState::with_seed(self.0).build_hasher();
        hasher.write_u128(u128::from_le_bytes(*name));
        hasher.finish()
    }
}

/// The table.
#[derive(Clone, Debug)]
pub(super) struct Packed<V> {
    order: Order,
    names: Vec<Name>,
    leaves: Vec<Leave>,
    values: Vec<V>,
    /// Where each part of the order begins, and the end of the last.
    starts: Vec<u32>,
}

impl<V: Copy + Ord> Packed<V> {
    /// Names that come twice are joined.
    pub fn of(order: Order, entries: impl IntoIterator<Item = (Name, Entry<V>)>) -> Self {
        let place = |(name, entry)| (order.place(&name), name, entry);
        let mut placed: Vec<(u64, Name, Entry<V>)> = entries.into_iter().map(place).collect();
        placed.sort_unstable_by_key(|(place, name, _)| (*place, *name));
        let mut building = Building::for_entries(order, placed.len());
        placed.into_iter().for_each(|(_, name, entry)| building.push(name, entry));
        building.finish()
    }

    /// All that is in one of the two.
    pub fn merge(&self, other: &Self) -> Self {
        if self.order != other.order {
            return Self::of(self.order, self.iter().chain(other.iter()));
        }
        let mut building = Building::for_entries(self.order, self.len() + other.len());
        let placed = |(name, entry): (Name, Entry<V>)| (self.order.place(&name), name, entry);
        let (mut left, mut right) = (self.iter().map(placed), other.iter().map(placed));
        let (mut one, mut two) = (left.next(), right.next());
        loop {
            let first = match (&one, &two) {
                (Some(a), Some(b)) => (a.0, &a.1).cmp(&(b.0, &b.1)),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return building.finish(),
            };
            // Of equals the one here comes first, and the other joins it in the next turn.
            let from = if first == Ordering::Greater { (&mut two, &mut right) } else { (&mut one, &mut left) };
            if let Some((_, name, entry)) = from.0.take() {
                building.push(name, entry);
            }
            *from.0 = from.1.next();
        }
    }

    /// What is left of it at `now`.
    pub fn without_left(&self, now: UnixMillis) -> Self {
        let mut building = Building::for_entries(self.order, self.len() - self.left(now));
        let living = self.iter().filter(|(_, entry)| !entry.leave.has_left(now));
        living.for_each(|(name, entry)| building.push(name, entry));
        building.finish()
    }
}

impl<V: Copy> Packed<V> {
    pub fn find(&self, name: &Name) -> Option<Entry<V>> {
        let at = self.position(name)?;
        Some(Entry { leave: *self.leaves.get(at)?, value: *self.values.get(at)? })
    }

    pub fn contains(&self, name: &Name) -> bool {
        self.position(name).is_some()
    }

    /// Only that, without when it leaves.
    pub fn value(&self, name: &Name) -> Option<V> {
        self.values.get(self.position(name)?).copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = (Name, Entry<V>)> {
        let entries = self.leaves.iter().zip(&self.values).map(|(leave, value)| Entry { leave: *leave, value: *value });
        self.names.iter().copied().zip(entries)
    }

    /// How many have left by `now`.
    pub fn left(&self, now: UnixMillis) -> usize {
        self.leaves.iter().filter(|leave| leave.has_left(now)).count()
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// What it takes of memory.
    pub fn bytes(&self) -> usize {
        let arrays = [
            self.names.capacity() * size_of::<Name>(),
            self.leaves.capacity() * size_of::<Leave>(),
            self.starts.capacity() * size_of::<u32>(),
        ];
        // A vector of values without a size says that it has room for any number.
        arrays.iter().sum::<usize>() + self.values.len() * size_of::<V>()
    }

    /// Names, ends and values in order, for a file.
    pub fn columns(&self) -> (&[Name], &[Leave], &[V]) {
        (&self.names, &self.leaves, &self.values)
    }

    fn position(&self, name: &Name) -> Option<usize> {
        let part = part(self.order.place(name), self.starts.len().checked_sub(1)?);
        let (from, to) = (*self.starts.get(part)? as usize, *self.starts.get(part + 1)? as usize);
        self.names.get(from..to)?.iter().position(|there| there == name).map(|at| from + at)
    }
}

impl<V: Copy + Ord> Packed<V> {
    /// From the columns of a file. What is not in the order that this program would have written is put into it.
    pub fn from_columns(order: Order, names: Vec<Name>, leaves: Vec<Leave>, values: Vec<V>) -> Option<Self> {
        if names.len() != leaves.len() || names.len() != values.len() {
            return None;
        }
        let found = Self { starts: directory(order, &names), order, names, leaves, values };
        let place = |name: &Name| (order.place(name), *name);
        let ordered = found.names.windows(2).all(|pair| match pair {
            [one, two] => place(one) < place(two),
            _ => true,
        });
        Some(if ordered { found } else { Self::of(order, found.iter()) })
    }
}

/// Which of so many parts a place is in.
fn part(place: u64, parts: usize) -> usize {
    // Less than `parts`, so it fits.
    ((u128::from(place) * parts as u128) >> 64) as usize
}

fn directory(order: Order, names: &[Name]) -> Vec<u32> {
    let parts = names.len() / PART + 1;
    let mut starts = Vec::with_capacity(parts + 1);
    // More than four thousand millions are none of this program's problems: their lookups would find nothing and memory is long gone.
    let index = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    for (at, name) in names.iter().enumerate() {
        let part = part(order.place(name), parts);
        while starts.len() <= part {
            starts.push(index(at));
        }
    }
    starts.resize(parts + 1, index(names.len()));
    starts
}

/// A table while its entries come, in order.
struct Building<V> {
    order: Order,
    names: Vec<Name>,
    leaves: Vec<Leave>,
    values: Vec<V>,
}

impl<V: Copy + Ord> Building<V> {
    fn for_entries(order: Order, count: usize) -> Self {
        let (names, leaves) = (Vec::with_capacity(count), Vec::with_capacity(count));
        Self { order, names, leaves, values: Vec::with_capacity(count) }
    }

    fn push(&mut self, name: Name, entry: Entry<V>) {
        if self.names.last() == Some(&name)
            && let (Some(leave), Some(value)) = (self.leaves.last_mut(), self.values.last_mut())
        {
            let joined = Entry { leave: *leave, value: *value }.join(entry);
            (*leave, *value) = (joined.leave, joined.value);
            return;
        }
        self.names.push(name);
        self.leaves.push(entry.leave);
        self.values.push(entry.value);
    }

    fn finish(mut self) -> Packed<V> {
        // A few entries too much are cheaper than a copy of all.
        if self.names.capacity() - self.names.len() > self.names.len() / 32 {
            self.names.shrink_to_fit();
            self.leaves.shrink_to_fit();
            self.values.shrink_to_fit();
        }
        let Self { order, names, leaves, values } = self;
        Packed { starts: directory(order, &names), order, names, leaves, values }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const ORDER: Order = Order(7);

    type Model = HashMap<Name, Entry<u64>>;

    fn packed(entries: &[(Name, Entry<u64>)]) -> Packed<u64> {
        Packed::of(ORDER, entries.iter().copied())
    }

    fn model<'e>(entries: impl IntoIterator<Item = &'e (Name, Entry<u64>)>) -> Model {
        let mut model = Model::new();
        for (name, entry) in entries {
            model.entry(*name).and_modify(|known| *known = known.join(*entry)).or_insert(*entry);
        }
        model
    }

    fn assert_same(table: &Packed<u64>, model: &Model) {
        assert_eq!(table.len(), model.len());
        assert_eq!(&table.iter().collect::<Model>(), model);
        for (name, entry) in model {
            assert_eq!((table.find(name), table.value(name)), (Some(*entry), Some(entry.value)));
        }
    }

    /// Few names, so that some come twice.
    fn entries() -> impl Strategy<Value = Vec<(Name, Entry<u64>)>> {
        let name = (0..300_u16).prop_map(|n| {
            let mut name = [0xee; 16];
            name[3..5].copy_from_slice(&n.to_le_bytes());
            name
        });
        let entry = (any::<u32>(), any::<u64>()).prop_map(|(leave, value)| Entry { leave: Leave(leave), value });
        proptest::collection::vec((name, entry), 0..400)
    }

    proptest! {
        #[test]
        fn a_table_is_what_went_into_it(all in entries(), absent: [u8; 16]) {
            let (table, model) = (packed(&all), model(&all));
            assert_same(&table, &model);
            prop_assert_eq!(table.contains(&absent), model.contains_key(&absent));
            prop_assert_eq!(table.find(&absent), model.get(&absent).copied());
        }

        #[test]
        fn merging_is_putting_both_into_one(one in entries(), two in entries()) {
            let both = model(one.iter().chain(&two));
            let (one, two) = (packed(&one), packed(&two));
            assert_same(&one.merge(&two), &both);
            assert_same(&two.merge(&one), &both);
            let stranger = Packed::of(Order(8), two.iter());
            assert_same(&one.merge(&stranger), &both);
        }

        #[test]
        fn what_has_left_is_gone_and_nothing_else(all in entries(), now: u32) {
            let now = UnixMillis::from_seconds(u64::from(now));
            let (table, mut model) = (packed(&all), model(&all));
            model.retain(|_, entry| !entry.leave.has_left(now));
            prop_assert_eq!(table.len() - table.left(now), model.len());
            assert_same(&table.without_left(now), &model);
        }

        #[test]
        fn columns_are_read_back_in_any_order(all in entries(), seed: u64) {
            let (table, model) = (packed(&all), model(&all));
            let (names, leaves, values) = table.columns();
            let read = Packed::from_columns(Order(seed), names.to_vec(), leaves.to_vec(), values.to_vec());
            assert_same(&read.unwrap(), &model);
            let read = Packed::from_columns(ORDER, names.to_vec(), leaves.to_vec(), values.to_vec());
            assert_same(&read.unwrap(), &model);
        }
    }

    #[test]
    fn columns_of_different_length_are_no_table() {
        assert!(Packed::from_columns(ORDER, vec![[1; 16]], vec![], vec![1_u64]).is_none());
        assert!(Packed::from_columns(ORDER, vec![[1; 16]], vec![Leave::NEVER], vec![1_u64, 2]).is_none());
    }

    #[test]
    fn nothing_is_forgotten_early() {
        let leave = |ms| Leave::at(Some(UnixMillis(ms)));
        assert_eq!(leave(1_001).time(), Some(UnixMillis(2_000)));
        assert_eq!(leave(2_000).time(), Some(UnixMillis(2_000)));
        assert!(!leave(1_001).has_left(UnixMillis(1_999)) && leave(1_001).has_left(UnixMillis(2_000)));
        for never in [None, Some(UnixMillis(u64::MAX)), Some(UnixMillis(1 << 42))] {
            assert_eq!(Leave::at(never), Leave::NEVER);
            assert!(!Leave::at(never).has_left(UnixMillis(u64::MAX)));
        }
    }

    #[test]
    fn a_million_take_at_most_32_bytes_each_and_their_parts_are_small() {
        // UUIDv7s of one second: equal in their first five bytes.
        let name = |n: u32| {
            let mut name = [0x42; 16];
            name[5..9].copy_from_slice(&n.to_be_bytes());
            name
        };
        let entry = |value| Entry { leave: Leave(1_800_000_000), value };
        let count = 200_000;
        let users = Packed::of(Order::random(), (0..count).map(|n| (name(n), entry(u64::from(n)))));
        assert!(users.bytes() <= 30 * count as usize, "{}", users.bytes());
        let leave = Leave(1_800_000_000);
        let sessions = Packed::of(Order::random(), (0..count).map(|n| (name(n), Entry { leave, value: () })));
        assert!(sessions.bytes() <= 22 * count as usize, "{}", sessions.bytes());
        let largest = sessions.starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(largest < 32, "{largest}");
    }
}
