//! The subscriber's rules, one by one: what it refuses keeps the last good state and raises an alarm.

use super::{
    Alarm, Change, Delta, Digest, Epoch, FeedName, FeedState, Heartbeat, Kept, Message, Position, RawChange, Record,
    Restored, Revoked, SnapshotBegin, SnapshotChunk, SnapshotEnd, Subscribe, Subscriber, Welcome, chain_digest,
};
use crate::clock::UnixMillis;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

fn epoch(n: u64) -> Epoch {
    Epoch::new(UnixMillis(n), [0; 10])
}

fn record(jti: &str) -> Record {
    Change::Revoked(Revoked::Token { jti: jti.into() }).to_raw(NOW).unwrap().encode().unwrap().into()
}

fn delta(from: Position, records: Vec<Record>) -> Delta {
    let after = records.iter().fold(from, |position, record| position.after(record));
    Delta {
        feed: FeedName::Global,
        epoch: from.epoch,
        first: from.seq + 1,
        prev: from.digest,
        records,
        digest: after.digest,
    }
}

fn snapshot(position: Position, records: Vec<Record>) -> [Message; 3] {
    let content = records.iter().fold(Digest::START, |content, record| chain_digest(content, record));
    let (feed, count) = (FeedName::Global, records.len() as u64);
    [
        Message::SnapshotBegin(SnapshotBegin { feed: feed.clone(), position, records: count }),
        Message::SnapshotChunk(SnapshotChunk { feed: feed.clone(), index: 0, records }),
        Message::SnapshotEnd(SnapshotEnd { feed, position, content }),
    ]
}

/// Connected, at the third record of epoch 5.
fn subscriber() -> (Subscriber, Position) {
    let records = [record("a"), record("b"), record("c")];
    let position = records.iter().fold(Position::start(epoch(5)), |position, record| position.after(record));
    let state = FeedState::from_records(position, &records).unwrap();
    let states = [(FeedName::Global, Kept { state, fresh_as_of: UnixMillis(7) })].into();
    let mut core = Subscriber::new("t", Restored { states, epochs: Default::default() });
    core.on_connected(NOW);
    core.on_message(Message::Welcome(Welcome { feeds: vec![FeedName::Global], issuer_clock: NOW }), NOW);
    drain(&mut core);
    (core, position)
}

fn drain(core: &mut Subscriber) -> Vec<Subscribe> {
    std::iter::from_fn(|| core.poll()).collect()
}

fn alarm_after(core: &mut Subscriber, messages: impl IntoIterator<Item = Message>) -> Option<Alarm> {
    let before = core.state(&FeedName::Global).cloned();
    messages.into_iter().for_each(|message| core.on_message(message, NOW));
    assert_eq!(core.state(&FeedName::Global).cloned(), before, "the last good state stays");
    drain(core).into_iter().find_map(|action| match action {
        Subscribe::Alarm(alarm) => Some(alarm),
        _ => None,
    })
}

#[test]
fn damage_in_a_delta_or_a_snapshot_changes_nothing() {
    let global = FeedName::Global;
    let (mut core, at) = subscriber();
    let wrong_digest = Delta { digest: Digest([9; 32]), ..delta(at, vec![record("d")]) };
    assert_eq!(alarm_after(&mut core, [Message::Delta(wrong_digest)]), Some(Alarm::Delta(global.clone())));
    let body = RawChange { kind: super::Kind::POOL_SETTINGS, subject: "x".into(), body: vec![255], leave_at: None };
    let half_good = delta(at, vec![record("d"), body.encode().unwrap().into()]);
    assert_eq!(alarm_after(&mut core, [Message::Delta(half_good)]), Some(Alarm::Delta(global.clone())));

    let next = Position { seq: 9, ..at };
    let [begin, chunk, end] = snapshot(next, vec![record("d"), record("e")]);
    assert_eq!(
        alarm_after(&mut core, [begin.clone(), end.clone()]),
        Some(Alarm::Snapshot(global.clone())),
        "a part is missing"
    );
    let twice = [begin.clone(), chunk.clone(), chunk.clone(), end];
    assert_eq!(alarm_after(&mut core, twice), Some(Alarm::Snapshot(global.clone())), "a part came twice");
    let [_, _, other_end] = snapshot(Position { seq: 8, ..at }, vec![record("d"), record("e")]);
    assert_eq!(alarm_after(&mut core, [begin, chunk, other_end]), Some(Alarm::Snapshot(global)), "another end");
}

