//! Bodies that are read whole before the request is forwarded.
//!
//! pingora 0.9.1 streams bodies: it forwards what it reads after the head has gone. A body that was read before is sent from the *retry buffer*, which
//! keeps up to 64 KiB of it for another attempt; without anything in that buffer nothing is sent at all, and the upstream waits in vain. So the buffer is
//! switched on for the last 64 KiB of a body, which needs its length, and [`Held::instead_of`] replaces by the whole what pingora takes from it. Hence
//! longer bodies without a length are refused: 411.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use common::reject::Reject;
use http::header::{CONTENT_LENGTH, EXPECT};
use pingora::ErrorType;
use pingora::prelude::{Error, Session};
use ring::digest::{Context, SHA256};

use crate::gateway::body::Received;
use crate::snapshot::flow::Flow;

/// What pingora's retry buffer holds.
const RETRY_BYTES: usize = 64 * 1024;
/// For the whole body, as at the issuer.
const READ_TIME: Duration = Duration::from_secs(30);
/// Of all requests together.
const HELD_BYTES: usize = 128 * 1024 * 1024;

/// A body in memory.
#[derive(Debug)]
pub struct Held {
    bytes: Bytes,
    pub sha256: [u8; 32],
    _room: Room,
}

impl Held {
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What is sent where pingora would send a piece of the body: all of it at the end. An attempt at another server sends it again.
    pub fn instead_of(&self, end: bool) -> Option<Bytes> {
        if !end {
            return Some(Bytes::new());
        }
        (!self.bytes.is_empty()).then(|| self.bytes.clone())
    }
}

/// Counts the bytes that are held over all requests.
#[derive(Clone, Debug, Default)]
pub struct Bodies(Arc<AtomicUsize>);

/// A share of them; given back on drop.
#[derive(Debug)]
struct Room {
    all: Bodies,
    bytes: usize,
}

impl Bodies {
    fn room(&self) -> Room {
        Room { all: self.clone(), bytes: 0 }
    }
}

impl Room {
    fn grow(&mut self, bytes: usize) -> Result<(), Reject> {
        if self.all.0.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > HELD_BYTES {
            self.all.0.fetch_sub(bytes, Ordering::Relaxed);
            return Err(Reject::BodiesHeld);
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Reads the body within the route's bounds. The head is canonical: it says one length, or none, and no length that is too large.
pub async fn hold(session: &mut Session, flow: &Flow, bodies: &Bodies) -> Result<Held, Reject> {
    let headers = &session.req_header().headers;
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let waits = headers.contains_key(EXPECT);
    if waits && !session.is_http2() {
        session.write_continue_response().await.map_err(|_| Reject::AmbiguousBody)?;
    }
    let reading = read(session, length, flow, bodies.room());
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
    let mut bytes = BytesMut::new();
    let mut hash = Context::new(&SHA256);
    loop {
        if length.is_none_or(|length| length.saturating_sub(bytes.len()) <= RETRY_BYTES) {
            session.enable_retry_buffering();
        }
        let Some(piece) = session.read_request_body().await.map_err(|error| broken(&error))? else { break };
        received.more(flow, piece.len(), Instant::now())?;
        if length.is_none() && received.bytes > RETRY_BYTES as u64 {
            return Err(Reject::LengthRequired);
        }
        room.grow(piece.len())?;
        hash.update(&piece);
        bytes.extend_from_slice(&piece);
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(hash.finish().as_ref());
    Ok(Held { bytes: bytes.freeze(), sha256, _room: room })
}

/// A pause that was too long, or no body.
fn broken(error: &Error) -> Reject {
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
        let mut first = bodies.room();
        first.grow(HELD_BYTES - 1).unwrap();
        let mut second = bodies.room();
        assert_eq!(second.grow(2), Err(Reject::BodiesHeld));
        second.grow(1).unwrap();
        drop(first);
        assert_eq!(bodies.0.load(Ordering::Relaxed), 1);
        second.grow(2).unwrap();
        drop(second);
        assert_eq!(bodies.0.load(Ordering::Relaxed), 0);
    }
}
