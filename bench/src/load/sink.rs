//! The service behind proxies that are sent anything: it takes every request that a proxy passes on, reads past its body, and answers it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::response::{Body, Chunked, head_length};

/// Longest head, in bytes; a longer one ends its connection.
const HEAD_LIMIT: usize = 32 * 1024;
/// Longest body, in bytes.
const BODY_LIMIT: u64 = 64 * 1024 * 1024;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";
const ANSWER_TO_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n";

/// A running service; it ends when this is dropped.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    /// Listens on a free loopback port.
    ///
    /// # Errors
    /// When no port, thread or runtime can be had.
    pub fn start() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("bench-sink".into()).spawn(move || {
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

impl Drop for Sink {
    fn drop(&mut self) {
        // A thread that has already ended has dropped its receiver: nothing left to stop.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(listener: std::net::TcpListener) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        // A proxy that closes its connection is nothing to report; failures show at the client.
        tokio::spawn(async move { drop(answer_all(stream).await) });
    }
}

async fn answer_all(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8 * 1024);
    loop {
        let Some(length) = head_length(&buffer) else {
            if buffer.len() > HEAD_LIMIT {
                return Err(io::ErrorKind::InvalidData.into());
            }
            receive(&mut stream, &mut buffer).await?;
            continue;
        };
        let head: Vec<u8> = buffer.drain(..length).collect();
        let mut body = framing(&head)?;
        while !body.is_over() {
            let (used, _) = body.take(&buffer).map_err(|_| io::ErrorKind::InvalidData)?;
            buffer.drain(..used);
            if used == 0 {
                receive(&mut stream, &mut buffer).await?;
            }
        }
        stream.write_all(if head.starts_with(b"HEAD ") { ANSWER_TO_HEAD } else { ANSWER }).await?;
    }
}

async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// How the body of a request is framed. A field may hold any bytes.
fn framing(head: &[u8]) -> io::Result<Body> {
    let mut body = Body::Length(0);
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return Ok(Body::Chunked(Chunked::Size));
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            body = Body::Length(length.filter(|length| *length <= BODY_LIMIT).ok_or(io::ErrorKind::InvalidData)?);
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn every_request_is_answered_on_one_connection() {
        let sink = Sink::start().unwrap();
        let mut stream = std::net::TcpStream::connect(sink.address()).unwrap();
        let requests: [(&[u8], &[u8]); 4] = [
            (b"GET / HTTP/1.1\r\nX: \xff\r\nContent-Length: 3\r\n\r\nGET", ANSWER),
            (b"HEAD / HTTP/1.1\r\n\r\n", ANSWER_TO_HEAD),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", ANSWER),
            (b"ODD / HTTP/1.0\r\n\r\n", ANSWER),
        ];
        for (request, wanted) in requests {
            stream.write_all(request).unwrap();
            let mut answer = vec![0; wanted.len()];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer, wanted);
        }
        drop(sink);
        assert_eq!(stream.read(&mut [0; 8]).unwrap_or(0), 0, "the connection is closed");
    }
}
