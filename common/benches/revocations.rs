//! What revocations take: memory, lookups, folding, reading a snapshot and a file. Prints, asserts nothing.
//! `cargo bench -p common --bench revocations [-- COUNT]`

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::hint::black_box;
use std::time::Instant;

use common::clock::UnixMillis;
use common::feed::{Change, Delta, Digest, Epoch, FeedName, FeedState, Message, Position, Record, Revoked};
use common::feed::{Decoder, SnapshotBegin, SnapshotChunk, SnapshotEnd, Subscribe, Subscriber, Welcome, chain_digest};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn main() {
    let count = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(1_000_000_usize);
    println!("{count} revoked sessions");
    let names: Vec<uuid::Uuid> = (0..count).map(|_| uuid::Uuid::now_v7()).collect();
    let records: Vec<Record> = names.iter().map(|name| record(&name.to_string())).collect();
    let frames = frames(&records);
    println!("a snapshot has {} bytes", frames.iter().map(Vec::len).sum::<usize>());

    let begun = Instant::now();
    let mut core = Subscriber::new("bench", Default::default());
    core.on_connected(NOW);
    let welcome = Welcome { feeds: vec![FeedName::Global], issuer_clock: NOW };
    core.on_message(Message::Welcome(welcome), NOW);
    let mut decoder = Decoder::default();
    for frame in frames {
        decoder.push(&frame);
        core.on_message(Message::decode(&decoder.next_frame().unwrap().unwrap()).unwrap(), NOW);
        while let Some(action) = core.poll() {
            assert!(!matches!(action, Subscribe::Alarm(_)), "{action:?}");
        }
    }
    println!("frames read, checked and in force: {:?}", begun.elapsed());
    let state = core.state(&FeedName::Global).unwrap().clone();
    let bytes = state.revoked().folded().bytes();
    println!("{} bytes in tables, {:.1} each", bytes, bytes as f64 / count as f64);

    let absent: Vec<uuid::Uuid> = (0..count).map(|_| uuid::Uuid::now_v7()).collect();
    lookups("known names", &state, &names, true);
    lookups("other names", &state, &absent, false);

    let begun = Instant::now();
    let mut file = Vec::new();
    state.write_to(&mut file).unwrap();
    println!("written: {:?}, {} bytes", begun.elapsed(), file.len());
    let begun = Instant::now();
    let read = FeedState::read_from(state.position(), &mut file.as_slice(), file.len() as u64).unwrap();
    println!("read: {:?}", begun.elapsed());
    drop(read);
    deltas(core, count / 5);
}

fn record(name: &str) -> Record {
    let change = Change::Revoked(Revoked::Session { origin_jti: name.into() });
    change.to_raw(NOW).unwrap().encode().unwrap().into()
}

fn frames(records: &[Record]) -> Vec<Vec<u8>> {
    let position = Position { seq: records.len() as u64, ..Position::start(Epoch([1; 16])) };
    let (feed, content) = (FeedName::Global, records.iter().fold(Digest::START, |all, one| chain_digest(all, one)));
    let mut messages =
        vec![Message::SnapshotBegin(SnapshotBegin { feed: feed.clone(), position, records: records.len() as u64 })];
    messages.extend(records.chunks(1_800).enumerate().map(|(index, records)| {
        let (feed, index) = (feed.clone(), index as u32);
        Message::SnapshotChunk(SnapshotChunk { feed, index, records: records.to_vec() })
    }));
    messages.push(Message::SnapshotEnd(SnapshotEnd { feed, position, content }));
    messages.iter().map(|message| message.encode().unwrap()).collect()
}

/// One by one, in an order that no cache expects.
fn lookups(what: &str, state: &FeedState, names: &[uuid::Uuid], expected: bool) {
    let folded = state.revoked().folded();
    let step = 7_919_usize;
    let asked: Vec<[u8; 16]> = (0..names.len()).map(|at| *names[at * step % names.len()].as_bytes()).collect();
    let mut took: Vec<u64> = Vec::with_capacity(names.len());
    let (begun, mut found) = (Instant::now(), 0);
    for name in &asked {
        found += usize::from(folded.session(black_box(name)));
    }
    let mean = begun.elapsed().as_nanos() as f64 / names.len() as f64;
    assert_eq!(found, if expected { names.len() } else { 0 });
    for name in &asked {
        let begun = Instant::now();
        black_box(folded.session(black_box(name)));
        took.push(begun.elapsed().as_nanos() as u64);
    }
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!("lookup of {what}: mean {mean:.0} ns; with a clock around each p50 {}, p99 {} ns", at(0.5), at(0.99));
}

/// So many arrive by and by: how long one call holds up the next.
fn deltas(mut core: Subscriber, count: usize) {
    let mut position = core.state(&FeedName::Global).unwrap().position();
    let (mut took, begun) = (Vec::new(), Instant::now());
    for _ in 0..count / 10 {
        let records: Vec<Record> = (0..10).map(|_| record(&uuid::Uuid::now_v7().to_string())).collect();
        let after = records.iter().fold(position, |position, record| position.after(record));
        let delta = Delta {
            feed: FeedName::Global,
            epoch: position.epoch,
            first: position.seq + 1,
            prev: position.digest,
            records,
            digest: after.digest,
        };
        position = after;
        let begun = Instant::now();
        core.on_message(Message::Delta(delta), NOW);
        took.push(begun.elapsed());
        while let Some(action) = core.poll() {
            assert!(!matches!(action, Subscribe::Alarm(_)), "{action:?}");
        }
    }
    let all = begun.elapsed();
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!(
        "{count} more by tens: {all:?}; a delta p50 {:?}, p99 {:?}, p99.9 {:?}, max {:?}",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}
