//! How many pass from one network without having worked for it.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use common::clock::UnixMillis;
use foldhash::fast::RandomState;

/// Counters; 64 KiB. Networks that meet in one share it, so a flood of networks makes it stricter, never larger.
const PLACES: usize = 8 * 1024;
/// Seconds that a count is for.
pub const WINDOW: u64 = 600;

/// Counts in fixed memory: each place has the number of its window and how many have passed in it.
pub struct Pace {
    places: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Default for Pace {
    fn default() -> Self {
        Self { places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(), hasher: RandomState::default() }
    }
}

impl Pace {
    /// Counts one more of a network, if it may be.
    pub fn take(&self, network: [u8; 8], limit: u32, now: UnixMillis) -> bool {
        let at = usize::try_from(self.hasher.hash_one(network) % PLACES as u64).unwrap_or(0);
        let window = now.seconds() / WINDOW;
        let more = |place: u64| {
            let passed = if place >> 32 == window & u64::from(u32::MAX) { place & u64::from(u32::MAX) } else { 0 };
            (passed < u64::from(limit)).then_some((window << 32) | (passed + 1))
        };
        let Some(place) = self.places.get(at) else { return false };
        place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

/// Seconds until another window begins.
pub fn next_window(now: UnixMillis) -> u64 {
    WINDOW - now.seconds() % WINDOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_so_many_in_a_window() {
        let (pace, start) = (Pace::default(), 1_800_000_000);
        assert_eq!(start % WINDOW, 0);
        let at = |seconds| UnixMillis::from_seconds(start + seconds);
        let taken = |seconds, network| (0..5).filter(|_| pace.take([network; 8], 3, at(seconds))).count();
        assert_eq!((taken(0, 1), taken(599, 1)), (3, 0));
        assert_eq!(taken(300, 2), 3, "of another network");
        assert_eq!(taken(600, 1), 3, "in another window");
        assert_eq!(next_window(at(599)), 1);
    }

    #[test]
    fn of_many_at_once_no_more_pass() {
        let pace = Pace::default();
        let passed: usize = std::thread::scope(|scope| {
            let take = || (0..100).filter(|_| pace.take([7; 8], 50, UnixMillis::from_seconds(600))).count();
            let all: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            all.into_iter().map(|one| one.join().unwrap()).sum()
        });
        assert_eq!(passed, 50);
    }
}
