//! A state folder as an edge that has joined leaves it behind.

use std::path::Path;

use common::clock::UnixMillis;
use common::feed::{Change, Epoch, FeedName, FeedState, Kept, Position, Record};
use common::ids::EdgeId;

use super::disk::Disk;
use super::identity::{Identity, Request};

/// One feed, complete as of `fresh_as_of` with what these changes say. The certificate is none: whoever starts on it hears nothing more.
pub(crate) fn leave_behind(dir: &Path, feed: FeedName, changes: &[Change], fresh_as_of: UnixMillis) {
    leave_all_behind(dir, &[(feed, changes.to_vec())], fresh_as_of);
}

/// The same with several feeds.
pub(crate) fn leave_all_behind(dir: &Path, feeds: &[(FeedName, Vec<Change>)], fresh_as_of: UnixMillis) {
    let disk = Disk::open(dir).unwrap();
    let record = |change: &Change| -> Record { change.to_raw(fresh_as_of).unwrap().encode().unwrap().into() };
    let states = feeds.iter().map(|(feed, changes)| {
        let records: Vec<Record> = changes.iter().map(record).collect();
        let state = FeedState::from_records(Position::start(Epoch([1; 16])), &records).unwrap();
        (feed.clone(), Kept { state, fresh_as_of })
    });
    disk.save_states(&states.collect::<Vec<_>>()).unwrap();
    let key = Request::new().unwrap().key.serialized_der().to_vec();
    let (name, since) = (EdgeId::parse("fra-1").unwrap(), fresh_as_of);
    Identity { name, key, chain: vec![vec![1]], ca: vec![2], since }.save(dir).unwrap();
}
