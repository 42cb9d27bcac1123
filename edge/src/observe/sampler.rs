//! Which of many requests are looked at closely: an even share of them, by count, with one atomic and no lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// All of 32 bits.
const WHOLE: u64 = 1 << 32;
/// 2^64 divided by the golden ratio: multiples of it are spread evenly (Knuth, TAOCP 3, §6.4).
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Takes a share of what it is asked about.
#[derive(Debug)]
pub struct Sampler {
    /// Of 2^32.
    share: AtomicU64,
    asked: AtomicU64,
}

impl Sampler {
    /// `share` is between 0 and 1.
    pub fn new(share: f64) -> Self {
        let sampler = Self { share: AtomicU64::default(), asked: AtomicU64::default() };
        sampler.set(share);
        sampler
    }

    pub fn set(&self, share: f64) {
        self.share.store((share.clamp(0.0, 1.0) * WHOLE as f64) as u64, Ordering::Relaxed);
    }

    pub fn takes(&self) -> bool {
        match self.share.load(Ordering::Relaxed) {
            0 => false,
            share if share >= WHOLE => true,
            share => self.asked.fetch_add(1, Ordering::Relaxed).wrapping_mul(STEP) >> 32 < share,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_kept_over_any_stretch() {
        for (share, expected) in [(0.0, 0), (0.01, 10), (0.5, 500), (1.0, 1_000)] {
            let sampler = Sampler::new(share);
            for _ in 0..3 {
                let taken = (0..1_000).filter(|_| sampler.takes()).count() as i64;
                assert!((taken - expected).abs() <= 3, "{share}: {taken}");
            }
        }
    }
}
