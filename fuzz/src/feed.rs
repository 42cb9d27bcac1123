//! Bytes of a feed's connection, as an edge receives them.
//!
//! What must hold: no panic; a message that is understood encodes to what it was; a state never goes back, and is always the sum of its records;
//! revocations that were in force stay, unless the issuer has left their epoch.

use common::clock::UnixMillis;
use common::feed::{
    Change, Decoder, Epoch, FeedName, FeedState, Kept, Message, Position, Record, Restored, Revoked, Subscribe,
    Subscriber, Welcome,
};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

pub fn one(data: &[u8]) {
    let records = [revoked("a"), revoked("b")];
    let at = records.iter().fold(Position::start(Epoch::new(NOW, [7; 10])), |position, record| position.after(record));
    let state = FeedState::from_records(at, &records).expect("good records");
    let states = [(FeedName::Global, Kept { state, fresh_as_of: NOW })].into();
    let mut core = Subscriber::new("fuzz", Restored { states, epochs: Default::default() });
    core.on_connected(NOW);
    core.on_message(Message::Welcome(Welcome { feeds: vec![FeedName::Global], issuer_clock: NOW }), NOW);
    let mut decoder = Decoder::default();
    for piece in data.chunks(1 + data.len() / 3) {
        decoder.push(piece);
        while let Ok(Some(frame)) = decoder.next_frame() {
            let Ok(message) = Message::decode(&frame) else {
                core.on_bad_frame();
                return check(&mut core, at);
            };
            // Unknown kinds are skipped, so not every frame has a message that writes it.
            if let Ok(again) = message.encode() {
                let mut second = Decoder::default();
                second.push(&again);
                let frame = second.next_frame().expect("our own frame").expect("a whole frame");
                assert_eq!(Message::decode(&frame).expect("our own message"), message);
            }
            core.on_message(message, NOW);
            check(&mut core, at);
        }
    }
    core.on_tick(NOW.plus(std::time::Duration::from_secs(60)));
    check(&mut core, at);
}

pub fn revoked(jti: &str) -> Record {
    let change = Change::Revoked(Revoked::Token { jti: jti.into() });
    change.to_raw(NOW).expect("a record").encode().expect("a record").into()
}

fn check(core: &mut Subscriber, at: Position) {
    while let Some(action) = core.poll() {
        if let Subscribe::Advanced { feed, changes } = &action {
            assert!(core.state(feed).is_some() && !changes.is_empty());
        }
    }
    for (_, kept) in core.kept() {
        let position = kept.state.position();
        let records: Vec<Record> = kept.state.records().collect();
        let again = FeedState::from_records(position, &records).expect("its own records");
        let sorted = |state: &FeedState| -> std::collections::BTreeSet<Vec<u8>> {
            state.records().map(|record| record.to_vec()).collect()
        };
        assert_eq!(sorted(&again), sorted(&kept.state));
    }
    let Some(state) = core.state(&FeedName::Global) else { return };
    let position = state.position();
    assert!(position.epoch > at.epoch || (position.epoch == at.epoch && position.seq >= at.seq), "a state went back");
    if position == at {
        assert!(state.revoked().token("a") && state.revoked().token("b"));
    }
}
