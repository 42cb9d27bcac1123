//! Attestations are taken once: what came is remembered for as long as it could come again.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::attest::LEEWAY;
use common::ids::EdgeId;
use ring::digest::{Context, SHA256};

use super::Refusal;

/// `iat` may be ahead by the leeway, and is good for as long after it.
const HELD: Duration = LEEWAY.saturating_mul(2).saturating_add(Duration::from_secs(1));
/// In each of the two halves: some 8,000 requests a second, and 40 MiB in all.
const REMEMBERED: usize = 500_000;

/// The attestations of the last minute. By a clock that the wall clock's jumps do not touch.
pub struct Seen(Mutex<Halves>);

/// What came since `since`, and what came in the time before it.
struct Halves {
    since: Instant,
    now: HashSet<[u8; 16]>,
    before: HashSet<[u8; 16]>,
}

impl Seen {
    pub fn new(at: Instant) -> Self {
        Self(Mutex::new(Halves { since: at, now: HashSet::new(), before: HashSet::new() }))
    }

    /// Takes an edge's attestation. What there is no room to remember is not taken.
    pub fn take(&self, edge: &EdgeId, id: [u8; 16], at: Instant) -> Result<(), Refusal> {
        let key = key(edge, id);
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if at.saturating_duration_since(halves.since) >= HELD {
            let full = std::mem::take(&mut halves.now);
            let gone = at.saturating_duration_since(halves.since) >= HELD * 2;
            halves.before = if gone { HashSet::new() } else { full };
            halves.since = at;
        }
        if halves.before.contains(&key) || halves.now.contains(&key) {
            return Err(Refusal::Replayed);
        }
        if halves.now.len() >= REMEMBERED {
            return Err(Refusal::Full);
        }
        halves.now.insert(key);
        Ok(())
    }
}

/// Of the edge too, so that no edge uses up what another one says.
fn key(edge: &EdgeId, id: [u8; 16]) -> [u8; 16] {
    let mut hash = Context::new(&SHA256);
    hash.update(&id);
    hash.update(edge.as_str().as_bytes());
    let mut key = [0; 16];
    key.copy_from_slice(hash.finish().as_ref().get(..16).unwrap_or(&[0; 16]));
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(name: &str) -> EdgeId {
        EdgeId::parse(name).unwrap()
    }

    fn id(number: u64) -> [u8; 16] {
        u128::from(number).to_be_bytes()
    }

    #[test]
    fn each_is_taken_once_for_as_long_as_it_is_good() {
        let start = Instant::now();
        let seen = Seen::new(start);
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        for begun in [0, 30, 59, 61, 100] {
            let taken = id(begun);
            assert_eq!(seen.take(&edge("a"), taken, at(begun)), Ok(()));
            assert_eq!(seen.take(&edge("a"), taken, at(begun)), Err(Refusal::Replayed));
        }
        for (begun, later) in [(100, 100), (100, 130), (100, 160)] {
            assert_eq!(seen.take(&edge("a"), id(begun), at(later)), Err(Refusal::Replayed), "{begun} {later}");
        }
        assert_eq!(seen.take(&edge("a"), id(100), at(1_000)), Ok(()), "long out of date by its iat");
        assert_eq!(seen.take(&edge("b"), id(100), at(1_000)), Ok(()), "of another edge");
    }

    #[test]
    fn memory_is_bounded_and_comes_back() {
        let start = Instant::now();
        let seen = Seen::new(start);
        for number in 0..REMEMBERED as u64 {
            seen.take(&edge("a"), id(number), start).unwrap();
        }
        assert_eq!(seen.take(&edge("a"), id(u64::MAX), start), Err(Refusal::Full));
        assert_eq!(seen.take(&edge("a"), id(u64::MAX), start + HELD), Ok(()));
        assert_eq!(seen.take(&edge("a"), id(7), start + HELD), Err(Refusal::Replayed));
    }
}
