//! How often a key was seen lately: sliding windows in bounded memory. It knows neither limits of routes nor rules of web ACLs; both count here.
//!
//! **The window.** A [`Quota`] cuts its window into 59 sub-buckets and counts in 60: the current one and the 59 whole ones before it. They cover the
//! window wherever in the current sub-bucket the request falls, so in no window of that length, wherever it begins, are more than `rate` requests
//! admitted. They cover at most 60/59 of it, so whoever sends steadily, at 59/60 of the rate or less, is never refused. Both are exact, not estimates.
//!
//! **The keys.** A [`Key`] is 128 bits, an address or a keyed digest ([`Digester`]); with it goes the number of the rule ([`RuleId`]). Which place a key
//! gets in the table depends on a secret of the process, so nobody outside can aim at places.
//!
//! **The memory** is bounded when the table is made, and taken up as keys come; a flood of unique keys makes it no larger. A place holds up to five
//! sub-buckets in 40 bytes, which is all that most keys ever need; a busier key gets planes: 60 bytes for all its sub-buckets up to 255 requests each,
//! and one more for each further 8 bits. Where all planes are in use, neighbouring sub-buckets of a place are merged into the newer one: its requests
//! count for longer than they had to, so somebody may be refused early, and nobody is admitted too often.
//!
//! **What goes when it is full.** A key may lie in 32 places, in two sets of 16. A new key takes one that is free or idle (all it counted has left its
//! window); else that of a key with a single request in its window; else that of the key which has used up the least share of its rate. So a flood of keys
//! with one request each drives out its own kind, and never a busy key while there is one of them among its places: such a key goes on where it was.
//! Who is driven out begins anew. Requests of one key and rule go by one lock, those of others nearly always by another (256 shards).
//!
//! **Time** is monotonic ([`Moment`]), and comes from outside. A request that asks after one of a later moment, since two threads raced, counts as of
//! that later moment.
//!
//! **Counts of others.** Several edges can share a limit ([`Sharing`]): each sends on what it has admitted itself (key, rule, how many, how long ago; the
//! key digested under a secret that they share, the rule's number being a hash of what it says), and puts what it hears of others into its own table by
//! [`Table::add`], where it counts as if it had been admitted here. Then each decides locally.

mod counts;
mod digest;
mod entry;
mod limits;
mod planes;
mod set;
mod shard;
mod sharing;
mod window;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use siphasher::sip128::{Hash128, SipHasher13};

pub use self::digest::{Digester, Key, Parts, Secret};
pub use self::limits::{Limits, Taken};
use self::set::Spot;
use self::shard::{Shape, Shard};
pub use self::sharing::{Flushed, PATIENCE, Sharing};
pub use self::window::{Moment, Quota, RuleId};

const SHARDS: usize = 256;
/// No more keys than these are listed ([`Table::over`]): as many as AWS WAF blocks for a rule.
pub const MOST_LISTED: usize = 10_000;

/// Windows of many keys under many quotas. All methods take `&self`, from any number of threads.
pub struct Table {
    shards: Box<[Mutex<Shard>]>,
    shape: Shape,
    secret: Secret,
}

/// What a quota says of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the request may pass: it was counted, or (of [`Table::look`]) would be.
    pub admits: bool,
    /// Requests in the window by now, this one included where it counts.
    pub count: u32,
    /// How many more are admitted at this moment.
    pub remaining: u32,
    /// Where it refuses: how long until it admits one. Else: how long until some that count now leave the window. Zero where none count.
    pub wait: Duration,
}

/// What has become of the memory, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Places in use, idle ones too.
    pub used: usize,
    /// Keys that were driven out while something of theirs was in its window.
    pub displaced: u64,
    /// The same, of keys with more than one request in it.
    pub displaced_busy: u64,
    /// Times that sub-buckets were merged for lack of memory.
    pub merged: u64,
}

