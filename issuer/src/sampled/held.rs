//! The addresses that one rule holds back, by the edge that does.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use common::clock::UnixMillis;
use common::ids::EdgeId;

/// How long an edge's word counts.
const STAYS: Duration = Duration::from_secs(60);
/// Addresses of one rule (AWS: 10,000).
const MOST: usize = 10_000;
/// Edges whose word is kept.
const MAX_EDGES: usize = 256;

#[derive(Debug, Default)]
pub struct Held(HashMap<EdgeId, (UnixMillis, Vec<IpAddr>)>);

impl Held {
    pub fn len(&self) -> usize {
        self.0.values().map(|(_, addresses)| addresses.len()).sum()
    }

    pub fn set(&mut self, now: UnixMillis, edge: EdgeId, mut addresses: Vec<IpAddr>) {
        addresses.truncate(MOST);
        if self.0.len() < MAX_EDGES || self.0.contains_key(&edge) {
            self.0.insert(edge, (now, addresses));
        }
    }

    /// Forgets edges that have gone silent; whether any is left.
    pub fn forget(&mut self, now: UnixMillis) -> bool {
        self.0.retain(|_, (at, _)| now.since(*at) < STAYS);
        !self.0.is_empty()
    }

    pub fn addresses(&self, now: UnixMillis) -> BTreeSet<IpAddr> {
        let fresh = self.0.values().filter(|(at, _)| now.since(*at) < STAYS);
        fresh.flat_map(|(_, addresses)| addresses.iter().copied()).take(MOST).collect()
    }
}
