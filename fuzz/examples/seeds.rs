//! Writes the seeds that need a codec: `cargo run --example seeds`, in this folder.

use common::clock::UnixMillis;
use common::feed::{
    Delta, Digest, Epoch, FeedName, Heartbeat, Message, Position, Record, SnapshotBegin, SnapshotChunk, SnapshotEnd,
    Welcome, chain_digest,
};
use tollgate_fuzz::feed::revoked;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

fn main() -> std::io::Result<()> {
    let feed = FeedName::Global;
    let before = [revoked("a"), revoked("b")];
    let at = before.iter().fold(Position::start(Epoch::new(NOW, [7; 10])), |position, record| position.after(record));
    let news: Vec<Record> = vec![revoked("c"), revoked("d")];
    let after = news.iter().fold(at, |position, record| position.after(record));
    let content = news.iter().fold(Digest::START, |content, record| chain_digest(content, record));
    let delta = Delta {
        feed: feed.clone(),
        epoch: at.epoch,
        first: at.seq + 1,
        prev: at.digest,
        records: news.clone(),
        digest: after.digest,
    };
    let newer = Position { epoch: Epoch::new(UnixMillis(NOW.0 + 1), [8; 10]), ..after };
    let snapshot = |position| {
        vec![
            Message::SnapshotBegin(SnapshotBegin { feed: feed.clone(), position, records: 2 }),
            Message::SnapshotChunk(SnapshotChunk { feed: feed.clone(), index: 0, records: news.clone() }),
            Message::SnapshotEnd(SnapshotEnd { feed: feed.clone(), position, content }),
        ]
    };
    let beat =
        |position| Message::Heartbeat(Heartbeat { issuer_clock: NOW, positions: vec![(feed.clone(), position)] });
    write("delta", &[vec![Message::Delta(delta), beat(after)]].concat())?;
    write("snapshot", &snapshot(after))?;
    write("epoch", &[snapshot(newer), vec![beat(at)]].concat())?;
    write(
        "welcome",
        &[Message::Welcome(Welcome { feeds: vec![feed.clone()], issuer_clock: NOW }), beat(at), beat(newer)],
    )
}

fn write(name: &str, messages: &[Message]) -> std::io::Result<()> {
    let bytes: Vec<u8> = messages.iter().flat_map(|message| message.encode().expect("a frame")).collect();
    std::fs::write(format!("{}/corpus/feed/{name}", env!("CARGO_MANIFEST_DIR")), bytes)
}
