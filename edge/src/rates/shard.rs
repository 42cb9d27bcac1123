//! One lock's share of the table: sets of sixteen places, of which a key has two.

use std::time::Duration;

use super::counts::{Counts, LENGTH};
use super::digest::Key;
use super::entry::{Entry, Stored};
use super::planes::{PLANE_BYTES, Planes};
use super::set::{Free, Set, Spot, WAYS};
use super::window::{BUCKETS, Moment, Quota};
use super::{Health, Verdict};

/// Sets that get their memory at a time, when the first of them is used: 8,096 bytes, hardly less than what allocators give for that.
const CHUNK: usize = 11;
const CHUNK_BYTES: usize = CHUNK * size_of::<Set>() + size_of::<Chunk>();
/// The share of the memory that is for planes: one in so many.
const PLANES_SHARE: usize = 12;
/// With fewer planes left than two keys may want, idle keys are looked for.
const FEW_PLANES: usize = 8;
const REST: Duration = Duration::from_secs(1);
/// With so many free places in a key's first set the other one is not looked at.
const ROOM_ENOUGH: usize = 6;
/// Sub-buckets by which a request may come late, of two that race. A number that is further ahead comes from one so old that numbers have come
/// round since: of windows of a second in two years.
const RACE: i32 = 1 << 20;

/// How a shard's memory is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub sets: u32,
    planes: u16,
}

impl Shape {
    pub fn of(bytes: usize) -> Self {
        let chunks = ((bytes - bytes / PLANES_SHARE) / CHUNK_BYTES).max(1);
        let planes = bytes.saturating_sub(chunks * CHUNK_BYTES) / PLANE_BYTES;
        Self {
            sets: u32::try_from(chunks * CHUNK).unwrap_or(u32::MAX),
            planes: u16::try_from(planes).unwrap_or(u16::MAX),
        }
    }

    pub const fn places(self) -> usize {
        self.sets as usize * WAYS
    }
}

type Chunk = Option<Box<[Set]>>;

/// Set and way.
type Place = (usize, usize);

/// A key that was found, with its requests as of the moment in question.
#[derive(Clone, Copy, Debug)]
struct Found {
    place: Place,
    entry: Entry,
    counts: Counts,
    /// The number of the sub-bucket that is current: of a moment that may be later than the one asked about, never earlier.
    tick: u64,
}

#[derive(Default)]
pub struct Shard {
    /// Empty until it is used.
    chunks: Box<[Chunk]>,
    planes: Planes,
    /// The next set in which idle keys are looked for.
    hand: usize,
    /// Sets in a row in which none had a plane.
    in_vain: usize,
    rests_until: Moment,
    health: Health,
}

impl Shard {
    pub fn admit(&mut self, now: Moment, quota: &Quota, spot: Spot, shape: Shape) -> Verdict {
        let mut found = self.find_or_seat(now, quota, spot, shape);
        let admits = found.counts.sum() < quota.rate();
        if admits {
            found.counts.add(0, 1);
            self.keep(&mut found, now, quota, spot.tag);
        }
        found.verdict(now, quota, admits)
    }

    /// `reckoned`: of so much room, how much is not to be given away.
    pub fn admit_besides(
        &mut self,
        now: Moment,
        quota: &Quota,
        spot: Spot,
        shape: Shape,
        reckoned: impl FnOnce(u32) -> u32,
    ) -> Verdict {
        let mut found = self.find_or_seat(now, quota, spot, shape);
        let room = quota.rate().saturating_sub(found.counts.sum());
        let admits = room > 0 && reckoned(room) < room;
        if admits {
            found.counts.add(0, 1);
            self.keep(&mut found, now, quota, spot.tag);
        }
        let verdict = found.verdict(now, quota, admits);
        Verdict { remaining: if admits { verdict.remaining } else { 0 }, ..verdict }
    }

    pub fn observe(&mut self, now: Moment, quota: &Quota, spot: Spot, shape: Shape) -> Verdict {
        let mut found = self.find_or_seat(now, quota, spot, shape);
        found.counts.add(0, 1);
        self.keep(&mut found, now, quota, spot.tag);
        found.verdict(now, quota, found.counts.sum() <= quota.rate())
    }

