//! Faults on purpose, in a short form with every run of the tests and a long one by name (`scripts/test --long fault`).
//!
//! `kill` processes (SECURITY.md R1), `disk` that is full or broken (R3), `exhaustion` of file descriptors and memory (R4), `clock` that jumps (R10).
//! Each holds what was acknowledged against what is there afterwards; `tests/faults/bite` shows that they notice when it isn't.

mod clock;
mod database;
mod disk;
mod exhaustion;
mod kill;
mod ledger;
mod shim;

use std::time::Duration;

pub use self::database::postgres_storage;
use crate::system::Refused;

const PASSWORD: &str = "Correct-Horse-1";
const PATIENCE: Duration = Duration::from_secs(60);

/// Storage trouble in Cognito's words: 503 with Retry-After.
pub fn assert_unavailable(refused: &Refused) {
    let Refused::Exception { status, name, retry_after, .. } = refused else { panic!("no answer: {refused:?}") };
    assert_eq!((*status, name.as_str()), (503, "InternalErrorException"), "{refused:?}");
    assert!(retry_after.as_deref().is_some_and(|wait| wait.parse::<u32>().is_ok()), "{refused:?}");
}

/// No process under test may panic, whatever it is put through.
fn assert_no_panic(log: &str) {
    let panics: Vec<&str> = log.lines().filter(|line| line.contains("panicked at")).collect();
    assert!(panics.is_empty(), "{}", panics.join("\n"));
}

/// Sorted durations in three figures.
fn spread(took: &[Duration]) -> String {
    if took.is_empty() {
        return "none".to_owned();
    }
    let mut took = took.to_vec();
    took.sort();
    let at = |share: usize| took[((took.len() - 1) * share).div_ceil(100)];
    format!("p50 {:.1?}, p99 {:.1?}, max {:.1?}", at(50), at(99), at(100))
}
