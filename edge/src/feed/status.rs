//! How the feed is doing, for readiness, metrics and the admin listener.

use std::collections::BTreeMap;

use common::clock::UnixMillis;
use common::feed::{FeedName, Position, Subscriber};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeedStatus {
    pub connected: bool,
    /// The issuer has said which feeds there are, and all of them are here.
    pub complete: bool,
    /// The issuer's clock at the last heartbeat of this process.
    pub issuer_clock: Option<UnixMillis>,
    pub feeds: BTreeMap<FeedName, FeedProgress>,
    /// Alarms since the start.
    pub alarms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeedProgress {
    pub position: Position,
    /// The issuer's clock when the feed was last known to be complete: its age is what `max_staleness` bounds.
    pub fresh_as_of: UnixMillis,
    /// Records that the issuer had at its last heartbeat and this edge has not.
    pub lag: u64,
}

impl FeedStatus {
    pub(super) fn of(core: &Subscriber, alarms: u64) -> Self {
        let progress = |(feed, kept): (&FeedName, &common::feed::Kept)| {
            let (position, fresh_as_of, lag) = (kept.state.position(), kept.fresh_as_of, core.lag(feed));
            (feed.clone(), FeedProgress { position, fresh_as_of, lag })
        };
        Self {
            connected: core.connected(),
            complete: core.complete(),
            issuer_clock: core.last_heartbeat(),
            feeds: core.kept().map(progress).collect(),
            alarms,
        }
    }
}
