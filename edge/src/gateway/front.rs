//! The seam before pingora's proxy: how many connections there may be, and how long one may take to say what it wants.
//!
//! pingora 0.9.1 has a timeout for each read of a head but none for the whole head, and no bound on connections, so that a few
//! thousand dripping clients fill the memory (SECURITY.md §0.2). [`Front`] is the `ServerApp` around the proxy that adds both.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http::HeaderValue;
use pingora::apps::{HttpServerApp, ServerApp};
use pingora::protocols::{ALPN, Stream};
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;

use crate::gateway::Gateway;
use crate::observe::Metrics;

/// What one edge and one client may hold open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub connections: usize,
    pub connections_per_client: usize,
    /// From the connection, or from the end of the idle time after a response, to the end of the next head.
    pub head: Duration,
    pub keepalive: Duration,
}

/// The application of the listeners.
pub struct Front {
    proxy: Arc<HttpProxy<Gateway>>,
    bounds: Bounds,
    open: Arc<Open>,
    metrics: Arc<Metrics>,
}

impl Front {
    pub fn new(proxy: HttpProxy<Gateway>, bounds: Bounds, metrics: Arc<Metrics>) -> Self {
        Self { proxy: Arc::new(proxy), bounds, open: Arc::default(), metrics }
    }
}

#[async_trait]
impl ServerApp for Front {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        let client = client_of(&stream);
        let Some(_place) = Open::admit(&self.open, client, &self.bounds) else {
            self.metrics.connections_refused.inc();
            return None;
        };
        self.metrics.connections.inc();
        if stream.selected_alpn_proto() == Some(ALPN::H2) {
            // HTTP/2 heads are bounded by pingora's frame limits and the idle timeout of the connection.
            self.proxy.process_new(stream, shutdown).await;
        } else {
            self.serve_http1(stream, client, shutdown).await;
        }
        self.metrics.connections.dec();
        None
    }

    async fn cleanup(&self) {
        self.proxy.http_cleanup().await;
    }
}

impl Front {
    async fn serve_http1(&self, stream: Stream, client: Option<IpAddr>, shutdown: &ShutdownWatch) {
        let phase = Arc::new(Phase::new(self.bounds, client));
        let serving = PHASE.scope(Arc::clone(&phase), self.proxy.process_new(stream, shutdown));
        tokio::select! {
            biased;
            _ = serving => {}
            () = phase.overdue() => {
                self.metrics.heads_overdue.inc();
            }
        }
    }
}

tokio::task_local! {
    /// The connection that the current task serves: pingora hands nothing from a connection to its requests.
    static PHASE: Arc<Phase>;
}

/// The head of the current request has come whole.
pub fn head_is_complete() {
    let _ = PHASE.try_with(|phase| phase.state.store(SERVING, Ordering::Relaxed));
}

/// The client's address as a header has it, made once a connection.
pub fn client_text() -> Option<HeaderValue> {
    PHASE.try_with(|phase| phase.client.clone()).ok().flatten()
}

/// The current request has been answered: the connection is idle, and then reads the next head.
pub fn request_is_over() {
    let _ = PHASE.try_with(|phase| phase.wait_for_head(phase.bounds.keepalive + phase.bounds.head));
}

const WAITING: u8 = 0;
const SERVING: u8 = 1;

/// Where an HTTP/1 connection stands.
#[derive(Debug)]
struct Phase {
    bounds: Bounds,
    client: Option<HeaderValue>,
    opened: Instant,
    state: AtomicU8,
    /// Milliseconds after `opened` at which the head must have come.
    deadline: AtomicU64,
}

impl Phase {
    fn new(bounds: Bounds, client: Option<IpAddr>) -> Self {
        let client = client.and_then(|client| HeaderValue::try_from(client.to_string()).ok());
        let (opened, state, deadline) = (Instant::now(), AtomicU8::new(WAITING), AtomicU64::new(0));
        let phase = Self { bounds, client, opened, state, deadline };
        phase.wait_for_head(bounds.head);
        phase
    }

