//! Who gets what the feed brings.

use common::clock::UnixMillis;
use common::feed::{Alarm, Change, FeedName, FeedState};
use common::ids::EdgeId;

/// The edge's snapshot, from here: the feed's task is the only caller, so calls never overlap. They are made in the order in which things became true,
/// on the control runtime; whatever takes longer than a few milliseconds belongs on another thread. An acknowledgement goes to the issuer **after** the
/// call returns: what was handed over must be in force by then.
pub trait FeedSink: Send + Sync + 'static {
    /// The feed's whole state is this now: at start from disk, or a snapshot. Build what gates look up.
    fn replace(&self, feed: &FeedName, state: &FeedState);

    /// These changes, oldest first, happened since the last call, and `state` has them all already. None at all: the state has only forgotten
    /// revocations that have left, and whoever shares its tables should take the new ones.
    fn advance(&self, feed: &FeedName, changes: &[Change], state: &FeedState);

    /// This edge no longer follows the feed: its state is gone.
    fn remove(&self, feed: &FeedName);

    /// The feed was complete at this moment of the issuer's clock: what `max_staleness` counts from. Called at start with what was on disk, and with each
    /// heartbeat that finds the feed complete.
    fn fresh(&self, feed: &FeedName, as_of: UnixMillis);

    /// From now on this edge is known by this certificate: at start, after the join, after each renewal.
    fn identity(&self, _identity: &Certified<'_>) {}

    /// Something that an operator must see. It is logged already.
    fn alarm(&self, alarm: &Alarm);
}

/// Who this edge is, and how it proves that. The key stays in the process.
pub struct Certified<'a> {
    pub edge: &'a EdgeId,
    /// PKCS#8.
    pub key: &'a [u8],
    /// DER, of this edge.
    pub certificate: &'a [u8],
    /// SHA-256 of the SubjectPublicKeyInfo of the deployment's authority.
    pub authority: [u8; 32],
}