#[test]
fn older_epochs_and_earlier_positions_are_refused() {
    let global = FeedName::Global;
    let (mut core, at) = subscriber();
    let old = Position { epoch: epoch(4), seq: 99, digest: Digest([1; 32]) };
    let refused = Some(Alarm::OldEpoch { feed: global.clone(), epoch: epoch(4) });
    assert_eq!(alarm_after(&mut core, snapshot(old, vec![record("z")])), refused);
    assert_eq!(alarm_after(&mut core, [Message::Delta(delta(old, vec![record("z")]))]), refused);
    let beat =
        |position| Message::Heartbeat(Heartbeat { issuer_clock: NOW, positions: vec![(FeedName::Global, position)] });
    assert_eq!(alarm_after(&mut core, [beat(old)]), refused);
    let earlier = Position { seq: 2, ..at };
    let rolled_back = Some(Alarm::RolledBack { feed: global.clone(), issuer: 2, edge: 3 });
    assert_eq!(alarm_after(&mut core, snapshot(earlier, vec![record("a")])), rolled_back);
    assert_eq!(alarm_after(&mut core, [beat(earlier)]), rolled_back);
    assert_eq!(core.fresh_as_of(&global), Some(UnixMillis(7)), "none of these made it fresh");
}

#[test]
fn a_new_epoch_is_written_down_before_its_state_is_in_force() {
    let (mut core, _) = subscriber();
    let next = Position { epoch: epoch(6), seq: 1, digest: Digest([1; 32]) };
    snapshot(next, vec![record("z")]).into_iter().for_each(|message| core.on_message(message, NOW));
    let actions = drain(&mut core);
    let at = |wanted: &Subscribe| actions.iter().position(|action| action == wanted).unwrap();
    assert!(at(&Subscribe::RememberEpochs) < at(&Subscribe::Replaced(FeedName::Global)));
    assert!(matches!(actions.last(), Some(Subscribe::Send(Message::Ack(_)))), "acknowledged last");
    // After a crash that kept only the epochs, the old epoch's state on disk serves, and an issuer of that epoch is refused.
    let epochs = core.epochs().clone();
    let (old, at) = subscriber();
    let states = old.kept().map(|(feed, kept)| (feed.clone(), kept.clone())).collect();
    let mut core = Subscriber::new("t", Restored { states, epochs });
    core.on_connected(NOW);
    drain(&mut core);
    let refused = alarm_after(&mut core, [Message::Delta(delta(at, vec![record("d")]))]);
    assert_eq!(refused, Some(Alarm::OldEpoch { feed: FeedName::Global, epoch: epoch(5) }));
}

#[test]
fn a_gap_asks_and_a_repetition_does_nothing() {
    let (mut core, at) = subscriber();
    let gap = Delta { first: 9, ..delta(at, vec![record("d")]) };
    core.on_message(Message::Delta(gap), NOW);
    assert!(matches!(drain(&mut core).as_slice(), [Subscribe::Send(Message::Resync(_))]));
    let next = delta(at, vec![record("d")]);
    core.on_message(Message::Delta(next.clone()), NOW);
    assert!(core.state(&FeedName::Global).unwrap().revoked().token("d"));
    drain(&mut core);
    core.on_message(Message::Delta(next), NOW);
    assert_eq!(drain(&mut core), []);
}

#[test]
fn a_kind_of_the_future_is_counted_kept_and_skipped() {
    let (mut core, at) = subscriber();
    let raw = RawChange { kind: super::Kind(200), subject: "s".into(), body: vec![1, 2], leave_at: None };
    let future: Record = raw.encode().unwrap().into();
    core.on_message(Message::Delta(delta(at, vec![future.clone(), record("d")])), NOW);
    let state = core.state(&FeedName::Global).unwrap();
    assert_eq!(state.position(), at.after(&future).after(&record("d")));
    assert!(state.records().any(|record| record == future), "a newer edge finds it on disk");
    let told = drain(&mut core).into_iter().find_map(|action| match action {
        Subscribe::Advanced { changes, .. } => Some(changes.len()),
        _ => None,
    });
    assert_eq!(told, Some(1));
}

#[test]
fn an_issuer_that_is_ahead_makes_no_edge_fresher_than_its_own_present() {
    let (mut core, at) = subscriber();
    let minutes = |count| std::time::Duration::from_secs(60_u64 * count);
    let mut beat = |issuer_clock, now| {
        core.on_message(Message::Heartbeat(Heartbeat { issuer_clock, positions: vec![(FeedName::Global, at)] }), now);
        core.fresh_as_of(&FeedName::Global)
    };
    assert_eq!(beat(NOW.plus(minutes(5)), NOW), Some(NOW));
    assert_eq!(beat(NOW.minus(minutes(5)), NOW), Some(NOW), "old news don't undo new ones");
    assert_eq!(beat(NOW.plus(minutes(1)), NOW.plus(minutes(2))), Some(NOW.plus(minutes(1))));
}
