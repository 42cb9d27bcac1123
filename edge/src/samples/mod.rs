//! Samples of the requests that web ACLs judge, for the issuer's GetSampledRequests, and which rules hold addresses back.
//!
//! A [`Tally`] belongs to one web ACL. Every request that a rule matched is counted under the rule's metric, by one atomic; some of them are kept, each with the
//! same chance whenever in the interval it came (algorithm R of Vitter, "Random sampling with a reservoir", 1985). Whether one is kept is decided before
//! anything is made of it, so most requests cost a count and a number. What is kept has no secrets in it ([`crate::redact`]) and no body.

mod answered;
mod dice;
mod sample;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::rates::Quota;
use crate::waf::{Acl, Progress, Rule, Test, Verdict};

pub use self::answered::{Answered, Asked};
pub use self::dice::Dice;
pub use self::sample::{Acted, Request, Taken, Told, inserted, says_status, told};

/// Samples of one rule in one interval (AWS shows 500 at most, of any span of time).
pub const MOST: usize = 100;
/// Bytes of the samples of one web ACL in one interval, so that they fit into one report.
const MAX_BYTES: usize = 160 * 1024;
/// The metric under which AWS has the requests that no rule ended.
const DEFAULT_ACTION: &str = "Default_Action";

/// What all web ACLs of an edge share: how many bytes of samples there are.
#[derive(Clone, Debug, Default)]
pub struct Room(Arc<AtomicUsize>);

/// Bytes of the samples of all web ACLs.
const MAX_BYTES_OF_ALL: usize = 8 << 20;

/// What has been seen of one web ACL since the last time somebody asked.
#[derive(Debug)]
pub struct Tally {
    slots: Vec<Slot>,
    /// By the places of rules: where requests are counted that the rule matched.
    by_step: Vec<Vec<usize>>,
    default: Option<usize>,
    /// Where all requests are counted.
    all: Option<usize>,
    rates: Vec<RateWatch>,
    dice: Dice,
    bytes: AtomicUsize,
    room: Room,
}

/// The requests of one metric.
#[derive(Debug)]
struct Slot {
    metric: Arc<str>,
    seen: AtomicU64,
    kept: Mutex<Vec<Taken>>,
}

/// A rate-based rule whose keys are addresses.
#[derive(Debug)]
pub struct RateWatch {
    step: usize,
    /// The rule of the web ACL.
    pub rule: Arc<str>,
    /// The rule of the group that this one refers to.
    pub within: Option<Arc<str>>,
    pub quota: Quota,
    /// It has matched a request since somebody looked.
    hit: AtomicBool,
}

/// The requests of one metric in one interval.
#[derive(Debug)]
pub struct Drained {
    pub metric: Arc<str>,
    pub requests: u64,
    pub samples: Vec<Taken>,
}

impl Tally {
    pub fn new(acl: &Acl, dice: Dice, room: Room) -> Self {
        let mut slots = Slots::default();
        let mut by_step = vec![Vec::new(); acl.steps()];
        let mut rates = Vec::new();
        for (step, rule) in acl.rules() {
            let reference = rule.group.as_deref().and_then(|name| acl.group(name));
            let metrics = [rule.sampled.as_ref(), reference.and_then(|reference| reference.sampled.as_ref())];
            if let Some(places) = by_step.get_mut(step) {
                places.extend(metrics.into_iter().flatten().map(|metric| slots.of(metric)));
                places.dedup();
            }
            rates.extend(watch(step, rule));
        }
        // A rule's metric is that rule's, even if the web ACL calls its own by the same name.
        let own = acl.sampled.as_ref().filter(|metric| !slots.has(metric));
        let default = acl.sampled.is_some().then(|| slots.of(&DEFAULT_ACTION.into()));
        let all = own.map(|metric| slots.of(metric));
        Self { slots: slots.slots, by_step, default, all, rates, dice, bytes: AtomicUsize::new(0), room }
    }

    /// Counts a request that has been judged. `tell` makes what is told of it, if it is taken; at most once.
    pub fn note(&self, acl: &Acl, progress: &Progress, verdict: &Verdict, tell: impl FnOnce() -> Told) {
        let mut tell = Some(tell);
        let mut told = None;
        let mut take = |slot: Option<usize>, acted: &dyn Fn() -> Acted| {
            let Some(slot) = slot.and_then(|slot| self.slots.get(slot)) else { return };
            let seen = slot.seen.fetch_add(1, Ordering::Relaxed);
            let Some(place) = self.dice.place(seen, MOST) else { return };
            let made = told.get_or_insert_with(|| tell.take().map(|tell| Arc::new(tell())));
            if let Some(made) = made {
                self.keep(slot, place, Taken { told: Arc::clone(made), acted: acted(), weight: 1 });
            }
        };
        for matched in &progress.matched {
            self.has_matched(matched.step);
            let acted = || Acted::counted(acl, matched);
            self.places(matched.step).for_each(|slot| take(Some(slot), &acted));
        }
        let acted = || Acted::ended(acl, verdict);
        match verdict.step {
            Some(step) => {
                self.has_matched(step);
                self.places(step).for_each(|slot| take(Some(slot), &acted));
            }
            None => take(self.default, &acted),
        }
        take(self.all, &acted);
    }

