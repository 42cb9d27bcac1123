//! What counting one request costs: alone, and from two threads on one route. Prints, asserts nothing.
//! `cargo bench -p edge`

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use edge::snapshot::meter::{Meter, Served};

const ROUNDS: u32 = 5_000_000;

fn main() {
    let served = Served { status: 200, spent: Duration::from_micros(730), received: 0, sent: 1_024 };
    let meter = Meter::default();
    let alone = time(|| meter.count(black_box(served)));
    println!("a request, one thread: {alone:.1} ns");
    let first = time(|| meter.first_byte(black_box(Duration::from_micros(600))));
    println!("a first byte, one thread: {first:.1} ns");
    let barrier = Barrier::new(2);
    let both = std::thread::scope(|scope| {
        let one = || {
            barrier.wait();
            time(|| meter.count(black_box(served)))
        };
        [scope.spawn(one), scope.spawn(one)].map(|thread| thread.join().unwrap())
    });
    println!("a request, two threads on one route: {:.1} ns", f64::max(both[0], both[1]));
    let now = time(|| {
        black_box(Instant::now());
    });
    println!("for comparison, a look at the clock: {now:.1} ns");
}

fn time(work: impl Fn()) -> f64 {
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        work();
    }
    begun.elapsed().as_nanos() as f64 / f64::from(ROUNDS)
}
