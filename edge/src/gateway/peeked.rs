//! The beginning of a body, read before the request is forwarded, for rules that inspect it. The rest streams.
//!
//! pingora 0.9.1 sends what was read before from its *retry buffer*, which keeps up to 64 KiB, and sends nothing of a body that has come whole and is not in
//! it. So the buffer is switched on for the last 64 KiB of a body whose length is known, and from the start for others; [`Peeked::sent_as`] puts what was
//! read in the place of, or before, what pingora sends first.

use std::net::IpAddr;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use common::reject::Reject;
use http::header::{CONTENT_LENGTH, EXPECT};
use pingora::prelude::Session;

use crate::gateway::body::Received;
use crate::gateway::held::{Bodies, READ_TIME, RETRY_BYTES, Room, broken};
use crate::snapshot::flow::Flow;

/// What was read.
#[derive(Debug)]
pub struct Peeked {
    bytes: Bytes,
    /// Nothing follows.
    whole: bool,
    /// So many bytes at its end are in pingora's buffer too, which sends them first at each attempt.
    buffered: usize,
    /// This attempt's first piece has gone.
    begun: bool,
    _room: Room,
}

impl Peeked {
    /// At most so many bytes for rules, and whether there are more.
    pub fn first(&self, most: usize) -> (&[u8], bool) {
        match self.bytes.get(..most) {
            Some(first) => (first, !self.whole || first.len() < self.bytes.len()),
            None => (&self.bytes, !self.whole),
        }
    }

    /// Another attempt sends everything again.
    pub fn begin(&mut self) {
        self.begun = false;
    }

    /// What is sent where pingora would send `piece`.
    pub fn sent_as(&mut self, piece: Option<Bytes>) -> Option<Bytes> {
        if self.begun || self.bytes.is_empty() {
            return piece;
        }
        self.begun = true;
        let piece = piece.unwrap_or_default();
        let new = piece.get(self.buffered..).unwrap_or_default();
        if new.is_empty() {
            return Some(self.bytes.clone());
        }
        let mut both = BytesMut::with_capacity(self.bytes.len() + new.len());
        both.extend_from_slice(&self.bytes);
        both.extend_from_slice(new);
        Some(both.freeze())
    }
}

/// Reads until so many bytes are there, or the body has ended, within the route's bounds.
pub async fn peek(
    session: &mut Session,
    client: IpAddr,
    flow: &Flow,
    most: usize,
    bodies: &Bodies,
) -> Result<Peeked, Reject> {
    let headers = &session.req_header().headers;
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if headers.contains_key(EXPECT) && !session.is_http2() {
        session.write_continue_response().await.map_err(|_| Reject::AmbiguousBody)?;
    }
    let reading = read(session, length, flow, most, bodies.room(client));
    let within = flow.timeout.map_or(READ_TIME, |timeout| timeout.min(READ_TIME));
    let mut peeked = tokio::time::timeout(within, reading).await.map_err(|_| Reject::RequestTimeout)??;
    let buffer = session.get_retry_buffer();
    peeked.buffered = buffer.map_or(0, |buffer| buffer.len());
    if peeked.whole && peeked.buffered == 0 && !peeked.bytes.is_empty() {
        // pingora would send nothing, and the upstream wait for what never comes.
        return Err(Reject::LengthRequired);
    }
    Ok(peeked)
}

async fn read(
    session: &mut Session,
    length: Option<usize>,
    flow: &Flow,
    most: usize,
    mut room: Room,
) -> Result<Peeked, Reject> {
    let mut received = Received::nothing(Instant::now());
    let mut bytes = Vec::new();
    let mut whole = false;
    while bytes.len() <= most {
        if length.is_none_or(|length| length.saturating_sub(bytes.len()) <= RETRY_BYTES) {
            session.enable_retry_buffering();
        }
        let Some(piece) = session.read_request_body().await.map_err(|error| broken(&error))? else {
            whole = true;
            break;
        };
        received.more(flow, piece.len(), Instant::now())?;
        room.grow_to(bytes.len() + 2 * piece.len())?;
        bytes.extend_from_slice(&piece);
        if length == Some(bytes.len()) {
            whole = true;
            break;
        }
    }
    Ok(Peeked { bytes: Bytes::from(bytes), whole, buffered: 0, begun: false, _room: room })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peeked(bytes: &'static str, whole: bool, buffered: usize) -> Peeked {
        let room = Bodies::default().room("192.0.2.1".parse().unwrap());
        Peeked { bytes: Bytes::from_static(bytes.as_bytes()), whole, buffered, begun: false, _room: room }
    }

    #[test]
    fn rules_see_so_much_and_whether_there_is_more() {
        assert_eq!(peeked("abcdef", true, 6).first(6), (&b"abcdef"[..], false));
        assert_eq!(peeked("abcdef", true, 6).first(7), (&b"abcdef"[..], false));
        assert_eq!(peeked("abcdef", true, 6).first(5), (&b"abcde"[..], true));
        assert_eq!(peeked("abcdef", false, 6).first(9), (&b"abcdef"[..], true));
    }

    #[test]
    fn every_attempt_sends_each_byte_once() {
        let piece = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
        for (mut peeked, first, rest) in [
            // All of it is in the buffer, with nothing or with what has come since.
            (peeked("abcdef", true, 6), "abcdef", "abcdef"),
            (peeked("abcdef", false, 6), "abcdefgh", "abcdefgh"),
            // A part is.
            (peeked("abcdef", false, 2), "efgh", "abcdefgh"),
            // Nothing is: what comes is new.
            (peeked("abcdef", false, 0), "gh", "abcdefgh"),
            (peeked("", true, 0), "", ""),
        ] {
            for _ in 0..2 {
                peeked.begin();
                assert_eq!(peeked.sent_as(piece(first)).unwrap(), rest.as_bytes());
                assert_eq!(peeked.sent_as(piece("ij")), piece("ij"));
            }
        }
        assert_eq!(peeked("abc", true, 3).sent_as(None), piece("abc"));
    }
}
