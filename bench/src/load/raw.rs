//! Requests of any bytes, each on a connection of its own: what a server takes for the end of a request is part of the question, and what it has
//! left unread must not become the next one.
//!
//! Each comes from a loopback address of its own (127.0.0.0/8), so that a server's log tells which one it speaks of.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::response::{self, Asked, head_length};

/// For one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read.
const ANSWER_LIMIT: usize = 1024 * 1024;
/// Requests under way at once at one server.
const AT_ONCE: usize = 24;

/// What came back for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Status(u16),
    /// The connection ended without an answer.
    Closed,
    /// Something that is no HTTP/1.
    Malformed,
    /// Nothing, in ten seconds.
    Silent,
    /// No connection could be made.
    Unreachable,
    /// The time was over before it was sent.
    Unsent,
}

/// The address that the request of that number comes from.
pub fn source(number: usize) -> Ipv4Addr {
    let part = |divisor: usize, count: usize| u8::try_from(number / divisor % count).unwrap_or_default();
    // No 0 and no 255 at the end; 127.0.0.0/16 is left to everyone else.
    Ipv4Addr::new(127, 10 + part(62_500, 200), 1 + part(250, 250), 1 + part(1, 250))
}

/// The number of the request that comes from that address.
pub fn number(source: Ipv4Addr) -> Option<usize> {
    let [net, a, b, c] = source.octets().map(usize::from);
    let digit = |octet: usize, first: usize| octet.checked_sub(first);
    let number = digit(a, 10)? * 62_500 + digit(b, 1)? * 250 + digit(c, 1)?;
    (net == 127).then_some(number)
}

/// Sends all requests to all servers, for at most `limit`; what each has said, by server and request. `first` is the number of the first request.
///
/// # Errors
/// When the system denies what sending needs.
pub fn send_all(
    servers: &[SocketAddr],
    first: usize,
    requests: &[Vec<u8>],
    limit: Duration,
) -> io::Result<Vec<Vec<Said>>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let end = Instant::now() + limit;
    Ok(runtime.block_on(join_all(servers.iter().map(|server| send_to(*server, first, requests, end)))))
}

async fn send_to(server: SocketAddr, first: usize, requests: &[Vec<u8>], end: Instant) -> Vec<Said> {
    let one = async |(number, bytes): (usize, &Vec<u8>)| (number, ask(server, first + number, bytes, end).await);
    let mut all: Vec<_> = stream::iter(requests.iter().enumerate()).map(one).buffer_unordered(AT_ONCE).collect().await;
    all.sort_unstable_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, said)| said).collect()
}

async fn ask(server: SocketAddr, number: usize, bytes: &[u8], end: Instant) -> Said {
    if Instant::now() >= end {
        return Said::Unsent;
    }
    let Ok(Ok(stream)) = timeout(PATIENCE, connect(server, number)).await else { return Said::Unreachable };
    timeout(PATIENCE, exchange(stream, bytes)).await.unwrap_or(Said::Silent)
}

async fn connect(server: SocketAddr, number: usize) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((source(number), 0)))?;
    let stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A server may answer before it has read everything, so reading does not wait for writing.
async fn exchange(mut stream: TcpStream, bytes: &[u8]) -> Said {
    let asked = if bytes.starts_with(b"HEAD ") { Asked::Head } else { Asked::Body };
    let (mut reader, mut writer) = stream.split();
    let mut received = Vec::with_capacity(1024);
    let mut written = std::pin::pin!(async move { drop(writer.write_all(bytes).await) });
    let mut writing = true;
    loop {
        let read = tokio::select! {
            () = &mut written, if writing => {
                writing = false;
                continue;
            }
            read = reader.read_buf(&mut received) => read,
        };
        let over = !matches!(read, Ok(1..)) || received.len() > ANSWER_LIMIT;
        if let Some(said) = judge(&mut received, asked, over) {
            return said;
        }
    }
}

