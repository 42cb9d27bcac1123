//! A closed loop: so many connections, each with one request in flight, until a count is reached or the time is over.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::response::{self, Response};
use crate::measure::Latency;

/// What to send, and its bounds.
#[derive(Clone, Copy, Debug)]
pub struct Load<'a> {
    pub target: SocketAddr,
    pub host: &'a str,
    pub path: &'a str,
    /// Bearer tokens, used in turn and again from the start; none sends no `Authorization`.
    pub tokens: &'a [String],
    /// Requests in all.
    pub requests: u64,
    pub connections: usize,
    /// Time for all of them; what is unanswered then has failed.
    pub limit: Duration,
}

/// Why a request has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    Connect,
    /// The connection broke before the response was whole.
    Broken,
    Malformed,
    /// Any status but 200.
    Status(u16),
    /// Unanswered at the limit, or never sent.
    TimeOver,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("connect"),
            Self::Broken => f.write_str("broken"),
            Self::Malformed => f.write_str("malformed"),
            Self::Status(status) => write!(f, "status_{status}"),
            Self::TimeOver => f.write_str("time_over"),
        }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Outcome {
    /// Requests answered with 200 in full.
    pub succeeded: u64,
    pub failures: BTreeMap<Failure, u64>,
    /// Of the requests that succeeded, from the first byte sent to the last received.
    pub latency: Latency,
    pub elapsed: Duration,
}

impl Outcome {
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }
}

impl Load<'_> {
    /// Runs on the calling thread to its end.
    ///
    /// # Errors
    /// When no runtime can be had. Failed requests are counted, not returned.
    pub fn run(&self) -> io::Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let latency = Latency::new().ok_or_else(|| io::Error::other("no histogram"))?;
        let begun = Instant::now();
        let shared = Shared {
            next: Cell::new(0),
            requests: self.requests,
            target: self.target,
            heads: Heads::new(self),
            tally: RefCell::new(Outcome { succeeded: 0, failures: BTreeMap::new(), latency, elapsed: Duration::ZERO }),
        };
        runtime.block_on(async {
            let connections = join_all((0..self.connections).map(|_| drive(&shared)));
            // At the limit, dropping the future closes what is still open.
            let _ = tokio::time::timeout(self.limit, connections).await;
        });
        let mut outcome = shared.tally.into_inner();
        outcome.elapsed = begun.elapsed();
        let unanswered = self.requests.saturating_sub(outcome.succeeded + outcome.failed());
        if unanswered > 0 {
            outcome.failures.insert(Failure::TimeOver, unanswered);
        }
        Ok(outcome)
    }
}

struct Shared<'a> {
    next: Cell<u64>,
    requests: u64,
    target: SocketAddr,
    heads: Heads<'a>,
    tally: RefCell<Outcome>,
}

impl Shared<'_> {
    /// Number of the next request to send; `None` when all have been taken.
    fn take(&self) -> Option<u64> {
        let number = self.next.get();
        (number < self.requests).then(|| self.next.replace(number + 1))
    }

    fn count(&self, result: Result<Duration, Failure>) {
        let mut tally = self.tally.borrow_mut();
        match result {
            Ok(latency) => {
                tally.succeeded += 1;
                tally.latency.record(latency);
            }
            Err(failure) => *tally.failures.entry(failure).or_default() += 1,
        }
    }
}

/// One connection's share of the run; it reconnects after a failure, at the cost of the request that failed.
async fn drive(shared: &Shared<'_>) {
    let mut connection = None;
    while let Some(number) = shared.take() {
        let ready = match connection.take() {
            Some(open) => Ok(open),
            None => Connection::open(shared.target).await,
        };
        let result = match ready {
            Ok(mut open) => {
                let begun = Instant::now();
                let result = open.exchange(&shared.heads, number).await;
                if result.is_ok_and(|response| !response.closes) {
                    connection = Some(open);
                }
                result.and_then(|response| match response.status {
                    200 => Ok(begun.elapsed()),
                    other => Err(Failure::Status(other)),
                })
            }
            Err(failure) => Err(failure),
        };
        shared.count(result);
    }
}

/// The bytes of a request around its token.
struct Heads<'a> {
    before: String,
    tokens: &'a [String],
}

impl<'a> Heads<'a> {
    fn new(load: &Load<'a>) -> Self {
        let authorization = if load.tokens.is_empty() { "" } else { "Authorization: Bearer " };
        let before = format!("GET {} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\n{authorization}", load.path, load.host);
        Self { before, tokens: load.tokens }
    }

