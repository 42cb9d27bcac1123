//! The admin listener: `/healthz`, `/readyz`, `/metrics`, `POST /reload`. Plain HTTP/1.1, one request a connection, for the
//! operator's own network; it runs on the control thread and never meets a request of the public listeners.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::feed::FeedStatus;
use crate::gateway::InFlight;
use crate::observe::Metrics;
use crate::snapshot::Snapshot;
use crate::snapshot::picture::Picture;
use crate::snapshot::route::{Route, Stale};
use crate::snapshot::upstream::View;

const MOST_CONNECTIONS: usize = 32;
const MOST_HEAD_BYTES: usize = 8 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the configuration again; answers the generation that serves, or the one line why it is the old one.
pub type Reload = Box<dyn Fn() -> Result<u64, String> + Send + Sync>;

/// What the admin listener reports on.
pub struct State {
    pub picture: Arc<Picture>,
    reload: Reload,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    in_flight: InFlight,
    feed: Option<watch::Receiver<FeedStatus>>,
    listening: AtomicBool,
    draining: AtomicBool,
}

impl State {
    pub fn new(
        picture: Arc<Picture>,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
        in_flight: InFlight,
        feed: Option<watch::Receiver<FeedStatus>>,
        reload: Reload,
    ) -> Self {
        Self {
            picture,
            reload,
            metrics,
            clock,
            in_flight,
            feed,
            listening: AtomicBool::new(false),
            draining: AtomicBool::new(false),
        }
    }

    /// The public listeners accept.
    pub fn listening(&self) {
        self.listening.store(true, Ordering::Relaxed);
    }

    /// A stop was asked for.
    pub fn draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// What `/readyz` says.
    pub fn is_ready(&self) -> bool {
        self.unready().is_empty()
    }

    /// Why this edge should get no traffic; empty when it should.
    pub fn unready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if !self.listening.load(Ordering::Relaxed) {
            reasons.push("listeners are not bound yet".to_owned());
        }
        if self.draining.load(Ordering::Relaxed) {
            reasons.push("draining".to_owned());
        }
        reasons.extend(upstreams(self).iter().filter(|upstream| upstream.required).filter_map(without_server));
        let now = self.clock.now();
        let snapshot = self.picture.load();
        for (position, issuer) in snapshot.issuers.iter().enumerate() {
            if !is_named(position, &snapshot) {
                continue;
            }
            // An issuer that is asked about its tokens has none.
            if issuer.trust.is_none() && issuer.introspection.is_none() {
                reasons.push(format!("{}: no keys yet", issuer.name));
                continue;
            }
            if let Some(keys) = issuer.keys.as_ref().filter(|keys| !keys.is_good(now)) {
                let age = keys.age(now).unwrap_or_default().as_secs();
                reasons.push(format!("{}: the keys are {age} s old, which is too old", issuer.name));
            }
            let Some(limit) = patience_with(position, &snapshot) else { continue };
            match issuer.news.as_ref().and_then(|news| news.age(now)) {
                None => reasons.push(format!("{}: no news of revocations yet", issuer.name)),
                Some(age) if age > limit => {
                    reasons.push(format!("{}: the news of revocations are {} s old", issuer.name, age.as_secs()));
                }
                Some(_) => {}
            }
        }
        reasons
    }
}

fn without_server(upstream: &View) -> Option<String> {
    (!upstream.has_healthy()).then(|| format!("upstream {}: no healthy server", upstream.name))
}

fn is_named(issuer: usize, snapshot: &Snapshot) -> bool {
    let names = |route: &Arc<Route>| route.token.as_ref().is_some_and(|rule| rule.issuers.contains(&issuer));
    snapshot.routes.routes.iter().any(names)
}

/// From which age on some route refuses this issuer's tokens; `None` when no route minds.
fn patience_with(issuer: usize, snapshot: &Snapshot) -> Option<Duration> {
    let minds = |route: &&Arc<Route>| {
        route.revocation.required
            && route.revocation.stale == Stale::Deny
            && route.token.as_ref().is_some_and(|rule| rule.issuers.contains(&issuer))
    };
    snapshot.routes.routes.iter().filter(minds).map(|route| route.revocation.max_staleness).min()
}

