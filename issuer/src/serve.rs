//! Serving HTTP on a socket: limits that a listener needs against slow and endless clients, and a drain.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::aws_json::Peer;

const HEADER_DEADLINE: Duration = Duration::from_secs(10);
const HEADER_LIMIT: usize = 64 * 1024;
/// RFC 9113 §3.4.
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PREFACE_PAUSE: Duration = Duration::from_millis(10);
/// So that peers that are gone do not hold their places.
const HTTP2_PING_EVERY: Duration = Duration::from_secs(30);
/// Connections at a time; more wait in the kernel's queue.
const CONNECTIONS: usize = 10_000;
/// How long requests in flight may go on after the stop. Supervisors give a process about 10 s, and what is queued is written after it.
const DRAIN_LIMIT: Duration = Duration::from_secs(6);
/// After a failed accept (out of file descriptors), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Binds, so that a taken port is told before anything else starts.
pub async fn bind(address: SocketAddr, what: &'static str) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|e| io::Error::new(e.kind(), format!("{what}: {address}: {e}")))
}

/// Serves until `stop` turns true, then drains.
pub async fn serve(listener: TcpListener, routes: Router, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let (http1, http2) = (http().http1_only(), http().http2_only());
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = stop.wait_for(|stopping| *stopping) => break,
        };
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let routes = TowerToHyperService::new(routes.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            routes.call(request)
        });
        let (http1, http2, watcher, mut stop) = (http1.clone(), http2.clone(), graceful.watcher(), stop.clone());
        tokio::spawn(async move {
            let first = tokio::select! {
                first = tokio::time::timeout(HEADER_DEADLINE, protocol(&stream)) => first,
                _ = stop.wait_for(|stopping| *stopping) => return,
            };
            let http = match first {
                Ok(Ok(Protocol::Http1)) => http1,
                Ok(Ok(Protocol::Http2)) => http2,
                Ok(Err(_)) | Err(_) => return,
            };
            let connection = http.serve_connection(TokioIo::new(stream), service).into_owned();
            let _closed = watcher.watch(connection).await;
            drop(place);
        });
    }
    drop(listener);
    let _cut = tokio::time::timeout(DRAIN_LIMIT, graceful.shutdown()).await;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// Looks at the first bytes. hyper's own look has no deadline, so that silent connections would hold their places for ever.
async fn protocol(stream: &TcpStream) -> io::Result<Protocol> {
    let mut seen = [0; HTTP2_PREFACE.len()];
    loop {
        let count = stream.peek(&mut seen).await?;
        match seen.get(..count).unwrap_or_default() {
            [] => return Err(io::ErrorKind::UnexpectedEof.into()),
            whole if whole == HTTP2_PREFACE => return Ok(Protocol::Http2),
            // What has come stays in the socket, so more of it cannot be waited for.
            part if HTTP2_PREFACE.starts_with(part) => tokio::time::sleep(PREFACE_PAUSE).await,
            _ => return Ok(Protocol::Http1),
        }
    }
}

/// HTTP/1.1 and HTTP/2 with prior knowledge, with a deadline for the head of a request.
fn http() -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_DEADLINE).max_buf_size(HEADER_LIMIT);
    http.http2().timer(TokioTimer::new()).max_header_list_size(HEADER_LIMIT as u32).max_concurrent_streams(128);
    http.http2().keep_alive_interval(HTTP2_PING_EVERY).keep_alive_timeout(HEADER_DEADLINE);
    http
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, peer, place))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    async fn first_look(pieces: &[&[u8]]) -> Option<Protocol> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let send = async {
            for piece in pieces {
                client.write_all(piece).await.unwrap();
                tokio::time::sleep(PREFACE_PAUSE).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            found = tokio::time::timeout(Duration::from_millis(500), protocol(&server)) => found.ok().map(Result::unwrap),
            () = send => None,
        }
    }

    #[tokio::test]
    async fn protocols_are_told_by_their_first_bytes() {
        assert_eq!(first_look(&[b"POST / HTTP/1.1\r\n"]).await, Some(Protocol::Http1));
        assert_eq!(first_look(&[b"P", b"OST"]).await, Some(Protocol::Http1));
        assert_eq!(first_look(&[b"PRI * HTTP/2.0", b"\r\n\r\nSM\r\n\r\n"]).await, Some(Protocol::Http2));
        assert_eq!(first_look(&[]).await, None, "silence is waited for, up to the deadline");
        assert_eq!(first_look(&[b"PRI"]).await, None);
    }
}