    fn write(&self, number: u64, into: &mut Vec<u8>) {
        into.clear();
        into.extend_from_slice(self.before.as_bytes());
        if let Some(turn) = number.checked_rem(self.tokens.len() as u64) {
            let token = usize::try_from(turn).ok().and_then(|turn| self.tokens.get(turn));
            into.extend_from_slice(token.map_or(&[], |token| token.as_bytes()));
            into.extend_from_slice(b"\r\n");
        }
        into.extend_from_slice(b"\r\n");
    }
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    received: Vec<u8>,
}

impl Connection {
    async fn open(target: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(target).await.map_err(|_| Failure::Connect)?;
        stream.set_nodelay(true).map_err(|_| Failure::Connect)?;
        Ok(Self { stream, request: Vec::with_capacity(2048), received: Vec::with_capacity(2048) })
    }

    async fn exchange(&mut self, heads: &Heads<'_>, number: u64) -> Result<Response, Failure> {
        heads.write(number, &mut self.request);
        self.stream.write_all(&self.request).await.map_err(|_| Failure::Broken)?;
        loop {
            if let Some(response) = response::parse(&self.received).map_err(|_| Failure::Malformed)? {
                self.received.drain(..response.length);
                return Ok(response);
            }
            match self.stream.read_buf(&mut self.received).await {
                Ok(0) | Err(_) => return Err(Failure::Broken),
                Ok(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc;

    use super::*;
    use crate::load::Upstream;

    fn load<'a>(target: SocketAddr, tokens: &'a [String], requests: u64) -> Load<'a> {
        let limit = Duration::from_secs(20);
        Load { target, host: "bench.test", path: "/a", tokens, requests, connections: 4, limit }
    }

    /// A toy server for one connection at a time that answers with `answers` in turn and tells what it was asked.
    fn toy(answers: &'static [&'static str]) -> (SocketAddr, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut turn = answers.iter();
            while let Ok((mut stream, _)) = listener.accept() {
                let mut head = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut head) {
                    let _ = tell.send(String::from_utf8_lossy(&head[..length]).into_owned());
                    let Some(answer) = turn.next() else { return };
                    if answer.is_empty() || stream.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                }
            }
        });
        (address, told)
    }

    #[test]
    fn every_request_is_counted_once() {
        let upstream = Upstream::start().unwrap();
        let outcome = load(upstream.address(), &[], 501).run().unwrap();
        assert_eq!((outcome.succeeded, outcome.failed(), outcome.latency.count()), (501, 0, 501));
    }

    #[test]
    fn failures_are_counted_by_reason_and_the_run_goes_on() {
        const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let answers = &[
            OK,
            "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno",
            "junk\r\n\r\n",
            OK,
            "",
            OK,
            "HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            OK,
        ];
        let (address, _told) = toy(answers);
        let outcome = Load { connections: 1, ..load(address, &[], 8) }.run().unwrap();
        assert_eq!(outcome.succeeded, 4);
        let expected =
            [(Failure::Broken, 1), (Failure::Malformed, 1), (Failure::Status(401), 1), (Failure::Status(503), 1)];
        assert_eq!(outcome.failures, BTreeMap::from(expected));
        assert_eq!(outcome.latency.count(), 4);
    }

    #[test]
    fn tokens_are_sent_in_turn() {
        const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let (address, told) = toy(&[OK, OK, OK]);
        let tokens = ["one".to_owned(), "two".to_owned()];
        let outcome = Load { connections: 1, ..load(address, &tokens, 3) }.run().unwrap();
        assert_eq!(outcome.succeeded, 3);
        for token in ["one", "two", "one"] {
            let expected =
                format!("GET /a HTTP/1.1\r\nHost: bench.test\r\nAccept: */*\r\nAuthorization: Bearer {token}\r\n\r\n");
            assert_eq!(told.recv().unwrap(), expected);
        }
    }

    #[test]
    fn a_dead_port_and_a_silent_server_end_by_themselves() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let silent = Load { limit: Duration::from_millis(50), ..load(address, &[], 9) }.run().unwrap();
        assert_eq!((silent.succeeded, silent.failures), (0, BTreeMap::from([(Failure::TimeOver, 9)])));
        drop(listener);
        let dead = load(address, &[], 9).run().unwrap();
        assert_eq!((dead.succeeded, dead.failures), (0, BTreeMap::from([(Failure::Connect, 9)])));
    }
}
