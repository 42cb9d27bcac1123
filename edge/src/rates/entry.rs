//! A place of the table: a key and its sub-buckets, in 40 bytes and whatever planes it has.

use super::counts::{Counts, FEW, Few, Many};
use super::digest::Key;
use super::planes::Planes;
use super::window::RuleId;

/// As a place lies in memory. Words, so that memory which nobody has used yet costs nothing.
pub type Words = [u64; 5];

const SLOT_BITS: u32 = 24;
const AGE_BITS: u32 = 6;
/// Stands for this many requests in a slot and all that are more.
const SLOT_FULL: u32 = (1 << (SLOT_BITS - AGE_BITS)) - 1;
/// A key that holds planes keeps them until so few sub-buckets are in use.
const VERY_FEW: usize = 3;
const MOST_PLANES: usize = 4;

/// One key under one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub key: Key,
    pub rule: RuleId,
    /// The number of the newest sub-bucket, its last 32 bits.
    pub newest: u32,
    /// First byte: the number of planes, of which each has 16 bits here. Zero: five slots of 24 bits, each an age and a count.
    area: u128,
}

/// What storing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    Exactly,
    /// Sub-buckets had to be merged.
    Merged,
}

impl Entry {
    pub const fn new(key: Key, rule: RuleId, newest: u32) -> Self {
        Self { key, rule, newest, area: 0 }
    }

    pub fn of(words: Words) -> Self {
        let [key_high, key_low, head, area_high, area_low] = words;
        let wide = |high: u64, low: u64| (u128::from(high) << 64) | u128::from(low);
        Self {
            key: Key(wide(key_high, key_low)),
            rule: RuleId((head >> 32) as u32),
            newest: head as u32,
            area: wide(area_high, area_low),
        }
    }

    pub fn words(self) -> Words {
        let head = (u64::from(self.rule.0) << 32) | u64::from(self.newest);
        [(self.key.0 >> 64) as u64, self.key.0 as u64, head, (self.area >> 64) as u64, self.area as u64]
    }

    pub fn has_planes(&self) -> bool {
        self.planes().next().is_some()
    }

    fn planes(&self) -> impl Iterator<Item = u16> + use<> {
        let area = self.area;
        (0..(area & 0xff) as u32).map(move |number| (area >> (8 + 16 * number)) as u16)
    }

    /// The requests as of `newest`.
    pub fn load(&self, planes: &Planes) -> Counts {
        if !self.has_planes() {
            return Counts::Few(self.slots());
        }
        let mut counts = [0; _];
        for (number, plane) in (0_u32..).zip(self.planes()) {
            let bytes = planes.read(plane);
            counts.iter_mut().zip(bytes).for_each(|(count, byte)| *count |= u32::from(byte) << (8 * number));
        }
        Counts::Many(Many(counts))
    }

    /// Keeps what [`Entry::load`] will tell again; more is told where memory is short.
    pub fn store(&mut self, counts: &Counts, planes: &mut Planes) -> Stored {
        let many = match counts {
            Counts::Few(few) if few.used().all(|(_, count)| count < SLOT_FULL) => {
                self.clear(planes);
                self.fill_slots(few);
                return Stored::Exactly;
            }
            Counts::Few(_) => counts.many(),
            Counts::Many(many) => *many,
        };
        let highest = many.highest();
        if highest < SLOT_FULL && many.used() <= if self.has_planes() { VERY_FEW } else { FEW } {
            self.clear(planes);
            self.fill_slots(&many.merged());
            return Stored::Exactly;
        }
        if self.take_planes(planes_for(highest), planes) {
            for (number, plane) in (0_u32..).zip(self.planes()) {
                planes.write(plane, many.0.iter().map(|count| (count >> (8 * number)) as u8));
            }
            return Stored::Exactly;
        }
        self.clear(planes);
        self.fill_slots(&many.merged());
        Stored::Merged
    }

    /// Gives all planes back; nothing counts any more.
    pub fn clear(&mut self, planes: &mut Planes) {
        self.planes().for_each(|plane| planes.give_back(plane));
        self.area = 0;
    }

