//! Attestations are taken once: what came is remembered for as long as it could come again.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::attest::{AttestError, LEEWAY};
use common::clock::UnixMillis;
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
    now: Half,
    before: Half,
    /// When the newest was made that is remembered no more. Nothing that old is in its time, unless the wall clock was set back.
    forgotten: Option<UnixMillis>,
}

#[derive(Default)]
struct Half {
    came: HashSet<[u8; 16]>,
    newest: Option<UnixMillis>,
}

impl Seen {
    pub fn new(at: Instant) -> Self {
        Self(Mutex::new(Halves { since: at, now: Half::default(), before: Half::default(), forgotten: None }))
    }

    /// Takes an edge's attestation. What there is no room to remember is not taken.
    pub fn take(&self, edge: &EdgeId, id: [u8; 16], made_at: UnixMillis, at: Instant) -> Result<(), Refusal> {
        let key = key(edge, id);
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if at.saturating_duration_since(halves.since) >= HELD {
            let full = std::mem::take(&mut halves.now);
            let gone = at.saturating_duration_since(halves.since) >= HELD * 2;
            let (before, lost) = if gone { (Half::default(), full.newest) } else { (full, None) };
            let dropped = std::mem::replace(&mut halves.before, before);
            halves.forgotten = halves.forgotten.max(dropped.newest).max(lost);
            halves.since = at;
        }
        if halves.before.came.contains(&key) || halves.now.came.contains(&key) {
            return Err(Refusal::Replayed);
        }
        if Some(made_at) <= halves.forgotten {
            return Err(AttestError::TooOld.into());
        }
        if halves.now.came.len() >= REMEMBERED {
            return Err(Refusal::Full);
        }
        halves.now.came.insert(key);
        halves.now.newest = halves.now.newest.max(Some(made_at));
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

    /// By this many seconds of the wall clock.
    fn made(seconds: u64) -> UnixMillis {
        UnixMillis::from_seconds(1_800_000_000 + seconds)
    }

    #[test]
    fn each_is_taken_once_for_as_long_as_it_is_good() {
        let start = Instant::now();
        let seen = Seen::new(start);
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        for begun in [0, 30, 59, 61, 100] {
            let taken = id(begun);
            assert_eq!(seen.take(&edge("a"), taken, made(begun), at(begun)), Ok(()));
            assert_eq!(seen.take(&edge("a"), taken, made(begun), at(begun)), Err(Refusal::Replayed));
        }
        for (begun, later) in [(100, 100), (100, 130), (100, 160)] {
            let again = seen.take(&edge("a"), id(begun), made(begun), at(later));
            assert_eq!(again, Err(Refusal::Replayed), "{begun} {later}");
        }
        assert_eq!(seen.take(&edge("b"), id(100), made(101), at(160)), Ok(()), "of another edge");
    }

    #[test]
    fn what_is_forgotten_does_not_come_again_when_the_clock_is_set_back() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        for later in [130, 200, 1_000] {
            let seen = Seen::new(start);
            assert_eq!(seen.take(&edge("a"), id(1), made(30), at(0)), Ok(()), "of an edge that is ahead");
            assert_eq!(seen.take(&edge("a"), id(2), made(70), at(70)), Ok(()));
            let again = seen.take(&edge("a"), id(1), made(30), at(later));
            assert!(
                matches!(again, Err(Refusal::Attestation(AttestError::TooOld) | Refusal::Replayed)),
                "{later}: {again:?}"
            );
            assert_eq!(
                seen.take(&edge("a"), id(3), made(later - 30), at(later)),
                Ok(()),
                "{later}: one that is behind"
            );
        }
    }

    #[test]
    fn memory_is_bounded_and_comes_back() {
        let start = Instant::now();
        let seen = Seen::new(start);
        for number in 0..REMEMBERED as u64 {
            seen.take(&edge("a"), id(number), made(0), start).unwrap();
        }
        assert_eq!(seen.take(&edge("a"), id(u64::MAX), made(0), start), Err(Refusal::Full));
        assert_eq!(seen.take(&edge("a"), id(u64::MAX), made(61), start + HELD), Ok(()));
        assert_eq!(seen.take(&edge("a"), id(7), made(0), start + HELD), Err(Refusal::Replayed));
    }
}
