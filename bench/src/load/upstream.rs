//! The service behind every measured proxy: one thread that answers each request with the same few bytes and keeps connections.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::response::head_length;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";
/// Longest request head, in bytes; a longer one ends its connection.
const REQUEST_LIMIT: usize = 64 * 1024;

/// A running upstream; it ends when this is dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Upstream {
    /// Listens on a free loopback port.
    ///
    /// # Errors
    /// When no port, thread or runtime can be had.
    pub fn start() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("bench-upstream".into()).spawn(move || {
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

impl Drop for Upstream {
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
        tokio::spawn(async move {
            // A proxy that closes its connection is nothing to report; failures show at the generator.
            let _ = answer_all(stream).await;
        });
    }
}

/// Answers requests without a body, as the generator sends them, until the other side closes.
async fn answer_all(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8 * 1024);
    while stream.read_buf(&mut buffer).await? > 0 {
        while let Some(length) = head_length(&buffer) {
            stream.write_all(ANSWER).await?;
            buffer.drain(..length);
        }
        if buffer.len() > REQUEST_LIMIT {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn answers_each_request_on_one_connection_and_ends_on_drop() {
        let upstream = Upstream::start().unwrap();
        let address = upstream.address();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let mut answer = vec![0; ANSWER.len()];
        for request in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /b HTTP/1.1\r\nHost: a\r\n\r\n"] {
            stream.write_all(request.as_bytes()).unwrap();
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(answer, ANSWER);
        }
        drop(upstream);
        // Not "the port refuses": another test's listener may have been given the port meanwhile.
        assert_eq!(stream.read(&mut answer).unwrap(), 0, "the connection is closed");
    }
}