    fn slots(&self) -> Few {
        let slots = (0..FEW as u32).map(|number| (self.area >> (8 + SLOT_BITS * number)) as u32);
        Few::of(slots.map(|slot| {
            let (age, count) = ((slot & ((1 << AGE_BITS) - 1)) as u8, (slot >> AGE_BITS) & SLOT_FULL);
            (age, if count == SLOT_FULL { u32::MAX } else { count })
        }))
    }

    fn fill_slots(&mut self, few: &Few) {
        for (number, (age, count)) in (0_u32..).zip(few.used()) {
            let slot = (count.min(SLOT_FULL) << AGE_BITS) | u32::from(age);
            self.area |= u128::from(slot) << (8 + SLOT_BITS * number);
        }
    }

    /// Whether it holds that many planes now; where there are not enough it keeps those that it has.
    fn take_planes(&mut self, wanted: usize, planes: &mut Planes) -> bool {
        let mut held = [0_u16; MOST_PLANES];
        let mut count = 0;
        for (place, plane) in held.iter_mut().zip(self.planes()) {
            *place = plane;
            count += 1;
        }
        if wanted > count && wanted - count > planes.left() {
            return false;
        }
        for (number, place) in held.iter_mut().enumerate() {
            if number >= count && number < wanted {
                let Some(plane) = planes.take() else { return false }; // there are enough
                *place = plane;
            } else if number < count && number >= wanted {
                planes.give_back(*place);
            }
        }
        let listed = (0_u32..).zip(held.iter().take(wanted));
        self.area =
            listed.fold(wanted as u128, |area, (number, plane)| area | (u128::from(*plane) << (8 + 16 * number)));
        true
    }
}

/// Planes that counts up to this one take.
fn planes_for(highest: u32) -> usize {
    ((u32::BITS - highest.leading_zeros()).div_ceil(8).max(1)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rates::counts::LENGTH;

    const _: () = assert!(LENGTH <= 1 << AGE_BITS && FEW as u32 * SLOT_BITS + 8 == u128::BITS);

    fn entry() -> Entry {
        Entry::new(Key(7 << 100), RuleId(9), 11)
    }

    fn any_counts() -> impl Strategy<Value = Counts> {
        let count = prop_oneof![4 => Just(0), 2 => 1_u32..9, 1 => any::<u32>(), 1 => Just(u32::MAX)];
        proptest::collection::vec(count, LENGTH).prop_map(|all| Counts::Many(Many(all.try_into().unwrap())))
    }

    proptest! {
        #[test]
        fn what_is_stored_is_told_again(all in proptest::collection::vec(any_counts(), 1..6)) {
            let (mut planes, mut entry) = (Planes::new(8), entry());
            for counts in all {
                prop_assert_eq!(entry.store(&counts, &mut planes), Stored::Exactly);
                entry = Entry::of(entry.words());
                prop_assert_eq!(entry.load(&planes).many(), counts.many());
            }
            entry.clear(&mut planes);
            prop_assert_eq!(planes.left(), 8);
        }

        #[test]
        fn without_planes_more_is_told_and_nothing_older(counts in any_counts(), most in 0_u16..4) {
            let (mut planes, mut entry) = (Planes::new(most), entry());
            entry.store(&counts, &mut planes);
            let told = entry.load(&planes);
            for age in 0..LENGTH {
                let younger = |counts: &Counts| counts.many().0.iter().take(age + 1).map(|c| u64::from(*c)).sum::<u64>().min(u32::MAX.into());
                prop_assert!(younger(&told) >= younger(&counts), "{age}");
            }
        }
    }

    #[test]
    fn planes_are_shared_as_needed() {
        let (mut planes, mut one, mut other) = (Planes::new(3), entry(), entry());
        let many = |count: u32| Counts::Many(Many([count; LENGTH]));
        one.store(&many(256), &mut planes);
        assert_eq!(planes.left(), 1);
        other.store(&many(255), &mut planes);
        assert_eq!((planes.left(), other.store(&many(256), &mut planes)), (0, Stored::Merged));
        assert_eq!(planes.left(), 1, "what it had, it gave back");
        one.store(&many(255), &mut planes);
        assert_eq!((planes.left(), other.store(&many(256), &mut planes)), (2, Stored::Exactly));
        let mut few = Counts::NONE;
        few.add(1, 1);
        other.store(&few, &mut planes);
        assert_eq!(planes.left(), 2);
    }
}
