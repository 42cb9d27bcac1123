//! What a million keys take, and that a flood takes no more: by the allocator's own count.

#![allow(clippy::unwrap_used)] // a test throughout
use std::alloc::System;
use std::time::Duration;

use edge::rates::{Key, Moment, Quota, RuleId, Table};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MOST: usize = 64_000_000;
/// What the edge takes for it where the settings say nothing.
const BYTES: usize = 60 << 20;

#[test]
fn a_million_live_keys_take_less_than_64_mb_and_a_flood_no_more() {
    let quota = Quota::new(RuleId(1), 10, Duration::from_secs(60)).unwrap();
    let busy = Quota::new(RuleId(2), u32::MAX, Duration::from_secs(60)).unwrap();
    let at = |millis: u64| Moment::after(Duration::from_millis(millis));
    let region = Region::new(ALLOCATOR);
    let held = || region.change().bytes_allocated - region.change().bytes_deallocated;
    let table = Table::bounded(BYTES, *b"0123456789abcdef");
    assert!(held() < 100_000, "little is taken before there are keys: {}", held());
    for key in 0..1_000_000 {
        assert!(table.admit(at(0), &quota, Key(key)).admits);
    }
    let health = table.health();
    assert_eq!((health.used, health.displaced), (1_000_000, 0));
    // Some in all their sub-buckets, so that they have memory of their own.
    for millis in (0..60_000).step_by(8_000) {
        (0..20_000).for_each(|key| assert!(table.observe(at(millis), &busy, Key(key)).admits));
    }
    assert!(held() < MOST, "{}", held());
    assert_eq!(table.health().merged, 0);
    (0..400_000).for_each(|key| assert!(table.admit(at(59_000), &quota, Key(1 << 100 | key)).admits));
    let full = held();
    assert!(full < MOST, "{full}");
    (0..200_000).for_each(|key| assert!(table.admit(at(59_000), &quota, Key(1 << 101 | key)).admits));
    assert_eq!(held(), full, "a full table asks for nothing");
    let health = table.health();
    assert!(health.used <= table.capacity() && health.displaced > 300_000, "{health:?}");
    assert_eq!(health.displaced_busy, 0);
}
