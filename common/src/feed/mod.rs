//! The feed: how an issuer tells its edges what changed, milliseconds after it committed it (DESIGN §4).
//!
//! One feed a pool and one global. A feed is a log of [`RawChange`]s; its [`Position`] is an epoch (one lineage of the issuer's
//! database), a sequence number and a chain digest over every record so far. Folding the log, newest record per kind and
//! subject, gives the [`FeedState`].
//!
//! Nothing in here does I/O or reads a clock. [`Publisher`] (one per connection, at the issuer) and [`Subscriber`] (one per edge)
//! are state machines: frames, reads and `now` go in, actions come out. `simulation` joins the two by a link that loses, delays,
//! repeats and cuts, and holds the promises below by property:
//!
//! - a change that was committed is applied at a connected edge within a bound, whatever the link did before;
//! - every edge converges to the issuer's state; the edge's state is always some state that the issuer had;
//! - an epoch older than one that was accepted is never accepted again, nor is a position behind the one that was reached;
//! - a bad frame changes nothing and raises an alarm.

mod change;
mod frame;
#[cfg(test)]
mod golden;
mod join;
mod ledger;
mod message;
mod name;
mod packed;
mod position;
mod publisher;
mod raw;
mod report;
mod revocations;
mod runs;
mod samples;
#[cfg(test)]
mod simulation;
mod state;
mod stored;
mod subscriber;
#[cfg(test)]
mod subscriber_tests;

pub use change::{
    Change, ChangeError, ClientSettings, DeploymentKey, KeyPurpose, KeyState, KeyUsage, LONGEST_TOKEN_LIFE,
    ManagedKind, NameKey, PoolSettings, PublicKey, Removable, Revoked,
};
pub use frame::{Decoder, Frame, FrameError, MAX_FRAME, VERSION, serves};
pub use join::{InvalidJoinToken, JoinToken};
pub use ledger::{Ledger, MOST_AT_ONCE, Member};
pub use message::{
    ALPN_FEED, ALPN_JOIN, Ack, Delta, Heartbeat, Hello, ISSUER_NAME, Join, JoinRefused, Joined, Message, Record,
    RefusedJoin, Renew, Renewed, Resync, SnapshotBegin, SnapshotChunk, SnapshotEnd, Welcome,
};
pub use name::FeedName;
pub use position::{Digest, Epoch, Position, chain_digest};
pub use publisher::{CloseReason, HEARTBEAT_EVERY, LogRecord, Publish, Publisher};
pub use raw::{Kind, MAX_BODY, MAX_SUBJECT, RawChange, RecordError};
pub use report::{Count, CountedRule, Counts, Heard, MAX_REPORT, Merged, Report, Scope, Share};
pub use revocations::{Folded, Revocations};
pub use samples::{HeldBack, MetricSample, SampledMetric, SampledRequest, Samples, Solving};
pub use state::FeedState;
pub use subscriber::{Alarm, Kept, Restored, SILENCE, Serving, Subscribe, Subscriber};
