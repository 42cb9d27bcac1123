use std::sync::Barrier;
use std::thread;

use common::jose::Thumbprint;

use super::*;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn proof(number: u64, seconds: u64) -> Proof {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Proof { key: Thumbprint::of(b"k"), id: ProofId(id), from: at(0), until: at(seconds), nonce_turned: false }
}

fn at(seconds: u64) -> UnixMillis {
    NOW.plus(Duration::from_secs(seconds))
}

fn replay(bytes: usize) -> Replay {
    Replay::bounded(bytes, Gauge::default())
}

#[test]
fn a_proof_passes_once_while_it_could_pass() {
    let replay = replay(1 << 20);
    assert_eq!(replay.spend(&proof(1, 60), NOW), Spent::Now);
    assert_eq!(replay.spend(&proof(1, 60), NOW), Spent::Before);
    assert_eq!(replay.spend(&proof(1, 90), at(60)), Spent::Before, "also with a later `iat`");
    assert_eq!(replay.spend(&proof(2, 60), at(60)), Spent::Now);
    assert_eq!(replay.spend(&proof(1, 120), at(61)), Spent::Now, "the one before has no time left");
    assert_eq!(replay.spend(&proof(1, 120), at(61)), Spent::Before);
}

#[test]
fn of_many_at_once_one_passes() {
    const THREADS: usize = 8;
    let replay = replay(1 << 20);
    for number in 0..500 {
        let start = Barrier::new(THREADS);
        let spent: Vec<Spent> = thread::scope(|scope| {
            let ask = || {
                start.wait();
                replay.spend(&proof(number, 60), NOW)
            };
            let all: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(spent.iter().filter(|spent| **spent == Spent::Now).count(), 1, "{spent:?}");
        assert_eq!(spent.iter().filter(|spent| **spent == Spent::Before).count(), THREADS - 1);
    }
}

#[test]
fn a_full_set_refuses_the_new_and_forgets_nothing() {
    let replay = replay(64 << 10);
    let room = replay.capacity() as u64;
    let taken: Vec<u64> = (0..room * 3).filter(|n| replay.spend(&proof(*n, 60), NOW) == Spent::Now).collect();
    assert_eq!(taken.len() as u64, room, "every place is used");
    assert!(taken.iter().all(|n| replay.spend(&proof(*n, 60), at(59)) == Spent::Before));
    assert_eq!(replay.spend(&proof(room * 3, 200), at(60)), Spent::NoRoom);
    assert_eq!(i64::try_from(room), Ok(replay.held.get()));
    assert_eq!(replay.spend(&proof(room * 3, 200), at(61)), Spent::Now, "time makes room");
    assert!(replay.held.get() < i64::try_from(room).unwrap());
}

#[test]
fn tables_stay_within_their_bytes() {
    let bytes = 256 << 10;
    let replay = replay(bytes);
    assert!(replay.capacity() * PLACE_BYTES > bytes / 3, "{}", replay.capacity());
    // Rounds of proofs that come and go, so that a table which kept the places of the dead would grow.
    for round in 0..40 {
        for n in 0..replay.capacity() as u64 {
            replay.spend(&proof(round << 32 | n, round * 10 + 15), at(round * 10));
        }
        let places: usize = replay.shards.iter().map(|shard| shard.lock().unwrap().used.capacity()).sum();
        assert!(places * 8 / 7 * PLACE_BYTES <= bytes, "{places} in round {round}");
    }
}

#[test]
fn a_clock_that_is_set_back_still_makes_room() {
    let replay = replay(8 << 10);
    let fill = |from: u64, until, now| {
        (from..from + 10_000).for_each(|n| assert_ne!(replay.spend(&proof(n, until), now), Spent::Before))
    };
    fill(0, 1_060, at(1_000));
    assert_eq!(replay.spend(&proof(90_000, 60), NOW), Spent::NoRoom, "these could all come again");
    fill(20_000, 1, at(1_061));
    assert_eq!(replay.spend(&proof(90_000, 60), at(3)), Spent::Now);
}
