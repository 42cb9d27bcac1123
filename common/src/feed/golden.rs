//! The bytes on the wire, pinned. A failing test here means: edges and issuers of different versions no longer understand each
//! other. Do not change the bytes; make a new kind.

use super::{
    Ack, Decoder, Delta, Digest, Epoch, FeedName, Heartbeat, Hello, Join, JoinRefused, Joined, Message, Position,
    RefusedJoin, Renew, Renewed, Resync, SnapshotBegin, SnapshotChunk, SnapshotEnd, Welcome,
};
use crate::clock::UnixMillis;
use crate::ids::EdgeId;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn position() -> Position {
    Position { epoch: Epoch([0xaa; 16]), seq: 300, digest: Digest([0xbb; 32]) }
}

fn messages() -> Vec<Message> {
    let feed = || FeedName::parse("r_Ab1").unwrap();
    let positions = || vec![(feed(), position())];
    let (epoch, prev, digest) = (Epoch([0xaa; 16]), Digest([1; 32]), Digest([2; 32]));
    vec![
        Message::Hello(Hello { software: "tollgate/0.1.0".into(), positions: positions() }),
        Message::Ack(Ack { ready: true, positions: positions() }),
        Message::Resync(Resync { feed: FeedName::Global, position: None }),
        Message::Renew(Renew { csr: vec![1, 2, 3] }),
        Message::Welcome(Welcome {
            feeds: vec![FeedName::Global, feed()],
            issuer_clock: UnixMillis(1_700_000_000_000),
        }),
        Message::SnapshotBegin(SnapshotBegin { feed: feed(), position: position(), records: 2 }),
        Message::SnapshotChunk(SnapshotChunk { feed: feed(), index: 0, records: vec![[1u8, 2].into(), [3u8].into()] }),
        Message::SnapshotEnd(SnapshotEnd { feed: feed(), position: position(), content: digest }),
        Message::Delta(Delta { feed: feed(), epoch, first: 300, prev, records: vec![[9u8; 3].into()], digest }),
        Message::Heartbeat(Heartbeat { issuer_clock: UnixMillis(1_700_000_000_000), positions: positions() }),
        Message::Renewed(Renewed { chain: vec![vec![4, 5]] }),
        Message::Join(Join { name: EdgeId::parse("fra-1").unwrap(), secret: "s".to_owned().into(), csr: vec![6] }),
        Message::Joined(Joined { chain: vec![vec![7]], ca: vec![8] }),
        Message::JoinRefused(JoinRefused { reason: RefusedJoin::Token }),
    ]
}

#[test]
fn frames_are_these_bytes() {
    let lines: Vec<String> = messages().iter().map(|message| hex(&message.encode().unwrap())).collect();
    let golden: Vec<&str> = include_str!("golden/v1.hex").lines().collect();
    assert_eq!(lines, golden, "now:\n{}", lines.join("\n"));
}

#[test]
fn these_bytes_are_read_as_those_messages() {
    let mut decoder = Decoder::default();
    for (line, message) in include_str!("golden/v1.hex").lines().zip(messages()) {
        decoder.push(&unhex(line));
        assert_eq!(Message::decode(&decoder.next_frame().unwrap().unwrap()).unwrap(), message);
    }
}
