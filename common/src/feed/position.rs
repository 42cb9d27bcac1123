//! Where in which history.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::UnixMillis;

/// One lineage of the issuer's database, new after a restore or a lossy failover: 48 bits of time in milliseconds, big-endian, then 80
/// random ones. Their order is what lets an edge tell an old lineage from a new one that it has not met: were they only random, an issuer
/// of an old lineage could win over an edge that never saw it, and the edge would then take the true lineage for the one it had left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub [u8; 16]);

/// SHA-256 over a feed's whole history: each record is hashed onto its predecessor's digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub [u8; 32]);

/// A point in a feed: after record `seq` of `epoch`, whose chain digest is `digest`. Two ends with equal positions have equal
/// histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    pub epoch: Epoch,
    pub seq: u64,
    pub digest: Digest,
}

impl Epoch {
    /// The lineage that begins at `now`.
    pub fn new(now: UnixMillis, random: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        let (time, rest) = bytes.split_at_mut(6);
        time.iter_mut().zip(now.0.to_be_bytes().iter().skip(2)).for_each(|(to, from)| *to = *from);
        rest.copy_from_slice(&random);
        Self(bytes)
    }

    /// When it began.
    pub fn began(self) -> UnixMillis {
        UnixMillis(self.0.iter().take(6).fold(0, |time, byte| (time << 8) | u64::from(*byte)))
    }

    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl Digest {
    /// The digest before the first record.
    pub const START: Self = Self([0; 32]);

    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl Position {
    /// An empty feed.
    pub const fn start(epoch: Epoch) -> Self {
        Self { epoch, seq: 0, digest: Digest::START }
    }

    /// The position after one more record, in the encoding of [`super::RawChange::encode`].
    pub fn after(self, record: &[u8]) -> Self {
        Self { epoch: self.epoch, seq: self.seq.saturating_add(1), digest: chain_digest(self.digest, record) }
    }
}

/// SHA-256(previous || record): what the SQL function `chain_digest` computes in both engines.
pub fn chain_digest(previous: Digest, record: &[u8]) -> Digest {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    hash.update(&previous.0);
    hash.update(record);
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    Digest(digest)
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{:?}", self.epoch, self.seq, self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_ordered_by_time() {
        let at = |ms| Epoch::new(UnixMillis(ms), [0xff; 10]);
        assert!(at(1_700_000_000_000) < Epoch::new(UnixMillis(1_700_000_000_001), [0; 10]));
        assert_eq!(at(1_700_000_000_000).began(), UnixMillis(1_700_000_000_000));
    }

    #[test]
    fn a_digest_depends_on_all_that_came_before() {
        let start = Position::start(Epoch([1; 16]));
        let ab = start.after(b"a").after(b"b");
        let ba = start.after(b"b").after(b"a");
        assert_eq!(ab.seq, 2);
        assert_ne!(ab.digest, ba.digest);
        assert_eq!(chain_digest(Digest::START, b"").0[..4], [0x66, 0x68, 0x7a, 0xad]); // SHA-256 of 32 zero bytes
    }
}