    pub fn look(&self, now: Moment, quota: &Quota, spot: Spot) -> Verdict {
        let tick = quota.tick(now);
        let nobody =
            || Found { place: (0, 0), entry: Entry::new(spot.key, spot.rule, tick as u32), counts: Counts::NONE, tick };
        let found = self.find(now, quota, spot).unwrap_or_else(nobody);
        found.verdict(now, quota, found.counts.sum() < quota.rate())
    }

    pub fn give_back(&mut self, at: Moment, quota: &Quota, spot: Spot) {
        let Some(mut found) = self.find(at, quota, spot) else { return };
        if let Some(age) = found.age_of(quota.tick(at)) {
            found.counts.take_back(age);
            self.keep(&mut found, at, quota, spot.tag);
        }
    }

    /// `others`: how many, and when.
    pub fn add(&mut self, now: Moment, quota: &Quota, spot: Spot, others: (u32, Moment), shape: Shape) {
        let (count, at) = others;
        if count == 0 || quota.tick(now) - quota.tick(at) >= BUCKETS {
            return;
        }
        let mut found = self.find_or_seat(now, quota, spot, shape);
        if let Some(age) = found.age_of(quota.tick(at)) {
            found.counts.add(age, count);
        }
        self.keep(&mut found, now, quota, spot.tag);
    }

    /// Adds the keys of a rule that are over its rate.
    pub fn over(&self, now: Moment, quota: &Quota, found: &mut Vec<(Key, u32)>) {
        for set in self.chunks.iter().flatten().flatten() {
            for entry in set.live(now).filter(|entry| entry.rule == quota.id) {
                let seen = Found::at((0, 0), entry, entry.load(&self.planes), quota.tick(now));
                let count = seen.counts.sum();
                if count > quota.rate() {
                    found.push((entry.key, count));
                }
            }
        }
    }

    pub fn health(&self, sum: Health) -> Health {
        Health {
            used: sum.used + self.health.used,
            displaced: sum.displaced + self.health.displaced,
            displaced_busy: sum.displaced_busy + self.health.displaced_busy,
            merged: sum.merged + self.health.merged,
        }
    }

    fn set(&self, set: usize) -> Option<&Set> {
        self.chunks.get(set / CHUNK)?.as_ref()?.get(set % CHUNK)
    }

    /// Gets its memory if it has none.
    fn set_mut(&mut self, set: usize) -> Option<&mut Set> {
        let chunk = self.chunks.get_mut(set / CHUNK)?;
        chunk.get_or_insert_with(|| vec![Set::default(); CHUNK].into()).get_mut(set % CHUNK)
    }

    fn find(&self, now: Moment, quota: &Quota, spot: Spot) -> Option<Found> {
        let (place, entry) = spot.sets.iter().find_map(|number| {
            let set = self.set(*number)?;
            let (way, entry) = set.find(spot)?;
            Some(((*number, way), entry))
        })?;
        Some(Found::at(place, entry, entry.load(&self.planes), quota.tick(now)))
    }

    fn find_or_seat(&mut self, now: Moment, quota: &Quota, spot: Spot, shape: Shape) -> Found {
        if self.chunks.is_empty() {
            self.chunks = (0..shape.sets as usize / CHUNK).map(|_| None).collect();
            self.planes = Planes::new(shape.planes);
        }
        self.find(now, quota, spot).unwrap_or_else(|| self.seat(now, quota, spot))
    }

    /// Gives a new key a place.
    fn seat(&mut self, now: Moment, quota: &Quota, spot: Spot) -> Found {
        let place = self.free_place(now, spot).unwrap_or_else(|| self.coldest(spot));
        if let Some(mut driven_out) = self.set(place.0).and_then(|set| set.entry(place.1)) {
            driven_out.clear(&mut self.planes);
        }
        let tick = quota.tick(now);
        let entry = Entry::new(spot.key, spot.rule, tick as u32);
        if let Some(set) = self.set_mut(place.0) {
            set.write(place.1, entry);
        }
        Found { place, entry, counts: Counts::NONE, tick }
    }