    fn wait_for_head(&self, span: Duration) {
        let deadline = self.opened.elapsed() + span;
        self.deadline.store(u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.state.store(WAITING, Ordering::Relaxed);
    }

    /// Resolves when a head is late. Wakes about once a deadline, not once a request.
    async fn overdue(&self) {
        loop {
            let deadline = Duration::from_millis(self.deadline.load(Ordering::Relaxed));
            let waiting = self.state.load(Ordering::Relaxed) == WAITING;
            match deadline.checked_sub(self.opened.elapsed()) {
                Some(left) if waiting && !left.is_zero() => tokio::time::sleep(left).await,
                _ if waiting => return,
                _ => tokio::time::sleep(self.bounds.head).await,
            }
        }
    }
}

/// The connections that are open.
#[derive(Debug, Default)]
struct Open {
    all: AtomicUsize,
    by_client: Mutex<HashMap<IpAddr, usize>>,
}

/// A place among them; given back on drop.
#[derive(Debug)]
struct Place {
    open: Arc<Open>,
    client: Option<IpAddr>,
}

impl Open {
    fn admit(open: &Arc<Self>, client: Option<IpAddr>, bounds: &Bounds) -> Option<Place> {
        if open.all.fetch_add(1, Ordering::Relaxed) >= bounds.connections {
            open.all.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let place = Place { open: Arc::clone(open), client: None };
        let Some(client) = client else { return Some(place) };
        let mut by_client = open.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_client.entry(client).or_default();
        if *count >= bounds.connections_per_client {
            return None; // dropping the place gives the first count back; the lock is released before it
        }
        *count += 1;
        drop(by_client);
        let mut place = place;
        place.client = Some(client);
        Some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.all.fetch_sub(1, Ordering::Relaxed);
        let Some(client) = self.client else { return };
        let mut by_client = self.open.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_client.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                by_client.remove(&client);
            }
        }
    }
}

/// The client, with an IPv6 address cut to its /64: one subscriber has at least that many.
fn client_of(stream: &Stream) -> Option<IpAddr> {
    let digest = stream.get_socket_digest()?;
    Some(match digest.peer_addr()?.as_inet()?.ip() {
        IpAddr::V6(ip) if ip.to_ipv4_mapped().is_none() => IpAddr::V6((u128::from(ip) & !u128::from(u64::MAX)).into()),
        ip => ip.to_canonical(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        connections: 3,
        connections_per_client: 2,
        head: Duration::from_millis(20),
        keepalive: Duration::from_millis(10),
    };

    #[test]
    fn places_are_bounded_and_given_back() {
        let open = Arc::new(Open::default());
        let [a, b, c] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|ip| Some(ip.parse().unwrap()));
        let first = Open::admit(&open, a, &BOUNDS).unwrap();
        let _second = Open::admit(&open, a, &BOUNDS).unwrap();
        assert!(Open::admit(&open, a, &BOUNDS).is_none(), "one client");
        let _third = Open::admit(&open, b, &BOUNDS).unwrap();
        assert!(Open::admit(&open, c, &BOUNDS).is_none(), "all");
        drop(first);
        assert!(Open::admit(&open, a, &BOUNDS).is_some());
        assert_eq!(open.by_client.lock().unwrap().len(), 2);
    }

    #[tokio::test(start_paused = false)]
    async fn a_head_that_never_ends_is_overdue_and_a_served_request_is_not() {
        let phase = Phase::new(BOUNDS, None);
        phase.overdue().await;
        phase.state.store(SERVING, Ordering::Relaxed);
        let patience = tokio::time::timeout(BOUNDS.head * 3, phase.overdue()).await;
        assert!(patience.is_err(), "serving takes as long as it takes");
        phase.wait_for_head(BOUNDS.keepalive + BOUNDS.head);
        phase.overdue().await;
    }
}