/// How the upstreams of the configuration that serves are.
fn upstreams(state: &State) -> Vec<View> {
    let now = Instant::now();
    state.picture.load().routes.upstreams.iter().map(|upstream| upstream.view(now)).collect()
}

/// Serves until the runtime ends.
pub async fn serve(listener: TcpListener, state: Arc<State>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await; // out of file descriptors, most likely
            continue;
        };
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let _ = timeout(PATIENCE, serve_one(stream, &state)).await; // who is slower than that gets nothing
            drop(place);
        });
    }
}

async fn serve_one(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if head.len() > MOST_HEAD_BYTES || stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let answer = answer(words.next().unwrap_or_default(), words.next().unwrap_or_default(), state);
    stream.write_all(answer.text().as_bytes()).await?;
    stream.shutdown().await
}

struct Answer {
    status: &'static str,
    content_type: &'static str,
    body: String,
}

impl Answer {
    fn json(status: &'static str, body: &serde_json::Value) -> Self {
        Self { status, content_type: "application/json", body: format!("{body}\n") }
    }

    fn text(&self) -> String {
        format!(
            "HTTP/1.1 {}\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{}",
            self.status,
            self.content_type,
            self.body.len(),
            self.body
        )
    }
}

fn answer(method: &str, path: &str, state: &State) -> Answer {
    match (method, path) {
        ("GET" | "HEAD", "/healthz") => Answer::json("200 OK", &serde_json::json!({"healthy": true})),
        ("GET" | "HEAD", "/readyz") => readiness(state),
        ("GET" | "HEAD", "/metrics") => metrics(state),
        ("POST", "/reload") => reload(state),
        (_, "/healthz" | "/readyz" | "/metrics" | "/reload") => {
            Answer::json("405 Method Not Allowed", &serde_json::json!({"error": "method_not_allowed"}))
        }
        _ => Answer::json("404 Not Found", &serde_json::json!({"error": "not_found"})),
    }
}

fn readiness(state: &State) -> Answer {
    let reasons = state.unready();
    let status = if reasons.is_empty() { "200 OK" } else { "503 Service Unavailable" };
    let generation = state.picture.load().generation;
    let warnings: Vec<String> = upstreams(state).iter().filter_map(without_server).collect();
    let body = serde_json::json!({
        "ready": reasons.is_empty(),
        "generation": generation,
        "reasons": reasons,
        "warnings": warnings,
    });
    Answer::json(status, &body)
}

fn metrics(state: &State) -> Answer {
    state.metrics.servers(&upstreams(state));
    state.metrics.in_flight.set(i64::try_from(state.in_flight.count()).unwrap_or(i64::MAX));
    if let Some(feed) = &state.feed {
        let status = feed.borrow().clone();
        state.metrics.feed_connected.set(i64::from(status.connected));
        for (name, progress) in &status.feeds {
            state.metrics.feed(name.as_str(), progress.lag, state.clock.now().since(progress.fresh_as_of));
        }
    }
    let (snapshot, now) = (state.picture.load(), state.clock.now());
    let aged = snapshot.issuers.iter().filter_map(|issuer| Some((&*issuer.name, issuer.keys.as_ref()?.age(now)?)));
    state.metrics.issuers.ages(aged);
    match state.metrics.text() {
        Ok(body) => Answer {
            status: "200 OK",
            content_type: "application/openmetrics-text; version=1.0.0; charset=utf-8",
            body,
        },
        Err(_) => Answer::json("500 Internal Server Error", &serde_json::json!({"error": "server_error"})),
    }
}

fn reload(state: &State) -> Answer {
    match (state.reload)() {
        Ok(generation) => Answer::json("200 OK", &serde_json::json!({"generation": generation})),
        Err(error) => {
            let body = serde_json::json!({"error": error, "generation": state.picture.load().generation});
            Answer::json("422 Unprocessable Content", &body)
        }
    }
}
