//! Configurations and frames that do not validate never replace what is in force (T78, E20).

use std::sync::Arc;

use common::feed::{
    Change, Decoder, Delta, Digest, Epoch, FeedName, FeedState, Heartbeat, KeyPurpose, KeyState, Message, PoolSettings,
    Position, PublicKey, Record, Restored, Revoked, SnapshotBegin, SnapshotChunk, SnapshotEnd, Subscribe, Subscriber,
    Welcome, chain_digest,
};
use common::ids::PoolId;

use super::super::harness::{Edge, NOW, request, second_key, signing_key};
use super::super::{bearer, good_token};
use super::noise::Noise;
use super::short_or_long;
use crate::app::{PoolAcls, Pools};
use crate::feed::FeedSink;
use crate::snapshot::deaths::{Fingerprint, Kind};
use crate::snapshot::picture::{ConfiguredIssuer, Picture};
use crate::snapshot::route::RouteTable;

#[test]
fn bad_configurations_leave_the_last_good_one_in_force() {
    let edge = Edge::start();
    let file = edge.config_file();
    let good = std::fs::read_to_string(&file).unwrap();
    let mut noise = Noise::new(78);
    let (mut refused, mut taken, mut generation) = (0, 0, 1);
    let large = oversized(&good);
    let mutated = (0..short_or_long(1_500, 50_000)).map(|_| noise.mutate(good.as_bytes()));
    for text in large.into_iter().chain(mutated.filter(|text| looks_nothing_up(text, &good))) {
        std::fs::write(&file, &text).unwrap();
        let answer = edge.admin("POST", "/reload");
        let after = generation_of(&answer.body);
        match answer.status {
            200 => {
                taken += 1;
                assert_eq!(after, generation + 1);
                std::fs::write(&file, &good).unwrap();
                assert_eq!(edge.admin("POST", "/reload").status, 200);
                generation += 2;
            }
            422 => {
                refused += 1;
                assert_eq!(after, generation, "a refused configuration is in force");
            }
            other => panic!("{other}: {answer:?}"),
        }
        if (refused + taken) % 50 == 0 {
            assert_eq!(edge.send(&request("/public/x", &[])).status, 200);
            assert_eq!(edge.send(&request("/api/x", &[])).status, 401);
            assert_eq!(edge.send(&request("/api/x", &[("authorization", &bearer(&good_token()))])).status, 200);
        }
    }
    println!("{refused} configurations refused, {taken} taken because they were valid");
    assert!(refused > taken / 4 && refused > 100);
}

/// Names of servers are looked up when a file is read, which takes its time and is not what is tested.
fn looks_nothing_up(text: &[u8], good: &str) -> bool {
    let text = String::from_utf8_lossy(text);
    let known = |line: &str| good.lines().any(|known| known == line);
    text.lines().filter(|line| line.contains("servers") || line.contains("127.0.0.1")).all(known)
}

fn generation_of(body: &str) -> u64 {
    let value: serde_json::Value = serde_json::from_str(body).unwrap();
    value["generation"].as_u64().unwrap()
}

fn oversized(good: &str) -> Vec<Vec<u8>> {
    let deep =
        |open: &str, close: &str, n: usize| format!("{good}\nx = {}{}", open.repeat(n), close.repeat(n)).into_bytes();
    vec![
        Vec::new(),
        vec![0; 1 << 20],
        vec![0xff; 1 << 20],
        vec![b'['; 1 << 20],
        deep("[", "]", 100_000),
        deep("{a=", "}", 100_000),
        format!("{good}\nx = \"{}\"", "y".repeat(8 << 20)).into_bytes(),
        format!("{good}\n{}", "a.".repeat(100_000)).into_bytes(),
        format!("{good}\n{}", "[[route]]\n".repeat(50_000)).into_bytes(),
        format!("{good}\n[x{}]", ".x".repeat(100_000)).into_bytes(),
        good.repeat(2).into_bytes(),
        good.replace("[[route]]", "[route]").into_bytes(),
        good.replace("jwks.json", "/dev/zero").into_bytes(),
        good.replace("jwks.json", "/proc/self/mem").into_bytes(),
        good.replace("jwks.json", ".").into_bytes(),
        good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ]
}

/// A pool as the feed brings it: our key, one session that is revoked.
struct Pool {
    core: Subscriber,
    pools: Pools,
    picture: Arc<Picture>,
    at: Position,
}

fn pool_id() -> PoolId {
    PoolId::parse("us-east-1_AbCdEf123").unwrap()
}

fn feed() -> FeedName {
    FeedName::Pool(pool_id())
}

fn record(change: &Change) -> Record {
    change.to_raw(NOW).unwrap().encode().unwrap().into()
}

fn key(key: &common::jose::SigningKey) -> Change {
    let jwk = key.public_jwk().to_json();
    let (alg, purpose, state) = ("RS256".into(), KeyPurpose::AccessToken, KeyState::Active);
    Change::PublicKey(PublicKey { kid: key.kid().into(), jwk, alg, purpose, state })
}

fn session(name: &str) -> Change {
    Change::Revoked(Revoked::Session { origin_jti: name.into() })
}

