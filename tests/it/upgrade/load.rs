//! Clients that never stop: HTTP/1.1 on kept connections, HTTP/2, new WebSockets.

use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};

const DEADLINE: Duration = Duration::from_secs(10);
const HTTP1_CLIENTS: usize = 3;
const HTTP2_CLIENTS: usize = 2;
const REQUEST: &[u8] = b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// What has happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    pub http1: u64,
    pub http2: u64,
    pub web_sockets: u64,
    /// Requests that were reset before any byte of the answer, and good at the second try.
    pub retried: u64,
    /// Requests that failed twice, or within their answer.
    pub failed: u64,
    pub web_sockets_refused: u64,
}

impl Totals {
    pub fn is_everything_used(&self) -> bool {
        self.http1 > 0 && self.http2 > 0 && self.web_sockets > 0
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests by HTTP/1.1, {} by HTTP/2, {} new WebSockets; {} retried, {} failed, {} WebSockets refused",
            self.http1, self.http2, self.web_sockets, self.retried, self.failed, self.web_sockets_refused
        )
    }
}

#[derive(Default)]
struct Counters {
    http1: AtomicU64,
    http2: AtomicU64,
    web_sockets: AtomicU64,
    retried: AtomicU64,
    failed: AtomicU64,
    web_sockets_refused: AtomicU64,
    stop: AtomicBool,
}

impl Counters {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn totals(&self) -> Totals {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Totals {
            http1: read(&self.http1),
            http2: read(&self.http2),
            web_sockets: read(&self.web_sockets),
            retried: read(&self.retried),
            failed: read(&self.failed),
            web_sockets_refused: read(&self.web_sockets_refused),
        }
    }

    /// Counts one request by the outcome of its tries.
    fn count(&self, kind: &AtomicU64, mut send: impl FnMut() -> Result<(), Failure>) {
        kind.fetch_add(1, Ordering::Relaxed);
        match send() {
            Ok(()) => {}
            Err(Failure::BeforeAnyByte) if send().is_ok() => {
                self.retried.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// How a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    BeforeAnyByte,
    Later,
}

/// The running clients.
pub struct Load {
    counters: Arc<Counters>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(address: SocketAddr) -> Self {
        let counters = Arc::new(Counters::default());
        let run = |client: fn(SocketAddr, &Counters)| {
            let counters = Arc::clone(&counters);
            thread::spawn(move || client(address, &counters))
        };
        let mut threads: Vec<_> = (0..HTTP1_CLIENTS).map(|_| run(http1)).collect();
        threads.extend((0..HTTP2_CLIENTS).map(|_| run(http2)));
        threads.push(run(web_sockets));
        Self { counters, threads }
    }

    pub fn requests(&self) -> u64 {
        let totals = self.counters.totals();
        totals.http1 + totals.http2
    }

    pub fn stop(self) -> Totals {
        self.counters.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        self.counters.totals()
    }
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn http1(address: SocketAddr, counters: &Counters) {
    let mut connection: Option<TcpStream> = None;
    while counters.goes_on() {
        counters.count(&counters.http1, || {
            let mut stream = match connection.take() {
                Some(stream) => stream,
                None => connect(address).map_err(|_| Failure::Later)?, // nobody listened: that is never right
            };
            if exchange(&mut stream)? {
                connection = Some(stream);
            }
            Ok(())
        });
    }
}

/// One request; answers whether the connection stays open.
fn exchange(stream: &mut TcpStream) -> Result<bool, Failure> {
    stream.write_all(REQUEST).map_err(|_| Failure::BeforeAnyByte)?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok") {
        let mut chunk = [0; 1024];
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 => answer.extend_from_slice(&chunk[..read]),
            _ if answer.is_empty() => return Err(Failure::BeforeAnyByte),
            _ => return Err(Failure::Later),
        }
        if answer.len() > 4096 {
            return Err(Failure::Later);
        }
    }
    let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    if head.starts_with("http/1.1 200 ") { Ok(!head.contains("\r\nconnection: close")) } else { Err(Failure::Later) }
}

/// The status of one request on a connection of its own; none without an answer.
pub fn once(address: SocketAddr) -> Option<u16> {
    let mut stream = connect(address).ok()?;
    stream.write_all(REQUEST).ok()?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).ok()?;
    std::str::from_utf8(&status[9..]).ok()?.parse().ok()
}

type Http2 = SendRequest<Empty<Bytes>>;

fn http2(address: SocketAddr, counters: &Counters) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut connection: Option<Http2> = None;
    while counters.goes_on() {
        counters.count(&counters.http2, || {
            runtime.block_on(async {
                let mut sender = match connection.take().filter(|sender| !sender.is_closed()) {
                    Some(sender) => sender,
                    None => open(address).await.ok_or(Failure::Later)?,
                };
                let sent = tokio::time::timeout(DEADLINE, stream(&mut sender)).await.unwrap_or(Err(Failure::Later));
                if sent.is_ok() {
                    connection = Some(sender);
                }
                sent
            })
        });
    }
}

async fn open(address: SocketAddr) -> Option<Http2> {
    let tcp = tokio::net::TcpStream::connect(address).await.ok()?;
    tcp.set_nodelay(true).ok()?;
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tcp)).await.ok()?;
    tokio::spawn(connection);
    Some(sender)
}

async fn stream(sender: &mut Http2) -> Result<(), Failure> {
    let request = hyper::Request::get("http://a.test/x").body(Empty::new()).unwrap();
    sender.ready().await.map_err(|_| Failure::BeforeAnyByte)?;
    let response = sender.send_request(request).await.map_err(|_| Failure::BeforeAnyByte)?;
    let good = response.status() == 200;
    let body = response.into_body().collect().await.map_err(|_| Failure::Later)?.to_bytes();
    if good && body == "ok" { Ok(()) } else { Err(Failure::Later) }
}

fn web_sockets(address: SocketAddr, counters: &Counters) {
    while counters.goes_on() {
        counters.web_sockets.fetch_add(1, Ordering::Relaxed);
        // One retry, as for requests: the connection may have been accepted by an edge that ended its listeners then.
        let opened = WebSocket::open(address).or_else(|| WebSocket::open(address));
        if !opened.is_some_and(|mut socket| socket.echo(b"hello")) {
            counters.web_sockets_refused.fetch_add(1, Ordering::Relaxed);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// An upgraded connection to the origin's echo.
pub struct WebSocket(TcpStream);

impl WebSocket {
    pub fn open(address: SocketAddr) -> Option<Self> {
        let mut stream = connect(address).ok()?;
        let handshake = "GET /ws HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(handshake.as_bytes()).ok()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            head.extend_from_slice(&byte);
        }
        head.starts_with(b"HTTP/1.1 101 ").then_some(Self(stream))
    }

    /// Sends a text frame (masked with zeros) and expects its bytes back.
    pub fn echo(&mut self, text: &[u8]) -> bool {
        let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
        frame.extend_from_slice(text);
        let mut back = vec![0; frame.len()];
        self.0.write_all(&frame).is_ok() && self.0.read_exact(&mut back).is_ok() && back == frame
    }
}
