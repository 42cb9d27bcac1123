//! Requests over one kept-alive connection, one after the other, from the calling thread.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::response;

const DEADLINE: Duration = Duration::from_secs(20);
/// A server may close a connection that was idle: one that was unused for longer is not used again.
const IDLE_LIMIT: Duration = Duration::from_secs(2);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Status line and fields.
    pub head: String,
    pub body: Vec<u8>,
    /// From the first byte sent to the last received.
    pub took: Duration,
}

impl Answer {
    /// The value of the first field of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The body as JSON; `Null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A connection that is opened when it is needed.
#[derive(Debug)]
pub struct Exchange {
    address: SocketAddr,
    open: Option<(TcpStream, Instant)>,
}

impl Exchange {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, open: None }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends the bytes of a request and reads the whole answer, whatever it is.
    ///
    /// # Errors
    /// When nothing comes back in 20 s, or what does is not HTTP with a body of known length.
    pub fn send(&mut self, request: &[u8]) -> io::Result<Answer> {
        let mut stream = match self.open.take().filter(|(_, used)| used.elapsed() < IDLE_LIMIT) {
            Some((open, _)) => open,
            None => connect(self.address)?,
        };
        let begun = Instant::now();
        stream.write_all(request)?;
        let (mut received, mut piece) = (Vec::with_capacity(4096), [0; 4096]);
        loop {
            let length = stream.read(&mut piece)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            received.extend_from_slice(piece.get(..length).unwrap_or_default());
            let malformed = |_| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP that is read here");
            let Some(whole) = response::parse(&received).map_err(malformed)? else { continue };
            let took = begun.elapsed();
            if !whole.closes {
                self.open = Some((stream, Instant::now()));
            }
            let head_length = response::head_length(&received).unwrap_or_default();
            let body = received.get(head_length..whole.length).unwrap_or_default().to_vec();
            let head = String::from_utf8_lossy(received.get(..head_length).unwrap_or_default()).into_owned();
            return Ok(Answer { status: whole.status, head, body, took });
        }
    }

    /// The status of a GET with a bearer token.
    ///
    /// # Errors
    /// As [`Exchange::send`].
    pub fn status(&mut self, path: &str, token: &str) -> io::Result<u16> {
        let host = self.address;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\r\n");
        self.send(request.as_bytes()).map(|answer| answer.status)
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Upstream;

    #[test]
    fn one_connection_serves_several_requests_and_a_dead_port_is_an_error() {
        let upstream = Upstream::start().unwrap();
        let mut exchange = Exchange::new(upstream.address());
        for path in ["/a", "/b"] {
            assert_eq!(exchange.status(path, "token").unwrap(), 200);
        }
        let answer = exchange.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        assert_eq!(answer.json()["ok"], true);
        assert_eq!(answer.header("CONTENT-TYPE"), Some("application/json"));
        drop(upstream);
        assert!(exchange.status("/", "token").is_err());
    }
}
