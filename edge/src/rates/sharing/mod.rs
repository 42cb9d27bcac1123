//! Limits that several edges share: each decides by its own table, into which goes what the others have admitted; and says what it has admitted itself.
//!
//! **What is late.** News of another edge is some milliseconds old: the time until it is sent, and that on the way. What the others admit meanwhile
//! nobody here has heard of yet, and without more all edges together would admit that much too many. So an edge reckons with it ([`peer`]): as many as
//! they have lately been asked for in such a time, but of the room that is left no more than their share of what is asked for. The next news puts the
//! real number in place of the reckoned one. While there is no connection nothing is reckoned with: the edge goes on by what it knows.
//!
//! **What is sent, and when.** Counts of a key leave at once when they matter: when they make up a sixteenth of the room that is left, so the nearer to
//! the limit, the sooner; else all together every tenth of a second. Where there are more than fit in a frame, those of the busiest keys leave first.
//!
//! **The memory.** Besides its place in the table a key has one here, of about 150 bytes, of [`KEYS`]; where that is full, the key that is asked for
//! least goes, and what it had not said yet is not said. A flood of unique keys so drives out its own kind.

mod decay;
mod peer;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use common::feed::{Count, CountedRule, Counts};
use common::ways::Ways;

use self::peer::{Link, Peer};
use super::digest::Key;
use super::window::{Moment, Quota};
use super::{Table, Verdict};

/// Keys of shared limits of which something may have to be said, or was lately: at most 10 MB.
pub const KEYS: usize = 64 * 1024;
const SHARDS: usize = 16;
/// Twice the keys that there are in a shard.
const MOST_LISTED: usize = 2 * KEYS / SHARDS;
/// Counts in one frame.
pub const MOST_AT_ONCE: usize = 1_000;
/// Between two flushes of counts that are urgent, and as much longer as there was to say.
const PAUSE: Duration = Duration::from_millis(4);
const PAUSE_FOR_EACH: Duration = Duration::from_micros(10);
/// Between two flushes of all counts.
pub const PATIENCE: Duration = Duration::from_millis(100);
/// What is not known to take longer or shorter takes this long from edge to edge.
const WAY: Duration = Duration::from_millis(3);
const MILLISECOND: Duration = Duration::from_millis(1);
const LONGEST_WAY: Duration = Duration::from_millis(100);

/// A shared key under its rule.
type Shared = (Quota, Key);

/// What this edge knows of others, and they do not know of it yet.
pub struct Sharing {
    shards: Box<[Mutex<Shard>]>,
    connected: AtomicBool,
    /// Microseconds from an admission elsewhere until it is known here.
    way: AtomicU32,
    /// Something urgent has been counted since the last flush.
    urgent: AtomicBool,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// When others were heard of last; 0: never.
    heard: AtomicU64,
}

#[derive(Default)]
struct Shard {
    /// Empty until it is used.
    peers: Option<Ways<SharedKey, Peer>>,
    lists: Lists,
    lost: u64,
}

/// Keys of which something is unsaid. One may stand there twice: what says it first has said it.
#[derive(Default)]
struct Lists {
    urgent: Vec<Shared>,
    patient: Vec<Shared>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SharedKey(u32, u128);

/// What a flush came to.
#[derive(Debug, Default)]
pub struct Flushed {
    pub counts: Counts,
    /// Until there should be another one.
    pub pause: Duration,
    /// Something has been left for that.
    pub more: bool,
}

impl Default for Sharing {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            connected: AtomicBool::new(false),
            way: AtomicU32::new(micros(WAY)),
            urgent: AtomicBool::new(false),
            wake: OnceLock::new(),
            heard: AtomicU64::new(0),
        }
    }
}

impl Sharing {
    /// `wake` is called, by whichever request it is, when there is something that should be said soon. The first one stays.
    pub fn when_urgent(&self, wake: impl Fn() + Send + Sync + 'static) {
        let _ = self.wake.set(Box::new(wake)); // it is set once, by whoever starts the edge
    }

    /// Counts a request if the quota admits it besides what the others are reckoned to have admitted.
    pub fn admit(&self, table: &Table, now: Moment, quota: &Quota, key: Key) -> Verdict {
        let link = self.link();
        self.at(quota, key, |shard, name| {
            let Shard { peers, lists, lost } = shard;
            let peers = peers.get_or_insert_with(|| Ways::bounded(KEYS / SHARDS));
            let Some((peer, gone)) = peers.entry(name, Peer::default, |peer| peer.heat(now)) else {
                return (table.admit(now, quota, key), false);
            };
            *lost += gone.map_or(0, |gone| u64::from(gone.unsaid_admitted()));
            let verdict = table.admit_besides(now, quota, key, |room| peer.reckoned(now, room, link));
            peer.asked(now, quota, verdict.admits);
            let is_urgent = lists.put(peer, (*quota, key), verdict.remaining);
            lists.bound(peers);
            (verdict, is_urgent)
        })
    }

    /// Takes back one that was counted at `at`.
    pub fn give_back(&self, table: &Table, at: Moment, quota: &Quota, key: Key) {
        table.give_back(at, quota, key);
        self.peer(quota, key, |peer, _| peer.given_back());
    }

    /// What the others have admitted, and been asked for.
    pub fn hear(&self, table: &Table, now: Moment, quota: &Quota, key: Key, count: &Count, way: Duration) {
        let ago = Duration::from_millis(count.ago_ms.into()).saturating_add(way);
        self.heard.store(now.parts(MILLISECOND), Ordering::Relaxed);
        if count.admitted > 0 {
            table.add(now, quota, key, count.admitted, ago);
        }
        // Only keys that are asked for here, too, need a reckoning.
        self.peer(quota, key, |peer, _| peer.heard(now, count.asked));
    }

