//! What frames say. Bodies are postcard; the frame's kind says which. Numbers are wire format: never reuse one.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::frame::{Frame, FrameError, VERSION};
use super::{Digest, Epoch, FeedName, Position};
use crate::clock::UnixMillis;
use crate::ids::EdgeId;
use crate::secret::SecretString;

/// ALPN of the feed: both sides show a certificate of the deployment's private CA.
pub const ALPN_FEED: &[u8] = b"tg-feed/1";
/// ALPN of enrolment: only the issuer shows a certificate.
pub const ALPN_JOIN: &[u8] = b"tg-join/1";
/// The name in the issuer's certificate. No edge can be called this: an edge's name has no dot.
pub const ISSUER_NAME: &str = "issuer.tollgate.internal";

/// A record in its canonical encoding ([`super::RawChange::encode`]).
pub type Record = Arc<[u8]>;

/// Everything that is said on a connection's first stream; on its second are [`super::Report`]s.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    // edge to issuer
    Hello(Hello),
    Ack(Ack),
    Resync(Resync),
    Renew(Renew),
    // issuer to edge
    Welcome(Welcome),
    SnapshotBegin(SnapshotBegin),
    SnapshotChunk(SnapshotChunk),
    SnapshotEnd(SnapshotEnd),
    Delta(Delta),
    Heartbeat(Heartbeat),
    Renewed(Renewed),
    // on `tg-join/1`
    Join(Join),
    Joined(Joined),
    JoinRefused(JoinRefused),
    /// A kind of a later version: skipped.
    Unknown(u8),
}

/// The edge opens: what it has of which feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// For the issuer's log and its list of edges.
    pub software: String,
    pub positions: Vec<(FeedName, Position)>,
}

/// How far the edge has come; its state is in force before it says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Every feed that it must follow is complete, and it serves.
    pub ready: bool,
    pub positions: Vec<(FeedName, Position)>,
}

/// The edge can't go on in one feed. Without a position it asks for a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resync {
    pub feed: FeedName,
    pub position: Option<Position>,
}

/// A new certificate for the same edge, please.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renew {
    /// PKCS#10 request, DER: signed by the new key, so it proves possession.
    pub csr: Vec<u8>,
}

/// Which feeds this edge follows from now on. State of any other feed is to be dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    pub feeds: Vec<FeedName>,
    pub issuer_clock: UnixMillis,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotBegin {
    pub feed: FeedName,
    /// Where the feed stands once the snapshot is applied.
    pub position: Position,
    pub records: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotChunk {
    pub feed: FeedName,
    /// From 0, without gaps.
    pub index: u32,
    #[serde(with = "records")]
    pub records: Vec<Record>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotEnd {
    pub feed: FeedName,
    pub position: Position,
    /// The chain digest of the snapshot's records, from [`Digest::START`].
    pub content: Digest,
}

/// Records that follow on `prev`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    pub feed: FeedName,
    pub epoch: Epoch,
    /// Sequence number of the first record.
    pub first: u64,
    /// The chain digest before the first record.
    pub prev: Digest,
    #[serde(with = "records")]
    pub records: Vec<Record>,
    /// The chain digest after the last record.
    pub digest: Digest,
}

/// Each second: at `issuer_clock` the feeds stood at these positions. An edge at the same position is as fresh as that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    pub issuer_clock: UnixMillis,
    pub positions: Vec<(FeedName, Position)>,
}

/// The new certificate, leaf first, DER.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewed {
    pub chain: Vec<Vec<u8>>,
}

/// Redeems a join token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    pub name: EdgeId,
    pub secret: SecretString,
    /// PKCS#10 request, DER.
    pub csr: Vec<u8>,
}

/// The edge's first certificate, leaf first, and the CA's, DER.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    pub chain: Vec<Vec<u8>>,
    pub ca: Vec<u8>,
}

/// One answer to every wrong, used or expired token, so that nothing can be told from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRefused {
    pub reason: RefusedJoin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum RefusedJoin {
    #[error("the join token is unknown, used or expired")]
    Token,
    #[error("the certificate request is malformed")]
    Request,
    #[error("the issuer can't answer now")]
    Unavailable,
}

const HELLO: u8 = 1;
const ACK: u8 = 2;
const RESYNC: u8 = 3;
const RENEW: u8 = 4;
const WELCOME: u8 = 16;
const SNAPSHOT_BEGIN: u8 = 17;
const SNAPSHOT_CHUNK: u8 = 18;
const SNAPSHOT_END: u8 = 19;
const DELTA: u8 = 20;
const HEARTBEAT: u8 = 21;
const RENEWED: u8 = 22;
const JOIN: u8 = 32;
const JOINED: u8 = 33;
const JOIN_REFUSED: u8 = 34;