/// `None` asks for more bytes, which never comes when it is `over`.
fn judge(received: &mut Vec<u8>, asked: Asked, over: bool) -> Option<Said> {
    skip_interim(received);
    let status = status(received);
    if let Ok(Some(head)) = response::head(received, asked) {
        let mut body = head.body;
        let mut rest = received.get(head.length..).unwrap_or_default();
        while !body.is_over() {
            match body.take(rest) {
                Ok((0, _)) if !over => return None,
                Ok((0, _)) | Err(_) => break,
                Ok((used, _)) => rest = rest.get(used..).unwrap_or_default(),
            }
        }
        return Some(Said::Status(head.status));
    }
    match status {
        Some(status) if over => Some(Said::Status(status)),
        _ if !over => None,
        _ if received.is_empty() => Some(Said::Closed),
        _ => Some(Said::Malformed),
    }
}

/// `100 Continue` and the like say nothing yet.
fn skip_interim(received: &mut Vec<u8>) {
    while status(received).is_some_and(|status| status < 200) {
        let Some(length) = head_length(received) else { return };
        received.drain(..length);
    }
}

/// Of `HTTP/1.0 400 Bad Request` 400.
fn status(bytes: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(bytes.get(..12)?).ok()?;
    let code = line.strip_prefix("HTTP/1.0 ").or_else(|| line.strip_prefix("HTTP/1.1 "))?;
    code.parse().ok().filter(|code| (100..600).contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Sink;

    #[test]
    fn sources_are_distinct_and_on_loopback() {
        let all: std::collections::BTreeSet<_> = (0..200_000).map(source).collect();
        assert_eq!(all.len(), 200_000);
        assert!(all.iter().all(Ipv4Addr::is_loopback));
        assert!((0..200_000).all(|n| number(source(n)) == Some(n)));
        assert_eq!((number(Ipv4Addr::LOCALHOST), number(Ipv4Addr::new(10, 10, 1, 1))), (None, None));
        assert_eq!(source(0), Ipv4Addr::new(127, 10, 1, 1));
        assert_eq!(source(62_500 + 250 * 3 + 7), Ipv4Addr::new(127, 11, 4, 8));
    }

    #[test]
    fn answers_are_told_apart() {
        let said = |bytes: &[u8], over| judge(&mut bytes.to_vec(), Asked::Body, over);
        let ok = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
        assert_eq!(said(ok, false), Some(Said::Status(403)));
        assert_eq!(said(&ok[..ok.len() - 1], false), None);
        assert_eq!(said(&ok[..ok.len() - 1], true), Some(Said::Status(403)));
        assert_eq!(said(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 X\r\n\r\n", false), Some(Said::Status(204)));
        assert_eq!(said(b"HTTP/1.0 400 Bad\r\n\r\n<html>", false), None);
        assert_eq!(said(b"HTTP/1.0 400 Bad\r\n\r\n<html>", true), Some(Said::Status(400)));
        assert_eq!(said(b"", true), Some(Said::Closed));
        assert_eq!(said(b"<html>", true), Some(Said::Malformed));
    }

    #[test]
    fn all_requests_reach_all_servers_and_a_dead_one_is_named() {
        let (one, other) = (Sink::start().unwrap(), Sink::start().unwrap());
        let dead = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let requests: Vec<_> = (0..100).map(|n| format!("GET /{n} HTTP/1.1\r\n\r\n").into_bytes()).collect();
        let found = send_all(&[one.address(), other.address(), dead], 0, &requests, Duration::from_secs(20)).unwrap();
        assert!(found[..2].iter().flatten().all(|said| *said == Said::Status(200)));
        assert_eq!((found[0].len(), found[2][7]), (100, Said::Unreachable));
        let late = send_all(&[one.address()], 7, &requests, Duration::ZERO).unwrap();
        assert_eq!(late[0][99], Said::Unsent);
    }
}
