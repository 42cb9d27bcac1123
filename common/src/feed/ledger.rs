//! An issuer's side of limits that edges share: who has counted what lately, and who has not heard of it yet. No I/O, no clock.
//!
//! A scope has a log of the newest counts, which each member reads from where it stands, leaving out its own; and the totals of the windows, for members
//! that come later. Both are bounded: a member that reads too slowly misses counts, and of too many keys those go first that are used least.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::report::{Count, CountedRule, Counts, Heard, Merged, Scope, Share};
use crate::ways::Ways;

/// Counts in one frame: at most 80 KB.
pub const MOST_AT_ONCE: usize = 2_000;
/// Scopes at a time.
const MOST_SCOPES: usize = 64;
/// The newest counts of a scope: 4 MB.
const LOG: usize = 64 * 1024;
/// Keys of a scope of which the totals are known: at most 10 MB.
const KEYS: usize = 64 * 1024;
/// Counts that a new member is told at most, the highest first.
const MOST_TOTALS: usize = 100_000;
/// Pieces of a window that totals are kept by. A new member counts a request for a fifteenth of the window too long at most, never too short.
const PIECES: usize = 16;
const LONGEST_WINDOW_S: u32 = 24 * 60 * 60;

type RuleKey = (CountedRule, [u8; 16]);

/// What the edges of each scope have counted.
pub struct Ledger {
    /// Random: a ledger that begins anew has another.
    id: u64,
    scopes: BTreeMap<Scope, Group>,
}

/// An edge that shares, on one connection.
#[derive(Debug)]
pub struct Member {
    scope: Scope,
    origin: u64,
    /// The number of the first count of the log that it has not read.
    next: u64,
    /// What was counted before it came, the highest last.
    totals: Vec<Told>,
}

struct Group {
    log: VecDeque<Logged>,
    /// The number of the first count in the log.
    first: u64,
    totals: Ways<RuleKey, Total>,
    members: usize,
}

struct Logged {
    origin: u64,
    told: Told,
}

/// Some requests with one key; `at` is when the last of them was, in milliseconds of the issuer's monotonic clock.
#[derive(Clone, Copy, Debug)]
struct Told {
    key: RuleKey,
    admitted: u32,
    asked: u32,
    at: u64,
}

impl Ledger {
    pub fn new(id: u64) -> Self {
        Self { id, scopes: BTreeMap::new() }
    }

    /// A member from now on. None: there are too many scopes.
    pub fn join(&mut self, now: u64, share: &Share) -> Option<Member> {
        if !self.scopes.contains_key(&share.scope) && self.scopes.len() >= MOST_SCOPES {
            let unused = self.scopes.iter().find(|(_, group)| group.members == 0).map(|(scope, _)| scope.clone())?;
            self.scopes.remove(&unused);
        }
        let group = self.scopes.entry(share.scope.clone()).or_insert_with(Group::new);
        group.members += 1;
        let end = group.end();
        // Who knows this ledger goes on where it was; who does not, has heard of nothing that is in it.
        let known = share.heard.filter(|heard| heard.ledger == self.id && heard.seq <= end);
        let (next, totals) = known.map_or_else(|| (end, group.totals(now)), |heard| (heard.seq, Vec::new()));
        Some(Member { scope: share.scope.clone(), origin: share.origin, next, totals })
    }

    /// Where a member that has just joined stands, if there is nothing that it is still to be told of the time before: what it says itself from now on is
    /// no news to it when it comes again.
    pub fn stands(&self, member: &Member) -> Option<Heard> {
        member.totals.is_empty().then_some(Heard { ledger: self.id, seq: member.next })
    }

    pub fn leave(&mut self, member: &Member) {
        if let Some(group) = self.scopes.get_mut(&member.scope) {
            group.members = group.members.saturating_sub(1);
        }
    }

    /// What a member has counted; `way_ms` is how long it was under way. Whether that was well-formed.
    pub fn take(&mut self, now: u64, member: &Member, counts: &Counts, way_ms: u64) -> bool {
        let is_window = |rule: &CountedRule| (1..=LONGEST_WINDOW_S).contains(&rule.window_s);
        let is_well = |count: &Count| usize::from(count.rule) < counts.rules.len() && count.asked >= count.admitted;
        if !counts.rules.iter().all(is_window) || !counts.counts.iter().all(is_well) {
            return false;
        }
        let Some(group) = self.scopes.get_mut(&member.scope) else { return true };
        for (rule, count) in counts.with_rules() {
            let at = now.saturating_sub(way_ms).saturating_sub(u64::from(count.ago_ms));
            let told = Told { key: (rule, count.key), admitted: count.admitted, asked: count.asked, at };
            group.add(now, member.origin, told);
        }
        true
    }

    /// Whether there is something that the member should be told.
    pub fn is_due(&self, member: &Member) -> bool {
        let end = self.scopes.get(&member.scope).map_or(0, Group::end);
        !member.totals.is_empty() || member.next < end
    }

