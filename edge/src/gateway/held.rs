//! Bodies that are read whole before the request is forwarded.
//!
//! pingora 0.9.1 streams bodies: it forwards what it reads after the head has gone. A body that was read before is sent from the *retry buffer*, which
//! keeps up to 64 KiB of it for another attempt; without anything in that buffer nothing is sent at all, and the upstream waits in vain. So the buffer is
//! switched on for the last 64 KiB of a body, which needs its length, and [`Held::instead_of`] replaces by the whole what pingora takes from it. Hence
//! longer bodies without a length are refused: 411.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::networks;
use common::reject::Reject;
use http::header::{CONTENT_LENGTH, EXPECT};
use pingora::ErrorType;
use pingora::prelude::{Error, Session};
use ring::digest::{Context, SHA256};

use crate::gateway::body::Received;
use crate::snapshot::flow::Flow;

/// What pingora's retry buffer holds.
pub const RETRY_BYTES: usize = 64 * 1024;
/// For the whole body, as at the issuer.
pub const READ_TIME: Duration = Duration::from_secs(30);
/// Of all requests together.
const HELD_BYTES: usize = 128 * 1024 * 1024;
/// Of those of one client: an IPv4 address, or an IPv6 /64.
const HELD_BYTES_PER_CLIENT: usize = HELD_BYTES / 4;

/// A body in memory.
#[derive(Debug)]
pub struct Held {
    bytes: Bytes,
    pub sha256: [u8; 32],
    room: Room,
    length: usize,
}

impl Held {
    pub fn len(&self) -> usize {
        self.length
    }

    /// At most so many bytes for rules, and whether there are more.
    pub fn first(&self, most: usize) -> (&[u8], bool) {
        self.bytes.get(..most).map_or((&self.bytes, false), |first| (first, first.len() < self.bytes.len()))
    }

    /// The answer has come: nothing of the body is sent any more.
    pub fn release(&mut self) {
        self.bytes = Bytes::new();
        self.room.give_back();
    }

    /// What is sent where pingora would send a piece of the body: all of it at the end. An attempt at another server sends it again.
    pub fn instead_of(&self, end: bool) -> Option<Bytes> {
        if !end {
            return Some(Bytes::new());
        }
        (!self.bytes.is_empty()).then(|| self.bytes.clone())
    }
}

