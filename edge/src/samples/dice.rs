//! Numbers that nobody aims at, from one atomic.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

/// 2^64 divided by the golden ratio (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014: SplitMix64).
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A generator of numbers.
#[derive(Debug)]
pub struct Dice(AtomicU64);

impl Dice {
    pub const fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Where to keep the next of the things of which `seen` have come before, among `most` that are kept; None: it is not kept.
    pub fn place(&self, seen: u64, most: usize) -> Option<usize> {
        let most_wide = u64::try_from(most).unwrap_or(u64::MAX);
        let place = if seen < most_wide { seen } else { self.below(seen.saturating_add(1)) };
        usize::try_from(place).ok().filter(|place| *place < most)
    }

    /// A number below this, each as likely as the others but for one in 2^64 of them.
    fn below(&self, end: u64) -> u64 {
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        u64::try_from((u128::from(mixed) * u128::from(end)) >> 64).unwrap_or_default()
    }
}

/// Another one in every process.
impl Default for Dice {
    fn default() -> Self {
        Self::seeded(RandomState::new().build_hasher().finish())
    }
}
