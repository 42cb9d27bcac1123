//! What a client connection hands to its requests; pingora hands on nothing by itself.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::canonical::{Ambiguity, Framing};
use common::networks::Networks;
use http::{HeaderMap, HeaderValue};

use crate::facts;
use crate::gateway::forwarded;
use crate::gateway::wire::Wire;

tokio::task_local! {
    /// The connection that the current task serves.
    static CURRENT: Arc<Connection>;
}

/// An open connection and where it stands.
#[derive(Debug)]
pub struct Connection {
    facts: facts::Connection,
    /// Set where the other end is a proxy whose word on its clients counts.
    proxies: Option<Arc<Networks>>,
    /// The client's address as a header has it, made once a connection.
    client: Option<HeaderValue>,
    wire: Arc<Wire>,
    phase: Phase,
}

impl Connection {
    pub fn new(facts: facts::Connection, proxies: Option<Arc<Networks>>, phase: Phase) -> Self {
        let client = facts.client.and_then(|client| HeaderValue::try_from(client.to_string()).ok());
        Self { facts, proxies, client, wire: Arc::default(), phase }
    }

    /// Who sends this request, and how: asked of the proxy at the other end where there is one.
    fn facts_of(&self, headers: &HeaderMap) -> facts::Connection {
        let mut facts = self.facts.clone();
        if let (Some(proxies), Some(peer)) = (&self.proxies, facts.client) {
            facts.client = Some(forwarded::client(peer, headers, proxies));
            facts.scheme = forwarded::scheme(facts.scheme, headers);
        }
        facts
    }

    /// What comes over it, for the stream that watches.
    pub fn wire(&self) -> &Arc<Wire> {
        &self.wire
    }

    /// Runs `serving` as this connection's work.
    pub async fn serve<T>(self: &Arc<Self>, serving: impl Future<Output = T>) -> T {
        CURRENT.scope(Arc::clone(self), serving).await
    }

    /// Resolves when the head of an HTTP/1 request is late.
    pub async fn overdue(&self) {
        self.phase.overdue().await;
    }
}

/// What is known of who sends the current request.
pub fn facts_of(headers: &HeaderMap) -> facts::Connection {
    CURRENT.try_with(|connection| connection.facts_of(headers)).unwrap_or(facts::Connection::UNKNOWN)
}

/// Whether the other end is a proxy whose word on its clients counts.
pub fn is_trusted() -> bool {
    CURRENT.try_with(|connection| connection.proxies.is_some()).unwrap_or(false)
}

/// The head of the current request has come whole.
pub fn head_is_complete() {
    let _ = CURRENT.try_with(|connection| connection.phase.serve());
}

/// Whether the request line came as it must; nothing is known of it in HTTP/2.
pub fn check_line() -> Result<(), Ambiguity> {
    CURRENT.try_with(|connection| connection.wire.check_line()).unwrap_or(Ok(()))
}

/// From here on the body is read, and watched where it has chunks.
pub fn body_begins(framing: Framing) -> Result<(), Ambiguity> {
    CURRENT.try_with(|connection| connection.wire.body_begins(framing == Framing::Chunked)).unwrap_or(Ok(()))
}

/// Whether the body that was read broke its framing.
pub fn body_is_broken() -> bool {
    CURRENT.try_with(|connection| connection.wire.is_broken()).unwrap_or(false)
}

/// The address of the current request's client as a header has it.
pub fn client_text(client: Option<IpAddr>) -> Option<HeaderValue> {
    let kept = |connection: &Arc<Connection>| {
        if connection.facts.client == client { connection.client.clone() } else { None }
    };
    CURRENT.try_with(kept).ok().flatten().or_else(|| HeaderValue::try_from(client?.to_string()).ok())
}

/// How long the connection may be idle after the current request.
pub fn keepalive() -> Option<Duration> {
    CURRENT.try_with(|connection| connection.phase.keepalive).ok()
}

/// The current request has been answered: the connection is idle, and then reads the next head.
pub fn request_is_over() {
    let _ = CURRENT.try_with(|connection| connection.phase.wait_for_next_head());
}

/// From here on the line of another request is awaited. Between an answer and this, what is left of the answered request's body is read and thrown away.
pub fn next_head_begins() {
    let _ = CURRENT.try_with(|connection| connection.wire.head_begins());
}

const WAITING: u8 = 0;
const SERVING: u8 = 1;

/// Where an HTTP/1 connection stands.
#[derive(Debug)]
pub struct Phase {
    /// From the connection, or from the end of the idle time after a response, to the end of the next head.
    head: Duration,
    keepalive: Duration,
    opened: Instant,
    state: AtomicU8,
    /// Milliseconds after `opened` at which the head must have come.
    deadline: AtomicU64,
}

impl Phase {
    /// Of a connection that was accepted at `opened`.
    pub fn new(opened: Instant, head: Duration, keepalive: Duration) -> Self {
        let deadline = AtomicU64::new(millis(head));
        Self { head, keepalive, opened, state: AtomicU8::new(WAITING), deadline }
    }

    fn serve(&self) {
        self.state.store(SERVING, Ordering::Relaxed);
    }

    fn wait_for_next_head(&self) {
        let deadline = self.opened.elapsed() + self.keepalive + self.head;
        self.deadline.store(millis(deadline), Ordering::Relaxed);
        self.state.store(WAITING, Ordering::Relaxed);
    }

    /// Wakes about once a deadline, not once a request.
    async fn overdue(&self) {
        loop {
            let deadline = Duration::from_millis(self.deadline.load(Ordering::Relaxed));
            let waiting = self.state.load(Ordering::Relaxed) == WAITING;
            match deadline.checked_sub(self.opened.elapsed()) {
                Some(left) if waiting && !left.is_zero() => tokio::time::sleep(left).await,
                _ if waiting => return,
                _ => tokio::time::sleep(self.head).await,
            }
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = false)]
    async fn a_head_that_never_ends_is_overdue_and_a_served_request_is_not() {
        let (head, keepalive) = (Duration::from_millis(20), Duration::from_millis(10));
        let phase = Phase::new(Instant::now(), head, keepalive);
        phase.overdue().await;
        phase.serve();
        let patience = tokio::time::timeout(head * 3, phase.overdue()).await;
        assert!(patience.is_err(), "serving takes as long as it takes");
        phase.wait_for_next_head();
        phase.overdue().await;
    }
}