impl Message {
    /// The message as a frame's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        self.frame()?.encode()
    }

    /// What a frame says. The whole body must be used up.
    pub fn decode(frame: &Frame) -> Result<Self, FrameError> {
        Ok(match frame.kind {
            HELLO => Self::Hello(body(frame)?),
            ACK => Self::Ack(body(frame)?),
            RESYNC => Self::Resync(body(frame)?),
            RENEW => Self::Renew(body(frame)?),
            WELCOME => Self::Welcome(body(frame)?),
            SNAPSHOT_BEGIN => Self::SnapshotBegin(body(frame)?),
            SNAPSHOT_CHUNK => Self::SnapshotChunk(body(frame)?),
            SNAPSHOT_END => Self::SnapshotEnd(body(frame)?),
            DELTA => Self::Delta(body(frame)?),
            HEARTBEAT => Self::Heartbeat(body(frame)?),
            RENEWED => Self::Renewed(body(frame)?),
            JOIN => Self::Join(body(frame)?),
            JOINED => Self::Joined(body(frame)?),
            JOIN_REFUSED => Self::JoinRefused(body(frame)?),
            kind => Self::Unknown(kind),
        })
    }

    fn frame(&self) -> Result<Frame, FrameError> {
        match self {
            Self::Hello(body) => frame(HELLO, body),
            Self::Ack(body) => frame(ACK, body),
            Self::Resync(body) => frame(RESYNC, body),
            Self::Renew(body) => frame(RENEW, body),
            Self::Welcome(body) => frame(WELCOME, body),
            Self::SnapshotBegin(body) => frame(SNAPSHOT_BEGIN, body),
            Self::SnapshotChunk(body) => frame(SNAPSHOT_CHUNK, body),
            Self::SnapshotEnd(body) => frame(SNAPSHOT_END, body),
            Self::Delta(body) => frame(DELTA, body),
            Self::Heartbeat(body) => frame(HEARTBEAT, body),
            Self::Renewed(body) => frame(RENEWED, body),
            Self::Join(body) => frame(JOIN, body),
            Self::Joined(body) => frame(JOINED, body),
            Self::JoinRefused(body) => frame(JOIN_REFUSED, body),
            Self::Unknown(kind) => Ok(Frame { version: VERSION, kind: *kind, body: Vec::new() }),
        }
    }
}

pub(super) fn frame<T: Serialize>(kind: u8, body: &T) -> Result<Frame, FrameError> {
    let body = postcard::to_stdvec(body).map_err(|_| FrameError::Body(kind))?;
    Ok(Frame { version: VERSION, kind, body })
}

pub(super) fn body<T: DeserializeOwned>(frame: &Frame) -> Result<T, FrameError> {
    match postcard::take_from_bytes(&frame.body) {
        Ok((body, [])) => Ok(body),
        _ => Err(FrameError::Body(frame.kind)),
    }
}

/// A list of records, each copied at once: a snapshot has a million of them, and byte by byte they take several times as long. The
/// encoding is that of lists of bytes.
pub(super) mod records {
    use std::fmt;
    use std::sync::Arc;

    use serde::de::{Error, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Record;

    pub fn serialize<S: Serializer>(records: &[Record], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(records.iter().map(|record| Bytes(record)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Record>, D::Error> {
        let records = Vec::<Owned>::deserialize(deserializer)?;
        Ok(records.into_iter().map(|Owned(record)| record).collect())
    }

    struct Bytes<'a>(&'a [u8]);

    impl Serialize for Bytes<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(self.0)
        }
    }

    struct Owned(Record);

    impl<'de> Deserialize<'de> for Owned {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_bytes(Copying)
        }
    }

    struct Copying;

    impl Visitor<'_> for Copying {
        type Value = Owned;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the bytes of a record")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Owned, E> {
            Ok(Owned(Arc::from(bytes)))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unknown_kinds_are_skipped_and_broken_bodies_are_not() {
        let frame = |kind, body: &[u8]| Frame { version: VERSION, kind, body: body.to_vec() };
        assert_eq!(Message::decode(&frame(99, b"whatever")), Ok(Message::Unknown(99)));
        assert_eq!(Message::decode(&frame(DELTA, b"")), Err(FrameError::Body(DELTA)));
        let mut welcome =
            Message::Welcome(Welcome { feeds: vec![FeedName::Global], issuer_clock: UnixMillis(1) }).frame().unwrap();
        welcome.body.push(0);
        assert_eq!(Message::decode(&welcome), Err(FrameError::Body(WELCOME)), "bytes to spare");
    }

    proptest! {
        #[test]
        fn noise_makes_no_panic(kind: u8, body: Vec<u8>) {
            let _ = Message::decode(&Frame { version: VERSION, kind, body });
        }
    }
}
