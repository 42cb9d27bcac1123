//! One connection over HTTP/1.1: one request at a time.

use std::sync::Arc;

use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Method};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::outcome::Failure;
use super::requests::Request;
use super::response::{self, Asked, Body};
use super::stream::{Stream, Wire};
use super::target::Target;

/// Longest body that is kept for a source that reads bodies, in bytes.
const KEPT_LIMIT: usize = 1024 * 1024;

/// Room for a read of a body that didn't come with its head, in bytes.
const BODY_READ: usize = 64 * 1024;

pub struct Connection {
    stream: Stream,
    /// Received and not yet used.
    received: Vec<u8>,
}

/// What came back, in full.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    pub status: u16,
    /// The connection can't be used again.
    pub closes: bool,
}

/// The bytes of a request, whatever it was before.
pub fn write(request: &Request<'_>, host: &str, last: Last, into: &mut Vec<u8>) -> Asked {
    into.clear();
    let mut put = |part: &[u8]| into.extend_from_slice(part);
    put(request.method.as_str().as_bytes());
    put(b" ");
    put(request.path.as_str().as_bytes());
    put(b" HTTP/1.1\r\nhost: ");
    put(host.as_bytes());
    put(b"\r\n");
    let mut field = |name: &HeaderName, value: &HeaderValue| {
        put(name.as_str().as_bytes());
        put(b": ");
        put(value.as_bytes());
        put(b"\r\n");
    };
    for (name, value) in request.headers {
        field(name, value);
    }
    if let Some(value) = request.authorization {
        field(&http::header::AUTHORIZATION, value);
    }
    if last == Last::Yes {
        put(b"connection: close\r\n");
    }
    if request.says_length() {
        put(format!("content-length: {}\r\n", request.body.len()).as_bytes());
    }
    put(b"\r\n");
    put(request.body);
    if *request.method == Method::HEAD { Asked::Head } else { Asked::Body }
}

/// Whether this is the last request of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    Yes,
    No,
}

/// Keeps what there is room for.
pub fn keep(kept: &mut Vec<u8>, content: &[u8]) {
    let room = KEPT_LIMIT.saturating_sub(kept.len()).min(content.len());
    kept.extend_from_slice(content.get(..room).unwrap_or_default());
}

impl Connection {
    pub async fn open(target: &Target, wire: &Arc<Wire>) -> Result<Self, Failure> {
        Ok(Self { stream: Stream::open(target, wire).await?, received: Vec::with_capacity(2048) })
    }

    /// Sends the bytes of a request and reads its response to the end; content goes to `kept`, where that is wanted.
    pub async fn exchange(
        &mut self,
        request: &[u8],
        asked: Asked,
        mut kept: Option<&mut Vec<u8>>,
    ) -> Result<Answered, Failure> {
        self.stream.write_all(request).await.map_err(|_| Failure::Broken)?;
        let head = loop {
            if let Some(head) = response::head(&self.received, asked).map_err(|_| Failure::Malformed)? {
                break head;
            }
            self.receive().await?;
        };
        self.received.drain(..head.length);
        let mut body = head.body;
        while !body.is_over() {
            let (used, content) = body.take(&self.received).map_err(|_| Failure::Malformed)?;
            if let (Some(kept), Some(content)) = (kept.as_deref_mut(), self.received.get(content)) {
                keep(kept, content);
            }
            self.received.drain(..used);
            if used > 0 {
                continue;
            }
            self.received.reserve(BODY_READ);
            match (self.receive().await, body) {
                (Err(_), Body::UntilClose) => break,
                (received, _) => received?,
            }
        }
        Ok(Answered { status: head.status, closes: head.closes })
    }

    /// Whether the server has closed it, or said something that it wasn't asked for. Costs no call of the kernel while nothing has come.
    pub fn is_stale(&mut self) -> bool {
        self.stream.read_buf(&mut self.received).now_or_never().is_some()
    }

    async fn receive(&mut self) -> Result<(), Failure> {
        match self.stream.read_buf(&mut self.received).await {
            Ok(0) | Err(_) => Err(Failure::Broken),
            Ok(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::requests::{Bearers, Requests, Same, Turn};

    fn written(mut same: Same, last: Last) -> (String, Asked) {
        let mut bytes = b"left over".to_vec();
        let asked = write(&same.request(Turn { number: 0, place: 0 }), "a.test:81", last, &mut bytes);
        (String::from_utf8(bytes).unwrap(), asked)
    }

    #[test]
    fn the_bytes_of_requests() {
        let get = Same::get("/a?b").unwrap().bearers(Bearers::new(&["tok"]).unwrap());
        let wanted = "GET /a?b HTTP/1.1\r\nhost: a.test:81\r\naccept: */*\r\nauthorization: Bearer tok\r\n\r\n";
        assert_eq!(written(get, Last::No), (wanted.to_owned(), Asked::Body));
        let post = Same::new(Method::POST, "/").unwrap().header("X-A", "b").unwrap();
        let wanted = "POST / HTTP/1.1\r\nhost: a.test:81\r\naccept: */*\r\nx-a: b\r\nconnection: close\r\n\
                      content-length: 2\r\n\r\nhi";
        assert_eq!(written(post.clone().body("hi"), Last::Yes).0, wanted);
        assert!(written(post, Last::No).0.ends_with("content-length: 0\r\n\r\n"));
        assert_eq!(written(Same::new(Method::HEAD, "/").unwrap(), Last::No).1, Asked::Head);
    }
}