    /// The next that the member is told, at most [`MOST_AT_ONCE`]. None: nothing new but what it has said itself.
    pub fn due(&mut self, now: u64, member: &mut Member) -> Option<Merged> {
        let group = self.scopes.get(&member.scope)?;
        let totals = member.totals.len().saturating_sub(MOST_AT_ONCE);
        let mut told = member.totals.split_off(totals);
        if told.is_empty() {
            told = group.read(member);
        }
        let mut of_others = Counts::default();
        for told in told {
            let ago_ms = u32::try_from(now.saturating_sub(told.at)).unwrap_or(u32::MAX);
            let (rule, key) = told.key;
            of_others.push(rule, Count { rule: 0, key, admitted: told.admitted, asked: told.asked, ago_ms });
        }
        let heard = Heard { ledger: self.id, seq: member.next };
        (!of_others.is_empty()).then_some(Merged { heard, of_others })
    }
}

impl Group {
    fn new() -> Self {
        Self { log: VecDeque::new(), first: 0, totals: Ways::bounded(KEYS), members: 0 }
    }

    /// The number of the next count.
    fn end(&self) -> u64 {
        self.first.saturating_add(self.log.len() as u64)
    }

    fn add(&mut self, now: u64, origin: u64, told: Told) {
        if told.admitted > 0
            && now.saturating_sub(told.at) < window_ms(told.key.0)
            && let Some((total, _)) = self.totals.entry(told.key, Total::default, |total| (total.newest, total.sum()))
        {
            total.add(told);
        }
        self.log.push_back(Logged { origin, told });
        if self.log.len() > LOG {
            self.log.pop_front();
            self.first += 1;
        }
    }

    /// What the member has not read yet, one count a key where they follow closely on each other, and not too much at once.
    fn read(&self, member: &mut Member) -> Vec<Told> {
        member.next = member.next.max(self.first);
        let skip = usize::try_from(member.next - self.first).unwrap_or(usize::MAX);
        let mut by_key: HashMap<(RuleKey, u64), Told> = HashMap::new();
        for logged in self.log.iter().skip(skip) {
            if by_key.len() >= MOST_AT_ONCE {
                break;
            }
            member.next += 1;
            if logged.origin == member.origin {
                continue;
            }
            let told = logged.told;
            // What lies in different pieces of the window must go on doing so.
            let piece = told.at * PIECES as u64 * 4 / window_ms(told.key.0).max(1);
            let sum = by_key.entry((told.key, piece)).or_insert(Told { admitted: 0, asked: 0, at: 0, ..told });
            sum.admitted = sum.admitted.saturating_add(told.admitted);
            sum.asked = sum.asked.saturating_add(told.asked);
            sum.at = sum.at.max(told.at);
        }
        by_key.into_values().collect()
    }

    fn totals(&self, now: u64) -> Vec<Told> {
        let of_key = |(key, total): (&RuleKey, &Total)| total.told(now, *key);
        let mut all: Vec<Told> = self.totals.iter().flat_map(of_key).collect();
        all.sort_unstable_by_key(|told| told.admitted);
        let most = all.len().saturating_sub(MOST_TOTALS);
        all.split_off(most)
    }
}

/// What was admitted in each piece of the window.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    /// The number of the newest piece.
    newest: u64,
    /// The newest first.
    pieces: [u32; PIECES],
}

impl Total {
    fn add(&mut self, told: Told) {
        let at = told.at / piece_ms(told.key.0);
        if at > self.newest {
            let by = usize::try_from(at - self.newest).unwrap_or(PIECES).min(PIECES);
            self.pieces.copy_within(..PIECES - by, by);
            self.pieces.iter_mut().take(by).for_each(|piece| *piece = 0);
            self.newest = at;
        }
        let back = usize::try_from(self.newest - at).unwrap_or(PIECES);
        if let Some(piece) = self.pieces.get_mut(back) {
            *piece = piece.saturating_add(told.admitted);
        }
    }

    fn sum(&self) -> u64 {
        self.pieces.iter().map(|piece| u64::from(*piece)).sum()
    }

    /// Each piece as of its end.
    fn told(&self, now: u64, key: RuleKey) -> Vec<Told> {
        let (each, window) = (piece_ms(key.0), window_ms(key.0));
        let pieces = (0_u64..).zip(self.pieces).filter(|(_, admitted)| *admitted > 0);
        let told = pieces.map(|(back, admitted)| {
            let at = (self.newest.saturating_sub(back) + 1).saturating_mul(each).min(now);
            Told { key, admitted, asked: 0, at }
        });
        told.filter(|told| now - told.at < window).map(|told| Told { asked: told.admitted, ..told }).collect()
    }
}

fn window_ms(rule: CountedRule) -> u64 {
    u64::from(rule.window_s) * 1_000
}

/// The window lies in fifteen of them and the present one.
fn piece_ms(rule: CountedRule) -> u64 {
    window_ms(rule).div_ceil(PIECES as u64 - 1).max(1)
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("scopes", &self.scopes.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
