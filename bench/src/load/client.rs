//! How a place exchanges: by the connection that it has, or by its share of one.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::http1::{self, Connection, Last};
use super::http2::{Sent, Session};
use super::outcome::Failure;
use super::requests::{Requests, Turn};
use super::stream::Wire;
use super::target::Target;

pub enum Client {
    Http1(Http1),
    Http2(Rc<Session>),
}

/// A connection over HTTP/1.1 that is opened when it is needed, and again after its end.
pub struct Http1 {
    /// With the number of requests that it may still send.
    open: Option<(Connection, u64)>,
    requests_per_connection: u64,
    /// Of a request; kept to be filled again.
    bytes: Vec<u8>,
}

impl Client {
    pub fn http1(requests_per_connection: Option<u64>) -> Self {
        let requests_per_connection = requests_per_connection.unwrap_or(u64::MAX);
        Self::Http1(Http1 { open: None, requests_per_connection, bytes: Vec::with_capacity(2048) })
    }

    /// After a wait the server may have closed the connection, which is not the next request's failure (RFC 9112 §9.5). HTTP/2 says
    /// so in a frame, which its session heeds.
    pub fn renew_if_stale(&mut self) {
        if let Self::Http1(http1) = self {
            http1.open = http1.open.take().and_then(|(mut open, left)| (!open.is_stale()).then_some((open, left)));
        }
    }

    /// Returns the status, and when the request was sent.
    pub async fn exchange<R: Requests>(
        &mut self,
        target: &Target,
        wire: &Arc<Wire>,
        source: &RefCell<&mut R>,
        turn: Turn,
        kept: Option<&mut Vec<u8>>,
    ) -> Result<(u16, Instant), Failure> {
        match self {
            Self::Http1(http1) => {
                let (mut connection, left) = match http1.open.take() {
                    Some(open) => open,
                    None => (Connection::open(target, wire).await?, http1.requests_per_connection),
                };
                let last = if left <= 1 { Last::Yes } else { Last::No };
                let asked = http1::write(&source.borrow_mut().request(turn), &target.host, last, &mut http1.bytes);
                let sent = Instant::now();
                let answered = connection.exchange(&http1.bytes, asked, kept).await?;
                if !answered.closes && last == Last::No {
                    http1.open = Some((connection, left - 1));
                }
                Ok((answered.status, sent))
            }
            Self::Http2(session) => {
                session.prepare(target, wire).await?;
                let request = Sent::new(&source.borrow_mut().request(turn), target).ok_or(Failure::Malformed)?;
                let sent = Instant::now();
                let status = session.exchange(target, wire, &request, kept).await?;
                Ok((status, sent))
            }
        }
    }
}
