//! The admin listener: health, readiness, metrics, the status page, reload. Plain HTTP/1.1, one request a connection, for the
//! operator's own network; it runs on the control thread and never meets a request of the public listeners.
//!
//! | | |
//! |---|---|
//! | `GET /healthz` | the process lives |
//! | `GET /readyz` | whether to send traffic here, and why not |
//! | `GET /metrics` | OpenMetrics, or Prometheus's older text format |
//! | `GET /`, `/status` | the same for people: one page of HTML without scripts |
//! | `GET /status.json` | the facts of that page |
//! | `POST /reload` | takes the configuration file into use |
//! | `POST /config/check` | reads and checks it, and takes nothing |

mod access;
mod http;
mod metrics;
mod overview;
mod readiness;
mod reload;
mod status;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::clock::{Clock, UnixMillis};
use common::secret::SecretString;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use self::access::Access;
use self::http::{Answer, Request};
use self::overview::Overview;
pub use self::reload::{Certificate, Configuration, Failure, History, Taken};
use crate::feed::FeedStatus;
use crate::gateway::InFlight;
use crate::observe::Metrics;
use crate::rates::Limits;
use crate::snapshot::picture::Picture;

const MOST_CONNECTIONS: usize = 32;
/// For a request to come, and again for its answer to go.
const PATIENCE: Duration = Duration::from_secs(5);
/// For reading a configuration: names in it are resolved.
const RELOAD_PATIENCE: Duration = Duration::from_secs(60);

/// What the admin listener reports on, and commands.
pub struct State {
    pub parts: Parts,
    started: UnixMillis,
    listening: AtomicBool,
    draining: AtomicBool,
}

/// The modules that it looks at.
pub struct Parts {
    pub picture: Arc<Picture>,
    pub metrics: Arc<Metrics>,
    pub clock: Arc<dyn Clock>,
    pub in_flight: InFlight,
    pub limits: Arc<Limits>,
    pub feed: Option<watch::Receiver<FeedStatus>>,
    pub configuration: Arc<dyn Configuration>,
    /// Demanded of whoever asks for more than health and readiness; none: nothing is demanded.
    pub token: Option<SecretString>,
}

impl State {
    pub fn new(parts: Parts) -> Self {
        let started = parts.clock.now();
        Self { parts, started, listening: AtomicBool::new(false), draining: AtomicBool::new(false) }
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
        reasons.extend(readiness::missing(&self.parts.picture.load(), self.parts.clock.now()));
        reasons
    }
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
            serve_one(stream, &state).await;
            drop(place);
        });
    }
}

/// Who is slower than the patience gets nothing.
async fn serve_one(mut stream: TcpStream, state: &Arc<State>) {
    let Ok(Some(request)) = timeout(PATIENCE, http::read(&mut stream)).await else { return };
    let answer = answer(&request, state).await;
    let _ = timeout(PATIENCE, http::write(&mut stream, &request, &answer)).await;
}

async fn answer(request: &Request, state: &Arc<State>) -> Answer {
    let allowed = access::check(request, state.parts.token.as_ref());
    match (request.method(), request.path()) {
        ("GET" | "HEAD", "/healthz") => Answer::json("200 OK", &serde_json::json!({"healthy": true})),
        ("GET" | "HEAD", "/readyz") => readiness(state, allowed),
        _ if allowed == Access::NoToken => Answer::unauthorized(),
        _ if allowed == Access::CrossSite => Answer::error("403 Forbidden", "cross_site"),
        ("GET" | "HEAD", "/metrics") => metrics::answer(state, request.header("accept")),
        ("GET" | "HEAD", "/" | "/status") => status::page(&Overview::of(state)),
        ("GET" | "HEAD", "/status.json") => status::json(&Overview::of(state)),
        ("POST", "/reload") => commanded(state, reload::reload).await,
        ("POST", "/config/check") => commanded(state, reload::check).await,
        (_, "/healthz" | "/readyz" | "/metrics" | "/" | "/status" | "/status.json") => Answer::not_allowed("GET, HEAD"),
        (_, "/reload" | "/config/check") => Answer::not_allowed("POST"),
        _ => Answer::error("404 Not Found", "not_found"),
    }
}

/// The reasons are for those who may see the rest, too.
fn readiness(state: &State, allowed: Access) -> Answer {
    let reasons = state.unready();
    let status = if reasons.is_empty() { "200 OK" } else { "503 Service Unavailable" };
    let mut body = serde_json::json!({"ready": reasons.is_empty()});
    if let (Access::Allowed, Some(fields)) = (allowed, body.as_object_mut()) {
        fields.insert("generation".to_owned(), state.parts.picture.load().generation.into());
        fields.insert("reasons".to_owned(), reasons.into());
        fields.insert("warnings".to_owned(), readiness::warnings(&state.parts.picture.load()).into());
    }
    Answer::json(status, &body)
}

/// Runs what reads files and resolves names on a thread that nobody waits for but who asked.
async fn commanded(state: &Arc<State>, command: fn(&State) -> Answer) -> Answer {
    let state = Arc::clone(state);
    let work = tokio::task::spawn_blocking(move || command(&state));
    match timeout(RELOAD_PATIENCE, work).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Answer::error("500 Internal Server Error", "server_error"),
        Err(_) => Answer::error("504 Gateway Timeout", "still_at_work"),
    }
}