impl Pool {
    fn start() -> Self {
        let settings =
            PoolSettings { pool: pool_id(), iss: "https://i/p".into(), enabled: true, max_token_life_s: 3_600 };
        let records: Vec<Record> =
            [Change::Pool(settings), key(&signing_key()), session("dead")].iter().map(record).collect();
        let start = Position::start(Epoch::new(NOW, [7; 10]));
        let at = records.iter().fold(start, |position, record| position.after(record));
        let state = FeedState::from_records(at, &records).unwrap();
        let picture = Arc::new(Picture::new(1 << 20));
        let issuer = ConfiguredIssuer::awaited(format!("pool:{}", pool_id()));
        picture.configure(RouteTable::default(), vec![issuer]);
        let pools = Pools::new(Arc::clone(&picture), Arc::default(), Arc::default(), PoolAcls::fixture(&picture));
        pools.replace(&feed(), &state);
        let states = [(feed(), common::feed::Kept { state, fresh_as_of: NOW })].into();
        let mut core = Subscriber::new("t", Restored { states, epochs: Default::default() });
        core.on_connected(NOW);
        core.on_message(Message::Welcome(Welcome { feeds: vec![feed()], issuer_clock: NOW }), NOW);
        Self { core, pools, picture, at }
    }

    /// As the edge's client does with what a connection brings.
    fn receive(&mut self, bytes: &[u8]) {
        let mut decoder = Decoder::default();
        decoder.push(bytes);
        loop {
            match decoder.next_frame().map(|frame| frame.map(|frame| Message::decode(&frame))) {
                Ok(None) => break,
                Ok(Some(Ok(message))) => self.core.on_message(message, NOW),
                Ok(Some(Err(_))) | Err(_) => {
                    self.core.on_bad_frame();
                    break;
                }
            }
        }
        while let Some(action) = self.core.poll() {
            match action {
                Subscribe::Replaced(feed) => self.pools.replace(&feed, self.core.state(&feed).unwrap()),
                Subscribe::Advanced { feed, changes } => {
                    self.pools.advance(&feed, &changes, self.core.state(&feed).unwrap())
                }
                Subscribe::Dropped(feed) => self.pools.remove(&feed),
                Subscribe::Alarm(alarm) => self.pools.alarm(&alarm),
                _ => {}
            }
        }
    }

    fn kills(&self, session: &str) -> bool {
        self.picture.load().issuers[0].deaths.kills(Kind::Session, Fingerprint::of(session), NOW)
    }

    /// The keys that are trusted; none when the pool is switched off.
    fn trusted(&self) -> Vec<bool> {
        let snapshot = self.picture.load();
        let Some(trust) = &snapshot.issuers[0].trust else { return Vec::new() };
        [signing_key(), second_key()].map(|key| trust.access_keys.key(Some(key.kid())).is_some()).to_vec()
    }
}

/// Frames as an issuer sends them: another key, another revocation, whole and in parts.
fn frames(at: Position) -> Vec<Vec<u8>> {
    let news = vec![record(&key(&second_key())), record(&session("also-dead"))];
    let after = news.iter().fold(at, |position, record| position.after(record));
    let content = news.iter().fold(Digest::START, |content, record| chain_digest(content, record));
    let (epoch, first, prev) = (at.epoch, at.seq + 1, at.digest);
    let messages = [
        Message::Delta(Delta { feed: feed(), epoch, first, prev, records: news.clone(), digest: after.digest }),
        Message::SnapshotBegin(SnapshotBegin { feed: feed(), position: after, records: 2 }),
        Message::SnapshotChunk(SnapshotChunk { feed: feed(), index: 0, records: news }),
        Message::SnapshotEnd(SnapshotEnd { feed: feed(), position: after, content }),
        Message::Heartbeat(Heartbeat { issuer_clock: NOW, positions: vec![(feed(), at)] }),
        Message::Welcome(Welcome { feeds: vec![feed()], issuer_clock: NOW }),
    ];
    messages.iter().map(|message| message.encode().unwrap()).collect()
}

#[test]
fn bad_frames_leave_the_last_good_state_in_force() {
    let mut pool = Pool::start();
    let frames = frames(pool.at);
    let snapshot = frames[1..4].concat();
    let mut noise = Noise::new(41);
    let (mut same, mut off, mut taken) = (0, 0, 0);
    for round in 0..short_or_long(5_000, 100_000) {
        let seed = if round % 3 == 0 { &snapshot } else { &frames[round as usize % frames.len()] };
        pool.receive(&noise.mutate(seed));
        match pool.trusted().as_slice() {
            [true, false] => {
                assert!(pool.kills("dead"), "a revocation was taken back");
                assert!(!pool.kills("also-dead"), "half of a change is in force");
                same += 1;
                continue;
            }
            // A change may leave a frame as it was in all that counts, and an issuer may withdraw a pool: then nothing of it passes.
            [] => off += 1,
            _ if pool.kills("also-dead") => taken += 1,
            other => panic!("round {round}: {other:?}"),
        }
        pool = Pool::start();
    }
    println!("{same} damaged frames changed nothing, {off} switched the pool off, {taken} were whole");
    assert!(same > (off + taken) * 10);
    let mut pool = Pool::start();
    pool.receive(&frames[0]);
    assert_eq!(
        (pool.trusted(), pool.kills("dead"), pool.kills("also-dead")),
        (vec![true, true], true, true),
        "a good one is taken"
    );
}
