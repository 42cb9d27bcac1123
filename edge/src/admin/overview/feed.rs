//! How far the feed of the issuer has come.

use common::clock::UnixMillis;
use common::feed::{FeedName, Position};
use serde::Serialize;

use crate::feed::{FeedProgress, FeedStatus};

#[derive(Debug, Serialize)]
pub struct FeedLine {
    pub connected: bool,
    /// The issuer has said which feeds there are, and all of them are here.
    pub complete: bool,
    pub alarms: u64,
    pub feeds: Vec<ProgressLine>,
}

#[derive(Debug, Serialize)]
pub struct ProgressLine {
    /// A pool, or `global`.
    pub name: String,
    /// When the lineage of the issuer's database began.
    pub epoch_began: UnixMillis,
    pub sequence: u64,
    /// Records that the issuer has and this edge has not.
    pub lag: u64,
    /// Since all was known, by the issuer's clock.
    pub age_seconds: f64,
}

impl FeedLine {
    pub fn of(status: &FeedStatus, now: UnixMillis) -> Self {
        let progress = |(name, progress): (&FeedName, &FeedProgress)| {
            let FeedProgress { position: Position { epoch, seq, .. }, fresh_as_of, lag } = *progress;
            ProgressLine {
                name: name.to_string(),
                epoch_began: epoch.began(),
                sequence: seq,
                lag,
                age_seconds: now.since(fresh_as_of).as_secs_f64(),
            }
        };
        Self {
            connected: status.connected,
            complete: status.complete,
            alarms: status.alarms,
            feeds: status.feeds.iter().map(progress).collect(),
        }
    }
}
