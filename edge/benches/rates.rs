//! What counting in a window costs, and what memory a million keys take. Prints, asserts nothing.
//! `cargo bench -p edge --bench rates`

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use edge::rates::{Digester, Key, Moment, Quota, RuleId, Table};

const KEYS: u32 = 1_000_000;
const ROUNDS: u32 = 3_000_000;
const BYTES: usize = 60 << 20;

fn main() {
    let quota = Quota::new(RuleId(1), 100, Duration::from_secs(60)).unwrap();
    let before = resident();
    let table = Table::bounded(BYTES, *b"0123456789abcdef");
    println!("places: {}; resident when new: {} kB", table.capacity(), kilobytes(before));
    let mut now = 0_u64;
    let mut tick = || {
        now += 1_000;
        Moment::after(Duration::from_nanos(now))
    };
    let one = time(ROUNDS, |_| table.admit(tick(), &quota, Key(1)));
    println!("one key, mostly over its limit: {one:.0} ns");
    let busy = Quota::new(RuleId(2), 2_000_000_000, Duration::from_secs(60)).unwrap();
    let one = time(ROUNDS, |_| table.admit(tick(), &busy, Key(1)));
    println!("one key, admitted: {one:.0} ns");
    let hot = time(ROUNDS, |round| table.admit(tick(), &quota, Key(u128::from(2 + round % 1_000))));
    println!("one of a thousand keys: {hot:.0} ns");
    let first = time(KEYS, |round| table.admit(tick(), &quota, scattered(round)));
    println!("a million new keys: {first:.0} ns each; resident: {} kB", kilobytes(before));
    let again = time(ROUNDS, |round| table.admit(tick(), &quota, scattered(round.wrapping_mul(7_919) % KEYS)));
    println!("one of a million keys: {again:.0} ns");
    let flood = time(ROUNDS, |round| table.admit(tick(), &quota, scattered(KEYS + round)));
    println!("a flood of new keys into a full table: {flood:.0} ns each; resident: {} kB", kilobytes(before));
    println!("{:?}", table.health());
    let begun = Instant::now();
    let listed = table.over(tick(), &quota, 10_000).len();
    println!("keys over their rate: {listed}, listed in {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    threads(&table, &quota);
    let digester = Digester::new([7; 16]);
    let digest = time(ROUNDS, |round| {
        let mut parts = digester.parts();
        parts.add(b"per-user orders api.example.com/orders/*");
        parts.add(&round.to_be_bytes());
        parts.add(b"8b1f2c8e-7d4b-4c07-9d6e-5f4b1c2a3d4e");
        parts.key()
    });
    println!("a key of three parts: {digest:.0} ns");
}

/// Other keys of one table at two threads.
fn threads(table: &Table, quota: &Quota) {
    let both = std::thread::scope(|scope| {
        let ask = |from: u32| {
            move || {
                let now = Moment::after(Duration::from_secs(30));
                time(ROUNDS, |round| table.admit(now, quota, scattered(from + round % 500_000)))
            }
        };
        [scope.spawn(ask(0)), scope.spawn(ask(500_000))].map(|thread| thread.join().unwrap())
    });
    println!("one of a million keys, two threads: {:.0} ns", f64::max(both[0], both[1]));
}

fn scattered(number: u32) -> Key {
    Key(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

fn time<T>(rounds: u32, mut work: impl FnMut(u32) -> T) -> f64 {
    let begun = Instant::now();
    for round in 0..rounds {
        black_box(work(round));
    }
    begun.elapsed().as_nanos() as f64 / f64::from(rounds)
}

fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn kilobytes(before: usize) -> usize {
    resident().saturating_sub(before) / 1_000
}
