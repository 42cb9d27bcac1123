//! Who is connected, and how far along.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use common::clock::UnixMillis;
use common::feed::{FeedName, Position};
use common::ids::EdgeId;
use quinn::{Connection, VarInt};

/// Connections that one edge may have: the old process and the new one during an upgrade.
const PER_EDGE: usize = 2;
/// Connections in all.
pub(super) const MAX_CONNECTIONS: usize = 4096;

/// Codes with which connections are closed, for the other side's log.
pub(super) const CLOSE_REPLACED: VarInt = VarInt::from_u32(1);
pub(super) const CLOSE_REVOKED: VarInt = VarInt::from_u32(2);
pub(super) const CLOSE_PROTOCOL: VarInt = VarInt::from_u32(3);
pub(super) const CLOSE_SLOW: VarInt = VarInt::from_u32(4);
pub(super) const CLOSE_DRAIN: VarInt = VarInt::from_u32(5);
pub(super) const CLOSE_POOLS: VarInt = VarInt::from_u32(6);

/// One connection of an edge.
#[derive(Clone, Debug)]
pub struct EdgeStatus {
    pub edge: EdgeId,
    pub connected_at: UnixMillis,
    /// It said that everything it follows is in force and that it serves.
    pub ready: bool,
    /// What it said it has in force.
    pub acked: BTreeMap<FeedName, Position>,
}

struct Entry {
    status: EdgeStatus,
    connection: Connection,
}

#[derive(Default)]
pub(super) struct Registry {
    entries: Mutex<BTreeMap<usize, Entry>>,
}

impl Registry {
    /// Adds a connection; the edge's oldest goes if it has too many. Its key, or `None` if there are too many in all.
    pub(super) fn add(&self, edge: EdgeId, connection: Connection, now: UnixMillis) -> Option<usize> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let of_edge: Vec<usize> =
            entries.iter().filter(|(_, entry)| entry.status.edge == edge).map(|(key, _)| *key).collect();
        if of_edge.len() >= PER_EDGE
            && let Some(oldest) = of_edge.first().and_then(|key| entries.remove(key))
        {
            oldest.connection.close(CLOSE_REPLACED, b"too many connections of this edge");
        }
        if entries.len() >= MAX_CONNECTIONS {
            return None;
        }
        let key = entries.last_key_value().map_or(0, |(key, _)| key + 1);
        let status = EdgeStatus { edge, connected_at: now, ready: false, acked: BTreeMap::new() };
        entries.insert(key, Entry { status, connection });
        Some(key)
    }

    pub(super) fn remove(&self, key: usize) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }

    pub(super) fn update(&self, key: usize, ready: bool, acked: BTreeMap<FeedName, Position>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(&key) {
            entry.status.ready = ready;
            entry.status.acked = acked;
        }
    }

    pub(super) fn close(&self, edge: &EdgeId) {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in entries.values().filter(|entry| entry.status.edge == *edge) {
            entry.connection.close(CLOSE_REVOKED, b"this edge was revoked");
        }
    }

    pub(super) fn statuses(&self) -> Vec<EdgeStatus> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.values().map(|entry| entry.status.clone()).collect()
    }
}
