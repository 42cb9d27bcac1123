//! Bodies of a gigabyte: a server that gives and takes them, and clients that want and send them.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

use crate::finding::{Better, Unit};
use crate::scenario::measures::Reading;

const BODY: u64 = 1 << 30;
const PIECE: usize = 64 * 1024;
const LONGEST_HEAD: usize = 64 * 1024;
/// Without progress for so long a client gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server; it ends when this is dropped.
pub struct Bulk {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Bulk {
    pub fn start() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("bench-bulk".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    _ = serve(listener) => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Bulk {
    fn drop(&mut self) {
        // A thread that has already ended has dropped its receiver: nothing left to stop.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(listener: std::net::TcpListener) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            // A proxy that closes its connection is nothing to report.
            let _ = answer_all(stream).await;
        });
    }
}

/// Takes the body of each request, and answers with as many bytes as its path says: `/plain/give/N`; two for any other.
async fn answer_all(mut stream: tokio::net::TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut buffer, piece) = (Vec::with_capacity(PIECE), vec![b'x'; PIECE]);
    loop {
        let length = loop {
            if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if buffer.len() > LONGEST_HEAD || stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).to_ascii_lowercase();
        buffer.drain(..length);
        let mut left = wanted(&head, "content-length: ").unwrap_or(0);
        while left > 0 {
            if buffer.is_empty() && stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            let taken = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            buffer.drain(..taken);
            left -= taken as u64;
        }
        let mut left = wanted(&head, "/plain/give/").unwrap_or(2);
        stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n\r\n").as_bytes()).await?;
        while left > 0 {
            let sent = PIECE.min(usize::try_from(left).unwrap_or(usize::MAX));
            stream.write_all(piece.get(..sent).unwrap_or_default()).await?;
            left -= sent as u64;
        }
    }
}

/// The number behind these words.
fn wanted(head: &str, words: &str) -> Option<u64> {
    let digits = head.split_once(words)?.1;
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

/// Bodies up and down at the same time, one after the other each way, until told to stop. The last ones break off.
pub fn run(edge: SocketAddr, stop: &AtomicBool) -> io::Result<Vec<Reading>> {
    let begun = Instant::now();
    let (down, up) = std::thread::scope(|scope| {
        let down = scope.spawn(|| repeat(stop, || download(edge, stop)));
        let up = repeat(stop, || upload(edge, stop));
        let gone = |_| io::Error::other("the download's thread has ended badly");
        (down.join().map_err(gone).and_then(|done| done), up)
    });
    let seconds = begun.elapsed().as_secs_f64().max(1e-3);
    let rate = |name, bytes: u64| Reading {
        name,
        unit: Unit::BytesPerSecond,
        better: Better::Neither,
        value: bytes as f64 / seconds,
    };
    Ok(vec![rate("down_per_second", down?), rate("up_per_second", up?)])
}

fn repeat(stop: &AtomicBool, exchange: impl Fn() -> io::Result<u64>) -> io::Result<u64> {
    let mut bytes = 0;
    while !stop.load(Ordering::Relaxed) {
        bytes += exchange()?;
    }
    Ok(bytes)
}

fn connect(edge: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(edge)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn download(edge: SocketAddr, stop: &AtomicBool) -> io::Result<u64> {
    let mut stream = connect(edge)?;
    write!(stream, "GET /plain/give/{BODY} HTTP/1.1\r\nHost: bulk\r\nConnection: close\r\n\r\n")?;
    let (mut received, mut piece) = (0, vec![0; PIECE]);
    while !stop.load(Ordering::Relaxed) {
        match stream.read(&mut piece)? {
            0 if received < BODY => return Err(io::ErrorKind::UnexpectedEof.into()),
            0 => break,
            bytes => received += bytes as u64,
        }
    }
    Ok(received)
}

fn upload(edge: SocketAddr, stop: &AtomicBool) -> io::Result<u64> {
    let mut stream = connect(edge)?;
    write!(stream, "POST /plain/take HTTP/1.1\r\nHost: bulk\r\nContent-Length: {BODY}\r\nConnection: close\r\n\r\n")?;
    let (mut sent, piece) = (0, vec![b'x'; PIECE]);
    while sent < BODY {
        if stop.load(Ordering::Relaxed) {
            return Ok(sent);
        }
        stream.write_all(&piece)?;
        sent += piece.len() as u64;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200") {
        Ok(sent)
    } else {
        Err(io::Error::other("the edge has refused a long body"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_gives_and_takes() {
        let bulk = Bulk::start().unwrap();
        let mut stream = connect(bulk.address()).unwrap();
        let body = "y".repeat(200_000);
        let post = format!("POST /plain/take HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(post.as_bytes()).unwrap();
        stream.write_all(b"GET /plain/give/150000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = vec![0; "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nxx".len()];
        stream.read_exact(&mut answer).unwrap();
        assert!(answer.ends_with(b"\r\n\r\nxx"));
        let mut answer = vec![0; "HTTP/1.1 200 OK\r\nContent-Length: 150000\r\n\r\n".len() + 150_000];
        stream.read_exact(&mut answer).unwrap();
        assert!(answer.ends_with(b"xxx"));
    }

    #[test]
    fn numbers_stand_behind_words() {
        assert_eq!(wanted("get /plain/give/70 http/1.1\r\n", "/plain/give/"), Some(70));
        assert_eq!(wanted("content-length: 5\r\n", "content-length: "), Some(5));
        assert_eq!(wanted("get / http/1.1\r\n", "/plain/give/"), None);
    }
}