    /// In the first set while that has room enough, since keys are looked for there first; else in the emptier one of the two.
    fn free_place(&mut self, now: Moment, spot: Spot) -> Option<Place> {
        let mut best = None;
        for number in spot.sets {
            let unused = Free { way: 0, count: WAYS, is_new: true };
            let free = self.set(number).map_or(Some(unused), |set| set.free(now));
            let both = [best, free.map(|free| (number, free))].into_iter().flatten();
            best = both.reduce(|one, other| if other.1.count > one.1.count { other } else { one });
            if best.is_some_and(|(_, free)| free.count >= ROOM_ENOUGH) {
                break;
            }
        }
        let (number, free) = best?;
        self.health.used += usize::from(free.is_new);
        Some((number, free.way))
    }

    /// The one that loses least by beginning anew.
    fn coldest(&mut self, spot: Spot) -> Place {
        let both = spot.sets.iter().filter_map(|number| Some((self.set(*number)?.coldest()?, *number)));
        let Some(((loss, way), number)) = both.min() else { return (0, 0) };
        self.health.displaced += 1;
        self.health.displaced_busy += u64::from(loss.is_busy());
        (number, way)
    }

    fn keep(&mut self, found: &mut Found, now: Moment, quota: &Quota, tag: u8) {
        let (number, way) = found.place;
        let (used, ends) = ((found.counts.sum(), quota.rate()), quota.begins(found.tick + BUCKETS));
        // The marks first: whoever counts is not idle, so keeps its planes.
        if let Some(set) = self.set_mut(number) {
            set.mark(way, tag, used, ends);
        }
        self.reclaim(now);
        let stored = found.entry.store(&found.counts, &mut self.planes);
        self.health.merged += u64::from(stored == Stored::Merged);
        if let Some(set) = self.set_mut(number) {
            set.write(way, found.entry);
        }
    }

    /// Takes planes from keys that are idle, where few are left: in a set at a time, and after a round in vain not for a second.
    fn reclaim(&mut self, now: Moment) {
        if self.planes.left() >= FEW_PLANES || now < self.rests_until {
            return;
        }
        let sets = self.chunks.len() * CHUNK;
        let before = self.planes.left();
        if let Some(set) = self.chunks.get_mut(self.hand / CHUNK).and_then(Option::as_mut)
            && let Some(set) = set.get_mut(self.hand % CHUNK)
        {
            set.clear_idle(now, &mut self.planes);
        }
        self.hand = (self.hand + 1) % sets.max(1);
        self.in_vain = if self.planes.left() > before { 0 } else { self.in_vain + 1 };
        if self.in_vain >= sets {
            self.in_vain = 0;
            self.rests_until = now.plus(REST);
        }
    }
}

impl Found {
    /// `counts` are of the entry's newest sub-bucket; time has gone on since to `tick`, unless that moment is the older one.
    fn at(place: Place, mut entry: Entry, mut counts: Counts, tick: u64) -> Self {
        let ahead = (tick as u32).wrapping_sub(entry.newest) as i32;
        if (-RACE..0).contains(&ahead) {
            return Self { place, entry, counts, tick: tick + u64::from(ahead.unsigned_abs()) };
        }
        counts.advance(usize::try_from(ahead).unwrap_or(LENGTH));
        entry.newest = tick as u32;
        Self { place, entry, counts, tick }
    }

    fn age_of(&self, tick: u64) -> Option<usize> {
        usize::try_from(self.tick.saturating_sub(tick)).ok().filter(|age| *age < LENGTH)
    }

    fn verdict(&self, now: Moment, quota: &Quota, admits: bool) -> Verdict {
        let count = self.counts.sum();
        let leaves = self.counts.leaves_room(quota.rate()).filter(|_| !admits).or_else(|| self.counts.oldest());
        // A sub-bucket of age 0 leaves when sixty more have begun, one of age 59 with the next.
        let wait = leaves.map_or(Duration::ZERO, |age| now.until(quota.begins(self.tick + BUCKETS - age as u64)));
        Verdict { admits, count, remaining: quota.rate().saturating_sub(count), wait }
    }
}