    /// What has been seen since the last time, and forgets it. Each sample stands for its share of the requests.
    pub fn drain(&self) -> Vec<Drained> {
        self.draining().collect()
    }

    /// One metric after the other. Requests that are noted meanwhile are kept, and so are their bytes.
    fn draining(&self) -> impl Iterator<Item = Drained> {
        self.slots.iter().filter_map(|slot| {
            let (drained, bytes) = slot.drain();
            self.counters().into_iter().for_each(|counter| give_back(counter, bytes));
            drained
        })
    }

    /// The rules that have matched a request since the last time.
    pub fn hits(&self) -> impl Iterator<Item = &RateWatch> {
        self.rates.iter().filter(|watch| watch.hit.swap(false, Ordering::Relaxed))
    }

    fn places(&self, step: usize) -> impl Iterator<Item = usize> {
        self.by_step.get(step).into_iter().flatten().copied()
    }

    fn has_matched(&self, step: usize) {
        if let Some(watch) = self.rates.iter().find(|watch| watch.step == step) {
            watch.hit.store(true, Ordering::Relaxed);
        }
    }

    fn keep(&self, slot: &Slot, place: usize, taken: Taken) {
        let bytes = taken.bytes();
        let mut kept = slot.kept();
        let before = kept.get(place).map_or(0, Taken::bytes);
        let has_room = |counter: &AtomicUsize, most: usize| {
            counter.load(Ordering::Relaxed).saturating_add(bytes) <= most.saturating_add(before)
        };
        if !has_room(&self.bytes, MAX_BYTES) || !has_room(&self.room.0, MAX_BYTES_OF_ALL) {
            return;
        }
        for counter in self.counters() {
            counter.fetch_add(bytes, Ordering::Relaxed);
            give_back(counter, before);
        }
        if let Some(other) = kept.get_mut(place) {
            *other = taken;
        } else {
            kept.push(taken); // place is below `MOST`, and no hole is left before it
        }
    }

    fn counters(&self) -> [&AtomicUsize; 2] {
        [&self.bytes, &self.room.0]
    }
}

impl RateWatch {
    /// It holds somebody back still: it is to be looked at again.
    pub fn again(&self) {
        self.hit.store(true, Ordering::Relaxed);
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        give_back(&self.room.0, *self.bytes.get_mut());
    }
}

/// Takes bytes off a counter, which never falls below nothing.
fn give_back(counter: &AtomicUsize, bytes: usize) {
    counter.update(Ordering::Relaxed, Ordering::Relaxed, |all| all.saturating_sub(bytes));
}

impl Slot {
    /// What it has, and how many bytes these are: no more than were counted when they were put here.
    fn drain(&self) -> (Option<Drained>, usize) {
        let mut kept = self.kept();
        let requests = self.seen.swap(0, Ordering::Relaxed);
        let mut samples = std::mem::take(&mut *kept);
        drop(kept);
        let bytes = samples.iter().map(Taken::bytes).sum();
        if requests == 0 && samples.is_empty() {
            return (None, bytes);
        }
        let each = requests / u64::try_from(samples.len().max(1)).unwrap_or(1);
        samples.iter_mut().for_each(|sample| sample.weight = each.max(1));
        (Some(Drained { metric: Arc::clone(&self.metric), requests, samples }), bytes)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Taken>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One slot a metric: rules that share a metric are counted together.
#[derive(Default)]
struct Slots {
    slots: Vec<Slot>,
    by_metric: HashMap<Arc<str>, usize>,
}

impl Slots {
    fn has(&self, metric: &Arc<str>) -> bool {
        self.by_metric.contains_key(metric)
    }

    fn of(&mut self, metric: &Arc<str>) -> usize {
        *self.by_metric.entry(Arc::clone(metric)).or_insert_with(|| {
            self.slots.push(Slot { metric: Arc::clone(metric), seen: AtomicU64::new(0), kept: Mutex::default() });
            self.slots.len() - 1
        })
    }
}

fn watch(step: usize, rule: &Rule) -> Option<RateWatch> {
    let Test::Rate(rate) = &rule.test else { return None };
    let (outer, within) = match &rule.group {
        Some(group) => (group, Some(Arc::clone(&rule.name))),
        None => (&rule.name, None),
    };
    let watch = RateWatch { step, rule: Arc::clone(outer), within, quota: rate.quota, hit: AtomicBool::new(false) };
    rate.counts_addresses().then_some(watch)
}