impl Table {
    /// A table of at most so many bytes, of which less than 4 MiB make no sense; 60 MiB are for a million keys and more. `secret` decides which place a key gets.
    pub fn bounded(bytes: usize, secret: Secret) -> Self {
        let shape = Shape::of((bytes.saturating_sub(size_of::<Mutex<Shard>>() * SHARDS) / SHARDS).max(1 << 12));
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), shape, secret }
    }

    /// Counts a request if the quota admits it.
    pub fn admit(&self, now: Moment, quota: &Quota, key: Key) -> Verdict {
        self.at(quota, key, |shard, spot, shape| shard.admit(now, quota, spot, shape)).unwrap_or(Verdict::NONE)
    }

    /// The same besides requests that are not counted, but reckoned with: how many, where there is room for so many.
    pub fn admit_besides(&self, now: Moment, quota: &Quota, key: Key, reckoned: impl FnOnce(u32) -> u32) -> Verdict {
        let admit = |shard: &mut Shard, spot, shape| shard.admit_besides(now, quota, spot, shape, reckoned);
        self.at(quota, key, admit).unwrap_or(Verdict::NONE)
    }

    /// Takes back one that [`Table::admit`] has counted at `at`: it was refused for another reason after all.
    pub fn give_back(&self, at: Moment, quota: &Quota, key: Key) {
        self.at(quota, key, |shard, spot, _| shard.give_back(at, quota, spot));
    }

    /// Counts a request whatever comes of it. `admits` says whether the count is still within the rate.
    pub fn observe(&self, now: Moment, quota: &Quota, key: Key) -> Verdict {
        self.at(quota, key, |shard, spot, shape| shard.observe(now, quota, spot, shape)).unwrap_or(Verdict::NONE)
    }

    /// Counts `count` requests that were admitted elsewhere, `ago` before now.
    pub fn add(&self, now: Moment, quota: &Quota, key: Key, count: u32, ago: Duration) {
        self.at(quota, key, |shard, spot, shape| shard.add(now, quota, spot, (count, now.minus(ago)), shape));
    }

    /// What [`Table::admit`] would say. Counts nothing.
    pub fn look(&self, now: Moment, quota: &Quota, key: Key) -> Verdict {
        self.at(quota, key, |shard, spot, _| shard.look(now, quota, spot)).unwrap_or(Verdict::NONE)
    }

    /// The keys with more requests in the window than the rate, and how many; the highest count first, at most `most` and [`MOST_LISTED`].
    /// Looks at every place, one shard at a time: with a million keys some tens of milliseconds, so not for each request.
    pub fn over(&self, now: Moment, quota: &Quota, most: usize) -> Vec<(Key, u32)> {
        let mut found = Vec::new();
        for shard in &self.shards {
            lock(shard).over(now, quota, &mut found);
        }
        found.sort_unstable_by(|(one, of_one), (other, of_other)| of_other.cmp(of_one).then(one.cmp(other)));
        found.truncate(most.min(MOST_LISTED));
        found
    }

    /// Keys that can be held at a time.
    pub fn capacity(&self) -> usize {
        self.shape.places() * SHARDS
    }

    pub fn health(&self) -> Health {
        self.shards.iter().fold(Health::default(), |sum, shard| lock(shard).health(sum))
    }

    fn at<T>(&self, quota: &Quota, key: Key, act: impl FnOnce(&mut Shard, Spot, Shape) -> T) -> Option<T> {
        let mut named = [0; 20];
        let (of_rule, of_key) = named.split_at_mut(4);
        of_rule.copy_from_slice(&quota.id.0.to_be_bytes());
        of_key.copy_from_slice(&key.0.to_be_bytes());
        let Hash128 { h1, h2 } = SipHasher13::new_with_key(&self.secret).hash(&named);
        let shard = usize::try_from(h2 % SHARDS as u64).ok().and_then(|number| self.shards.get(number))?;
        let spot = Spot::new(key, quota.id, h1, h2 >> 8, self.shape.sets);
        Some(act(&mut lock(shard), spot, self.shape))
    }
}

impl Default for Verdict {
    fn default() -> Self {
        Self::NONE
    }
}

impl Verdict {
    /// Of a shard that is not there: it refuses, as every error does.
    const NONE: Self = Self { admits: false, count: 0, remaining: 0, wait: Duration::ZERO };
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