/// Counts the bytes that are held over all requests, and those of each client that holds any.
#[derive(Clone, Debug, Default)]
pub struct Bodies(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// A share of them; given back on drop.
#[derive(Debug)]
pub struct Room {
    bodies: Bodies,
    client: IpAddr,
    bytes: usize,
}

impl Bodies {
    pub fn room(&self, client: IpAddr) -> Room {
        Room { bodies: self.clone(), client: networks::holder(client), bytes: 0 }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// Makes it so large; it never becomes smaller by that.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), Reject> {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return Ok(());
        }
        let mut counts = self.bodies.counts();
        let of_client = counts.by_client.get(&self.client).copied().unwrap_or_default();
        if counts.all + more > HELD_BYTES || of_client + more > HELD_BYTES_PER_CLIENT {
            return Err(Reject::BodiesHeld);
        }
        counts.all += more;
        counts.by_client.insert(self.client, of_client + more);
        self.bytes += more;
        Ok(())
    }

    fn give_back(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes == 0 {
            return;
        }
        let mut counts = self.bodies.counts();
        counts.all = counts.all.saturating_sub(bytes);
        if let Entry::Occupied(mut of_client) = counts.by_client.entry(self.client) {
            match of_client.get().saturating_sub(bytes) {
                0 => drop(of_client.remove()),
                left => *of_client.get_mut() = left,
            }
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Reads the body within the route's bounds. The head is canonical: it says one length, or none, and no length that is too large.
pub async fn hold(session: &mut Session, client: IpAddr, flow: &Flow, bodies: &Bodies) -> Result<Held, Reject> {
    let headers = &session.req_header().headers;
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let waits = headers.contains_key(EXPECT);
    if waits && !session.is_http2() {
        session.write_continue_response().await.map_err(|_| Reject::AmbiguousBody)?;
    }
    let reading = read(session, length, flow, bodies.room(client));
    let within = flow.timeout.map_or(READ_TIME, |timeout| timeout.min(READ_TIME));
    let held = tokio::time::timeout(within, reading).await.map_err(|_| Reject::RequestTimeout)??;
    // Otherwise pingora would send nothing, and the upstream wait for what never comes.
    if held.len() > 0 && session.get_retry_buffer().is_none() {
        return Err(Reject::Internal);
    }
    Ok(held)
}

async fn read(session: &mut Session, length: Option<usize>, flow: &Flow, mut room: Room) -> Result<Held, Reject> {
    let mut received = Received::nothing(Instant::now());
    let mut bytes = Vec::new();
    let mut kept_for_retries = 0;
    let mut hash = Context::new(&SHA256);
    loop {
        let retries = length.is_none_or(|length| length.saturating_sub(bytes.len()) <= RETRY_BYTES);
        if retries {
            session.enable_retry_buffering();
        }
        let Some(piece) = session.read_request_body().await.map_err(|error| broken(&error))? else { break };
        received.more(flow, piece.len(), Instant::now())?;
        if length.is_none() && received.bytes > RETRY_BYTES as u64 {
            return Err(Reject::LengthRequired);
        }
        hash.update(&piece);
        reserve(&mut bytes, piece.len(), length);
        kept_for_retries += if retries { piece.len() } else { 0 };
        room.grow_to(bytes.capacity() + kept_for_retries)?;
        bytes.extend_from_slice(&piece);
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(hash.finish().as_ref());
    Ok(Held { length: bytes.len(), bytes: Bytes::from(bytes), sha256, room })
}

/// Room for some more bytes: twice as much as there was, but not more than there can be.
fn reserve(bytes: &mut Vec<u8>, more: usize, length: Option<usize>) {
    let wanted = bytes.len() + more;
    if wanted > bytes.capacity() {
        let doubled = length.unwrap_or(usize::MAX).min(bytes.capacity() * 2);
        bytes.reserve_exact(doubled.max(wanted) - bytes.len());
    }
}

/// A pause that was too long, or no body.
pub fn broken(error: &Error) -> Reject {
    match error.etype() {
        ErrorType::ReadTimedout => Reject::RequestTimeout,
        _ => Reject::AmbiguousBody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_given_back() {
        let bodies = Bodies::default();
        let client = |last| IpAddr::from([192, 0, 2, last]);
        let mut first: Vec<Room> = (0..4).map(|last| bodies.room(client(last))).collect();
        for room in &mut first {
            room.grow_to(HELD_BYTES_PER_CLIENT).unwrap();
        }
        let mut second = bodies.room(client(9));
        assert_eq!(second.grow_to(1), Err(Reject::BodiesHeld), "all of it is held");
        first[3].give_back();
        second.grow_to(HELD_BYTES_PER_CLIENT).unwrap();
        drop(first);
        assert_eq!(bodies.room(client(9)).grow_to(1), Err(Reject::BodiesHeld), "one client has a share only");
        bodies.room(client(1)).grow_to(1).unwrap();
        drop(second);
        let counts = bodies.counts();
        assert_eq!((counts.all, counts.by_client.len()), (0, 0));
    }

    #[test]
    fn a_body_of_known_length_takes_no_more_than_that() {
        let mut bytes = Vec::new();
        for _ in 0..100 {
            reserve(&mut bytes, 1_000, Some(100_000));
            bytes.extend_from_slice(&[0; 1_000]);
            assert!(bytes.capacity() <= 100_000);
        }
        assert_eq!(bytes.capacity(), 100_000);
    }
}