    /// What should be said now. `all`: not the urgent counts alone.
    pub fn flush(&self, now: Moment, all: bool) -> Flushed {
        self.urgent.store(false, Ordering::Release);
        let mut due = self.due(all);
        let rest = if due.len() > MOST_AT_ONCE {
            due.select_nth_unstable_by(MOST_AT_ONCE, |(_, one), (_, other)| other.cmp(one));
            due.split_off(MOST_AT_ONCE)
        } else {
            Vec::new()
        };
        let mut counts = Counts::default();
        for ((quota, key), _) in &due {
            let window_s = u32::try_from(quota.window().as_secs()).unwrap_or(u32::MAX);
            let rule = CountedRule { id: quota.id.0, window_s };
            let named = key.0.to_be_bytes();
            self.peer(quota, *key, |peer, _| peer.say(now, |count| counts.push(rule, Count { key: named, ..count })));
        }
        for (shared, _) in &rest {
            self.peer(&shared.0, shared.1, |peer, lists| {
                peer.list_urgent();
                lists.urgent.push(*shared);
            });
        }
        let size = u32::try_from(counts.counts.len()).unwrap_or(u32::MAX);
        let pause = PAUSE.saturating_add(PAUSE_FOR_EACH.saturating_mul(size));
        Flushed { counts, pause, more: !rest.is_empty() }
    }

    /// The keys of which something is unsaid, each once, and how often they were asked for.
    fn due(&self, all: bool) -> Vec<(Shared, u32)> {
        let mut listed = Vec::new();
        for shard in &self.shards {
            let lists = &mut lock(shard).lists;
            listed.append(&mut lists.urgent);
            if all {
                listed.append(&mut lists.patient);
            }
        }
        let mut due = Vec::with_capacity(listed.len());
        for shared in listed {
            self.peer(&shared.0, shared.1, |peer, _| {
                if peer.unlist() && peer.unsaid_asked() > 0 {
                    due.push((shared, peer.unsaid_asked()));
                }
            });
        }
        due
    }

    /// What came from elsewhere was so old when it came.
    pub fn learn_way(&self, ago: Duration) {
        if ago < LONGEST_WAY {
            let (old, new) = (self.way.load(Ordering::Relaxed), micros(ago));
            let learnt = old - old / 32 + new / 32; // a race of two loses one of them
            self.way.store(learnt, Ordering::Relaxed);
        }
    }

    /// Whether the others hear of this edge, and it of them.
    pub fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Release);
    }

    pub fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }

    /// Requests of which nobody will be told, since their keys were driven out.
    pub fn lost(&self) -> u64 {
        self.shards.iter().map(|shard| lock(shard).lost).sum()
    }

    /// Keys that have a place.
    pub fn keys(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).peers.as_ref().map_or(0, Ways::len)).sum()
    }

    /// How long ago others were heard of.
    pub fn heard_ago(&self, now: Moment) -> Option<Duration> {
        let heard = Some(self.heard.load(Ordering::Relaxed)).filter(|heard| *heard > 0)?;
        Some(Duration::from_millis(now.parts(MILLISECOND).saturating_sub(heard)))
    }

    /// How old what is heard of others is, in general.
    pub fn way(&self) -> Duration {
        Duration::from_micros(self.way.load(Ordering::Relaxed).into())
    }

    fn link(&self) -> Link {
        if self.is_connected() { Link::Up { way: self.way() } } else { Link::Down }
    }

    /// Of a key that has a place.
    fn peer(&self, quota: &Quota, key: Key, act: impl FnOnce(&mut Peer, &mut Lists)) {
        self.at(quota, key, |shard, name| {
            if let Some(peer) = shard.peers.as_mut().and_then(|peers| peers.get_mut(&name)) {
                act(peer, &mut shard.lists);
            }
            ((), false)
        });
    }

    fn at<T: Default>(&self, quota: &Quota, key: Key, act: impl FnOnce(&mut Shard, SharedKey) -> (T, bool)) -> T {
        let number = usize::try_from(key.0 % SHARDS as u128).unwrap_or(0);
        let Some(shard) = self.shards.get(number) else { return T::default() };
        let (done, is_urgent) = act(&mut lock(shard), SharedKey(quota.id.0, key.0));
        if is_urgent
            && !self.urgent.swap(true, Ordering::AcqRel)
            && let Some(wake) = self.wake.get()
        {
            wake();
        }
        done
    }
}

impl Lists {
    /// Puts a key on the list that it belongs on now; whether on that of the urgent ones.
    fn put(&mut self, peer: &mut Peer, shared: Shared, room: u32) -> bool {
        if peer.becomes_urgent(room) {
            self.urgent.push(shared);
            return true;
        }
        if peer.becomes_patient() {
            self.patient.push(shared);
        }
        false
    }

    /// Forgets keys that have no place any more, where many have been driven out and nothing is said for long.
    fn bound(&mut self, peers: &mut Ways<SharedKey, Peer>) {
        for list in [&mut self.urgent, &mut self.patient] {
            if list.len() > MOST_LISTED {
                list.sort_unstable_by_key(|(quota, key)| (quota.id, *key));
                list.dedup_by_key(|(quota, key)| (quota.id, *key));
                list.retain(|(quota, key)| peers.get_mut(&SharedKey(quota.id.0, key.0)).is_some());
            }
        }
    }
}

fn micros(span: Duration) -> u32 {
    u32::try_from(span.as_micros()).unwrap_or(u32::MAX)
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Sharing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sharing").field("connected", &self.connected).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
