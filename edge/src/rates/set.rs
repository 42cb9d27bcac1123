//! Sixteen places, and where a key may lie among all of them.

use super::digest::Key;
use super::entry::{Entry, Words};
use super::planes::Planes;
use super::window::{Moment, RuleId};

pub const WAYS: usize = 16;

/// A key, and where it may lie.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    pub key: Key,
    pub rule: RuleId,
    /// The first one is preferred.
    pub sets: [usize; 2],
    pub tag: u8,
}

impl Spot {
    /// `places` and `tag` are bits of the key's hash; there are `sets` sets.
    pub fn new(key: Key, rule: RuleId, places: u64, tag: u64, sets: u32) -> Self {
        let sets = u64::from(sets);
        let first = ((places >> 32) * sets) >> 32;
        let second = ((places & u64::from(u32::MAX)) * sets) >> 32;
        let second = if second == first { (first + 1) % sets } else { second };
        Self { key, rule, sets: [first, second].map(|set| usize::try_from(set).unwrap_or(0)), tag: tag as u8 }
    }
}

/// The places of a set; one beside the other, so that a look at one takes a page of memory and few lines of it.
#[derive(Clone, Debug, Default)]
pub struct Set {
    marks: Marks,
    places: [Words; WAYS],
}

/// What is asked of all places of a set.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    /// A byte of the key's hash.
    tags: [u8; WAYS],
    /// Zero: nobody is there. One: one request in the window. Else the share of its rate that the key had used when it was counted last.
    heats: [u8; WAYS],
    /// When all that counts has left the window ([`Moment::coarse`]).
    untils: [u32; WAYS],
}

/// A place that a new key can have.
#[derive(Clone, Copy, Debug)]
pub struct Free {
    pub way: usize,
    /// As many there are in the set.
    pub count: usize,
    /// Nobody was there before.
    pub is_new: bool,
}

/// How much is lost if a key begins anew: its heat, and at the same heat, how long it would count yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    heat: u8,
    until: u32,
}

impl Loss {
    /// More than a single request counts.
    pub const fn is_busy(self) -> bool {
        self.heat > 1
    }
}

impl Set {
    pub fn find(&self, spot: Spot) -> Option<(usize, Entry)> {
        let tags = self.marks.tags.iter().zip(self.marks.heats).enumerate();
        // A place that nobody has had yet is like no key.
        let mut alike = tags.filter(|(_, (tag, heat))| **tag == spot.tag && *heat > 0);
        alike.find_map(|(way, _)| {
            let entry = self.entry(way).filter(|entry| entry.key == spot.key && entry.rule == spot.rule)?;
            Some((way, entry))
        })
    }

    pub fn entry(&self, way: usize) -> Option<Entry> {
        self.places.get(way).map(|words| Entry::of(*words))
    }

    pub fn write(&mut self, way: usize, entry: Entry) {
        if let Some(words) = self.places.get_mut(way) {
            *words = entry.words();
        }
    }

    /// Says of a key how many requests are in its window, of as many as may be, and when the last of them leaves it.
    pub fn mark(&mut self, way: usize, tag: u8, (count, rate): (u32, u32), until: Moment) {
        let Marks { tags, heats, untils } = &mut self.marks;
        if let (Some(its_tag), Some(its_heat), Some(its_until)) =
            (tags.get_mut(way), heats.get_mut(way), untils.get_mut(way))
        {
            (*its_tag, *its_heat, *its_until) = (tag, heat(count, rate), until.coarse().wrapping_add(1));
        }
    }

    /// The keys that count something.
    pub fn live(&self, now: Moment) -> impl Iterator<Item = Entry> {
        (0..WAYS).filter(move |way| !self.is_free(*way, now)).filter_map(|way| self.entry(way))
    }

    pub fn free(&self, now: Moment) -> Option<Free> {
        let mut free = (0..WAYS).filter(|way| self.is_free(*way, now));
        let way = free.next()?;
        Some(Free { way, count: 1 + free.count(), is_new: self.marks.heats.get(way) == Some(&0) })
    }

    /// The key that loses least.
    pub fn coldest(&self) -> Option<(Loss, usize)> {
        let marks = self.marks.heats.iter().zip(self.marks.untils).zip(0..);
        marks.map(|((heat, until), way)| (Loss { heat: *heat, until }, way)).min()
    }

    /// Takes the planes of keys that count nothing any more.
    pub fn clear_idle(&mut self, now: Moment, planes: &mut Planes) {
        for way in 0..WAYS {
            let idle = self.entry(way).filter(|entry| self.is_free(way, now) && entry.has_planes());
            if let Some(mut entry) = idle {
                entry.clear(planes);
                self.write(way, entry);
            }
        }
    }

    fn is_free(&self, way: usize, now: Moment) -> bool {
        let is_past = |until: &u32| now.coarse().wrapping_sub(*until) as i32 >= 0; // also after coarse moments have come round
        self.marks.heats.get(way) == Some(&0) || self.marks.untils.get(way).is_none_or(is_past)
    }
}

/// 1 for a single request, and above that by the share of the rate.
fn heat(count: u32, rate: u32) -> u8 {
    match count {
        0 | 1 => 1,
        _ => 2 + u8::try_from((u64::from(count) * 253 / u64::from(rate.max(1))).min(253)).unwrap_or(253),
    }
}
