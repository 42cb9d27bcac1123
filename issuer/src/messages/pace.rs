//! When to try again (pure). Two things fail: a message, and the way to the server. A server that is away says nothing about a
//! message, so it is the courier that pauses, not each message for itself; when the server is back, all go at once.

use std::time::Duration;

/// After the first refusal of a message that may pass later; doubles.
const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(600);
/// After the first failure to reach the server; doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Delays vary by a fifth either way, so that what failed together does not come back together.
const SPREAD: u32 = 5;

/// How long a message waits after its `attempts`-th try (from 1). `draw` is any random number.
pub fn next_try(attempts: u64, draw: u32) -> Duration {
    delay(FIRST, LONGEST, attempts, draw)
}

/// How long the courier leaves a server alone after its `failures`-th failure in a row (from 1).
pub fn pause(failures: u64, draw: u32) -> Duration {
    delay(FIRST_PAUSE, LONGEST_PAUSE, failures, draw)
}

fn delay(first: Duration, longest: Duration, count: u64, draw: u32) -> Duration {
    let doublings = u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let middle = first.saturating_mul(1 << doublings).min(longest);
    let spread = middle / SPREAD;
    let part = spread.saturating_mul(2).as_millis() as u64;
    let shift = if part == 0 { 0 } else { u64::from(draw) % (part + 1) };
    middle - spread + Duration::from_millis(shift)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn delays_grow_to_a_bound_and_keep_their_spread(count in 1u64.., draw: u32) {
            let wait = next_try(count, draw);
            prop_assert!(wait >= FIRST * 4 / 5 && wait <= LONGEST * 6 / 5, "{:?}", wait);
            let middle = FIRST.saturating_mul(1 << (count - 1).min(16)).min(LONGEST);
            prop_assert!(wait >= middle * 4 / 5 && wait <= middle * 6 / 5, "{:?} around {:?}", wait, middle);
            prop_assert!(pause(count, draw) <= LONGEST_PAUSE * 6 / 5);
        }
    }

    #[test]
    fn the_draw_spreads_them() {
        let waits: std::collections::BTreeSet<_> = (0..100).map(|n| next_try(3, n * 7_919)).collect();
        assert!(waits.len() > 50);
    }
}
