//! Where in which history.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One lineage of the issuer's database: 128 random bits, new after a restore or a lossy failover.
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
    fn a_digest_depends_on_all_that_came_before() {
        let start = Position::start(Epoch([1; 16]));
        let ab = start.after(b"a").after(b"b");
        let ba = start.after(b"b").after(b"a");
        assert_eq!(ab.seq, 2);
        assert_ne!(ab.digest, ba.digest);
        assert_eq!(chain_digest(Digest::START, b"").0[..4], [0x66, 0x68, 0x7a, 0xad]); // SHA-256 of 32 zero bytes
    }
}
