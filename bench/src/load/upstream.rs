//! The service behind every measured proxy: one thread that answers each request with the same bytes and keeps connections.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::response::head_length;

/// Longest request head and longest body, in bytes; a longer one ends its connection.
const REQUEST_LIMIT: usize = 64 * 1024;

/// What an upstream answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Length of each body; without one it is a small JSON object.
    pub body_bytes: Option<usize>,
    /// Time before each answer, rounded up to whole milliseconds; none costs nothing.
    pub delay: Duration,
}

impl Answers {
    /// Head and body, made once.
    fn bytes(self) -> Vec<u8> {
        let body = self.body_bytes.map_or_else(|| b"{\"ok\":true}".to_vec(), |length| vec![b'x'; length]);
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
        [head.into_bytes(), body].concat()
    }
}

/// A running upstream; it ends when this is dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    accepted: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Upstream {
    /// Answers with a few bytes, at once.
    ///
    /// # Errors
    /// When no port, thread or runtime can be had.
    pub fn start() -> io::Result<Self> {
        Self::start_with(Answers::default())
    }

    /// Listens on a free loopback port.
    ///
    /// # Errors
    /// When no port, thread or runtime can be had.
    pub fn start_with(answers: Answers) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let accepted = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&accepted);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("bench-upstream".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    _ = serve(listener, answers, &counter) => {}
                }
            });
        })?;
        Ok(Self { address, accepted, stop: Some(stop), thread: Some(thread) })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that were made to it since it began: what tells whether a proxy keeps them.
    pub fn connections(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // A thread that has already ended has dropped its receiver: nothing left to stop.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(listener: std::net::TcpListener, answers: Answers, accepted: &AtomicU64) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let bytes: Arc<[u8]> = answers.bytes().into();
    loop {
        let (stream, _) = listener.accept().await?;
        accepted.fetch_add(1, Ordering::Relaxed);
        let bytes = Arc::clone(&bytes);
        tokio::spawn(async move {
            // A proxy that closes its connection is nothing to report; failures show at the generator.
            let _ = answer_all(stream, &bytes, answers.delay).await;
        });
    }
}

/// Answers requests until the other side closes. A body is read past where its length is given; a chunked one ends the connection.
async fn answer_all(mut stream: TcpStream, answer: &[u8], delay: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8 * 1024);
    while stream.read_buf(&mut buffer).await? > 0 {
        while let Some(length) = request_length(&buffer)? {
            if buffer.len() < length {
                break;
            }
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            stream.write_all(answer).await?;
            buffer.drain(..length);
        }
        if buffer.len() > 2 * REQUEST_LIMIT {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(())
}

/// Bytes of the request at the front; `None` while its head is not whole.
fn request_length(bytes: &[u8]) -> io::Result<Option<usize>> {
    let Some(head) = head_length(bytes) else { return Ok(None) };
    // Nearly all are GET, and need no look at their fields.
    if bytes.starts_with(b"GET ") {
        return Ok(Some(head));
    }
    let fields = bytes.get(..head).and_then(|head| std::str::from_utf8(head).ok()).ok_or(io::ErrorKind::InvalidData)?;
    let mut body = 0;
    for (name, value) in fields.lines().filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse().ok().filter(|body| *body <= REQUEST_LIMIT).ok_or(io::ErrorKind::InvalidData)?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(Some(head + body))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::load::response::{Asked, head};

    #[test]
    fn answers_each_request_on_one_connection_and_ends_on_drop() {
        let upstream = Upstream::start().unwrap();
        let address = upstream.address();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let wanted = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";
        let mut answer = vec![0; wanted.len()];
        let post = "POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\r\n\r\n";
        for request in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", post, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n"] {
            stream.write_all(request.as_bytes()).unwrap();
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer, wanted);
        }
        assert_eq!(upstream.connections(), 1);
        drop(upstream);
        // Not "the port refuses": another test's listener may have been given the port meanwhile.
        assert_eq!(stream.read(&mut answer).unwrap(), 0, "the connection is closed");
    }

    #[test]
    fn bodies_have_the_wanted_size() {
        for length in [0, 1, 100_000] {
            let text = Answers { body_bytes: Some(length), ..Answers::default() }.bytes();
            let head = head(&text, Asked::Body).unwrap().unwrap();
            assert_eq!(text.len() - head.length, length);
        }
    }
}
