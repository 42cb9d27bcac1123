//! HTTP/2: streams side by side, each served by a task of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use pingora::apps::HttpServerApp;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::{H2Accept, HttpSession, default_h2_options, handshake};
use pingora::protocols::l4::stream::Stream as TcpStream;
use pingora::protocols::{Digest, Stream};
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;

use crate::gateway::Gateway;
use crate::gateway::connection::Connection;
use crate::gateway::watch;

/// What a client of HTTP/2 sends first (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Streams of a connection that may be malformed before it ends; pingora's own bound.
const MOST_MALFORMED: usize = 32;

/// A connection whose preface has come.
pub struct Spoken {
    connection: h2::server::Connection<Stream, Bytes>,
    digest: Arc<Digest>,
}

/// Whether a plain connection begins with the preface. What was read of it stays unread.
pub async fn is_spoken(tcp: &mut TcpStream) -> bool {
    let mut start = [0; PREFACE.len()];
    let mut length = 0;
    let spoken = loop {
        let (read, rest) = start.split_at_mut(length);
        if !PREFACE.starts_with(read) {
            break false;
        }
        if rest.is_empty() {
            break true;
        }
        match tcp.read(rest).await {
            Ok(more) if more > 0 => length += more,
            _ => break false,
        }
    };
    tcp.rewind(start.get(..length).unwrap_or_default());
    spoken
}

/// Exchanges prefaces.
pub async fn begin(stream: Stream) -> Option<Spoken> {
    let digest = Arc::new(Digest {
        ssl_digest: stream.get_ssl_digest(),
        timing_digest: stream.get_timing_digest(),
        proxy_digest: stream.get_proxy_digest(),
        socket_digest: stream.get_socket_digest(),
    });
    let connection = handshake(stream, Some(default_h2_options())).await.ok()?;
    Some(Spoken { connection, digest })
}

/// Until one side has had enough, or nothing was asked for `idle`.
pub async fn serve(
    spoken: Spoken,
    proxy: &Arc<HttpProxy<Gateway>>,
    client: &Arc<Connection>,
    idle: Duration,
    shutdown: &ShutdownWatch,
) {
    let Spoken { mut connection, digest } = spoken;
    let streams = Arc::new(Streams::default());
    let mut stop = shutdown.clone();
    let (mut stopping, mut malformed) = (false, 0);
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.changed(), if !stopping => {
                connection.graceful_shutdown();
                stopping = true;
                continue;
            }
            accepted = HttpSession::from_h2_conn(&mut connection, Arc::clone(&digest)) => accepted,
            () = streams.idle_for(idle) => return,
        };
        match accepted {
            Ok(Some(H2Accept::Session(session))) => {
                let (proxy, client, shutdown) = (Arc::clone(proxy), Arc::clone(client), shutdown.clone());
                let stream = Streams::begin(&streams);
                tokio::spawn(async move {
                    let session = ServerSession::new_http2(session);
                    client.serve(watch::guarded(proxy.process_new_http(session, &shutdown))).await;
                    drop(stream);
                });
            }
            Ok(Some(H2Accept::Rejected)) => {
                malformed += 1;
                if malformed >= MOST_MALFORMED {
                    return;
                }
            }
            Ok(None) | Err(_) => return,
        }
    }
}

/// The streams of a connection that are being served.
#[derive(Default)]
struct Streams {
    count: AtomicUsize,
    none: Notify,
}

/// One of them.
struct OneStream(Arc<Streams>);

impl Streams {
    fn begin(streams: &Arc<Self>) -> OneStream {
        streams.count.fetch_add(1, Ordering::Relaxed);
        OneStream(Arc::clone(streams))
    }

    /// Resolves when there has been none for so long. A stream that is accepted meanwhile drops this future.
    async fn idle_for(&self, span: Duration) {
        while self.count.load(Ordering::Relaxed) != 0 {
            self.none.notified().await;
        }
        tokio::time::sleep(span).await;
    }
}

impl Drop for OneStream {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.none.notify_one();
        }
    }
}
