//! Builds an edge from a configuration, runs it, ends it.
//!
//! Threads: pingora's (`Server::run` on a plain thread of its own, and its workers), one control thread with a small runtime
//! (admin, signals, feed), one writer of the access log. Control and workers share the picture, atomics and bounded queues only.

mod control;
mod exporter;
mod handover;
mod issuers;
mod pools;
mod reload;
mod reporting;
mod server;
mod sharer;
mod shutdown;
mod successor;
mod upkeep;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use common::clock::{Clock, SystemClock};
use pingora::connectors::TransportConnector;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::mpsc;

pub use self::pools::Pools;
pub use self::pools::acls::PoolAcls;
use self::reload::{AtStart, Reload};
use self::reporting::Reporting;
use self::sharer::Sharer;
pub use self::shutdown::{Shutdown, ShutdownHandle};
use crate::admin::{self, Configuration, State};
use crate::app::control::Control;
use crate::app::handover::{HandoverError, Socket, Taken};
use crate::app::issuers::Issuers;
use crate::attest::Slot;
use crate::challenge::{Challenges, KeyError};
use crate::config::{Config, ConfigError, TraceSettings, environment, load};
use crate::feed::{FeedError, FeedHandle};
use crate::front::Reception;
use crate::gateway::{Bodies, Gateway, InFlight, RequestIds};
use crate::observe::trace::{Span, Tracer};
use crate::observe::{AccessLog, Lines, Metrics};
use crate::rates::Limits;
use crate::replay::Replay;
use crate::sign_in::{SignInError, SignIns};
use crate::snapshot::picture::Picture;
use crate::takeover::Watch;
use crate::uplink::{self, Exchange, Uplink};

/// How long a started edge may take to get keys and news of revocations before it says that it serves all the same: its issuer may be away for
/// long, and routes without a token do not mind.
const READY_TIME: Duration = Duration::from_secs(30);
/// Connections that were just accepted become requests within this time after the listeners closed.
const SETTLE_TIME: Duration = Duration::from_millis(50);

/// Why an edge does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("listening on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("the feed: {0}")]
    Feed(#[from] FeedError),
    #[error("taking over: {0}")]
    Handover(#[from] HandoverError),
    #[error("the log: {0}")]
    Log(String),
    #[error("starting a thread: {0}")]
    Thread(io::Error),
    #[error("the key of challenges: {0}")]
    Challenge(#[from] KeyError),
    #[error("the keys of sign-in {0}")]
    SignIn(#[from] SignInError),
    #[error("the operating system gave no random bytes")]
    Random,
}

/// How far a running edge is, for whoever supervises it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The listeners accept, and everything that routes need has come, or has not come for 30 s.
    Serving,
    /// The configuration is being read again, at a SIGHUP; `Serving` follows, whether or not it was taken.
    Reloading,
    /// A stop was asked for: requests in flight end.
    Stopping,
    /// Another process serves on the listeners: requests in flight end.
    HandedOver,
}

/// How an edge comes by its listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Fresh,
    /// From the edge that runs on the same folder, which drains when this one serves.
    TakingOver,
}

/// A started edge: it serves until [`Running::wait`] has returned.
pub struct Running {
    state: Arc<State>,
    control: Control,
    drain: tokio::sync::watch::Sender<bool>,
    in_flight: InFlight,
    drain_limit: Duration,
    /// The edge from which this one takes over, until it does.
    taken: Option<Taken>,
    /// Where a successor may ask for the listeners.
    offer: Option<(PathBuf, Vec<Socket>)>,
}

/// Starts the edge that the file describes. When this returns, its listeners accept.
pub fn start(file: &Path, start: Start, shutdown: Shutdown) -> Result<Running, StartError> {
    start_with(file, start, shutdown, Arc::new(SystemClock), io::stderr())
}

/// The same with another clock and another place for the access log.
pub fn start_with(
    file: &Path,
    start: Start,
    shutdown: Shutdown,
    clock: Arc<dyn Clock>,
    log: impl io::Write + Send + 'static,
) -> Result<Running, StartError> {
    let metrics = Arc::new(Metrics::default());
    let config = load(file, &environment(), &metrics)?;
    let taken = listeners_of_another(start, config.listen.places.upgrade.as_deref())?;
    let picture = Arc::new(Picture::new(config.verdict_bytes));
    let runtime = control::runtime()?;
    let issuers = Arc::new(Issuers::new(&runtime, &picture, &clock, &metrics, config.state_dir.clone()));
    let log_file = reload::opened(&config.log).map_err(StartError::Log)?;
    let dropped = metrics.log_lines_dropped.clone();
    let log = AccessLog::start(config.log.rules, log_file, dropped, log).map_err(StartError::Thread)?;
    let waf_file = reload::opened_waf_log(config.waf_log.as_ref()).map_err(StartError::Log)?;
    let dropped = metrics.waf_log_lines_dropped.clone();
    let waf_log = Lines::start("waf-log", waf_file, dropped, io::sink()).map_err(StartError::Thread)?;
    let (tracer, spans) = config.trace.as_ref().map(|settings| tracer(settings, &metrics)).transpose()?.unzip();
    let in_flight = InFlight::default();
    let replay = Replay::bounded(config.replay_bytes, metrics.replay_proofs.clone());
    let limit_bytes = usize::try_from(config.limits.memory).unwrap_or(usize::MAX);
    let limits = Arc::new(Limits::bounded(limit_bytes, secret()?, secret()?, Instant::now()));
    let challenges = Arc::new(Challenges::new(config.challenge.clone(), metrics.challenges.clone())?);
    let sign_ins =
        SignIns::new(runtime.handle().clone(), Arc::clone(&clock), Arc::clone(&picture), metrics.sign_ins.clone());
    sign_ins.configure(config.routes.sign_ins.iter().map(|at| &at.sign_in))?;
    let sign_ins = Arc::new(sign_ins);
    let attester = Arc::new(Slot::default());
    let sharer = Arc::new(Sharer::new(config.limits.scope.clone(), &limits, &metrics, random()?));
    let (uplink, exchange) = uplink::open(sharer.clone(), metrics.uplink.clone());
    let gateway = Gateway {
        picture: Arc::clone(&picture),
        clock: Arc::clone(&clock),
        metrics: Arc::clone(&metrics),
        log: log.clone(),
        waf_log: waf_log.clone(),
        tracer,
        in_flight: in_flight.clone(),
        connector: TransportConnector::new(None),
        replay,
        limits: Arc::clone(&limits),
        challenges: Arc::clone(&challenges),
        watch: Watch::new(&secret()?),
        realm: config.listen.places.realm.clone(),
        request_ids: RequestIds::new(random()?),
        introspector: issuers.introspector(),
        sign_ins: Arc::clone(&sign_ins),
        attester: Arc::clone(&attester),
        bodies: Bodies::default(),
    };
    let reception = Arc::new(ArcSwap::from_pointee(server::reception(&config)));
    let acls = PoolAcls::new(Arc::clone(&picture), Arc::clone(&metrics), config.acl_terms.clone());
    let acls = Arc::new(acls);
    let reload = Arc::new(Reload {
        file: file.to_owned(),
        picture: Arc::clone(&picture),
        metrics: Arc::clone(&metrics),
        clock: Arc::clone(&clock),
        log,
        waf_log,
        reception: Arc::clone(&reception),
        issuers: Arc::clone(&issuers),
        challenges,
        sign_ins,
        acls: Arc::clone(&acls),
        limits: Arc::clone(&limits),
        at_start: AtStart::of(&config),
        history: Mutex::default(),
        one_at_a_time: Mutex::default(),
    });
    let parts = Parts {
        gateway,
        picture,
        metrics,
        clock,
        in_flight,
        limits,
        reception,
        reload,
        spans,
        runtime,
        issuers,
        attester,
        acls,
        uplink,
        exchange,
        sharer,
    };
    launch(config, parts, taken, shutdown)
}

/// Reads and validates a configuration and every file that it names, and starts nothing. Answers what should be looked at in it.
pub fn check(file: &Path) -> Result<Vec<String>, StartError> {
    Ok(load(file, &environment(), &Metrics::default())?.routes.warnings)
}

/// Starts the edge and blocks until it has been asked to stop and has drained. Never call it inside a tokio runtime.
pub fn run_blocking(file: &Path, how: Start, shutdown: Shutdown, tell: impl Fn(Phase)) -> Result<(), StartError> {
    start(file, how, shutdown)?.wait_telling(tell)
}

/// The edge to take over from. Two edges on one folder would write over each other's state, so a second one starts in no other way.
fn listeners_of_another(start: Start, upgrade: Option<&Path>) -> Result<Option<Taken>, HandoverError> {
    match (start, upgrade) {
        (Start::TakingOver, Some(path)) => Taken::from(path).map(Some),
        (Start::TakingOver, None) => Err(HandoverError::NoPlace),
        (Start::Fresh, Some(path)) if handover::is_occupied(path) => {
            Err(HandoverError::Occupied { path: path.to_owned() })
        }
        (Start::Fresh, _) => Ok(None),
    }
}

struct Parts {
    gateway: Gateway,
    picture: Arc<Picture>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    in_flight: InFlight,
    limits: Arc<Limits>,
    reception: Arc<ArcSwap<Reception>>,
    reload: Arc<Reload>,
    runtime: tokio::runtime::Runtime,
    issuers: Arc<Issuers>,
    spans: Option<mpsc::Receiver<Span>>,
    attester: Arc<Slot>,
    acls: Arc<PoolAcls>,
    uplink: Uplink,
    exchange: Exchange,
    sharer: Arc<Sharer>,
}

fn launch(config: Config, parts: Parts, mut taken: Option<Taken>, shutdown: Shutdown) -> Result<Running, StartError> {
    parts.reload.begins_with(&config);
    let Config { listen, feed, routes, issuers, trace, .. } = config;
    reload::warn(&routes.warnings);
    parts.limits.share(reload::shared_quotas(&routes));
    let generation = parts.picture.configure(routes, issuers);
    parts.metrics.configured(generation, parts.clock.now());
    // With what is kept on disk; nothing is fetched before the runtime runs.
    parts.issuers.follow();
    let drain_limit = listen.places.drain;
    let sockets = server::sockets(&listen.places, taken.as_mut())?;
    let admin = listen.places.admin.map(|address| server::socket(address, taken.as_mut())).transpose()?;
    let runtime = parts.runtime;
    let (picture, metrics) = (Arc::clone(&parts.picture), Arc::clone(&parts.metrics));
    let pools = Pools::new(picture, metrics, parts.attester, parts.acls);
    let pools = pools.with_challenges(Arc::clone(&parts.reload.challenges)).with_limits(Arc::clone(&parts.limits));
    let feed =
        feed.map(|settings| control::follow(&runtime, settings, &parts.clock, pools, parts.exchange)).transpose()?;
    if feed.is_some() {
        let (picture, limits) = (Arc::clone(&parts.picture), Arc::clone(&parts.limits));
        runtime.spawn(reporting::run(Reporting { picture, limits, uplink: parts.uplink.clone() }));
        runtime.spawn(parts.sharer.run(parts.uplink));
    }
    let exporter = match trace.as_ref().zip(parts.spans) {
        Some((settings, spans)) => Some(control::export(&runtime, settings, spans, &parts.metrics)?),
        None => None,
    };
    let configuration: Arc<dyn Configuration> = parts.reload.clone();
    let state = Arc::new(State::new(admin::Parts {
        picture: parts.picture,
        metrics: Arc::clone(&parts.metrics),
        clock: parts.clock,
        in_flight: parts.in_flight.clone(),
        limits: parts.limits,
        feed: feed.as_ref().map(FeedHandle::status),
        configuration,
        token: listen.places.admin_token.clone(),
    }));
    let (drain, drained) = tokio::sync::watch::channel(false);
    let front = server::FrontParts {
        gateway: parts.gateway,
        reception: parts.reception,
        in_flight: parts.in_flight.clone(),
        metrics: parts.metrics,
    };
    server::spawn(&listen.places, &sockets, front, drained)?;
    state.listening();
    // Only now the feed's runtime runs: an issuer that sees this edge ready may send people to it.
    let offer = listen.places.upgrade.map(|path| (path, offered(&sockets, admin.as_ref())));
    let control = control::spawn(runtime, admin, feed, exporter, Arc::clone(&state), parts.reload, shutdown)?;
    Ok(Running { state, control, drain, in_flight: parts.in_flight, drain_limit, taken, offer })
}

impl Running {
    /// What is known and served; the feed writes to it.
    pub fn picture(&self) -> &Arc<Picture> {
        &self.state.parts.picture
    }

    /// Blocks until a stop is asked for and what was in flight is done, or the limit has passed.
    pub fn wait(self) -> Result<(), StartError> {
        self.wait_telling(|_| ())
    }

    /// The same, and tells each phase as it begins.
    pub fn wait_telling(mut self, tell: impl Fn(Phase)) -> Result<(), StartError> {
        let started = match self.control.wait_until(|| self.state.is_ready(), READY_TIME) {
            Some(end) => Ok(end),
            None => self.take_over().map(|()| {
                if let Some((path, sockets)) = self.offer.take() {
                    self.control.offer(&path, sockets);
                }
                tell(Phase::Serving);
                self.control.wait_for_end(&tell)
            }),
        };
        tell(*started.as_ref().unwrap_or(&Phase::Stopping));
        self.end();
        started.map(drop)
    }

    /// Tells the edge whose listeners these are that it may go.
    fn take_over(&mut self) -> Result<(), StartError> {
        let Some(taken) = self.taken.take() else { return Ok(()) };
        let reasons = self.state.unready();
        if !reasons.is_empty() {
            return Err(HandoverError::NotReady { seconds: READY_TIME.as_secs(), reasons }.into());
        }
        Ok(taken.confirm()?)
    }

    fn end(self) {
        self.state.draining();
        let begun = Instant::now();
        let _ = self.drain.send(true); // no receiver: pingora has ended already
        thread::sleep(SETTLE_TIME);
        while self.in_flight.count() > 0 && begun.elapsed() < self.drain_limit {
            thread::sleep(Duration::from_millis(5));
        }
        self.control.finish();
    }
}

/// Copies of all sockets, for a successor. One that can't be copied it has to bind itself.
fn offered(sockets: &[Socket], admin: Option<&TcpListener>) -> Vec<Socket> {
    let all = sockets.iter().map(|socket| &socket.listener).chain(admin);
    let copy = |listener: &TcpListener| {
        Some(Socket { address: listener.local_addr().ok()?, listener: listener.try_clone().ok()? })
    };
    all.filter_map(copy).collect()
}

/// What makes traces, and where their spans come out.
fn tracer(settings: &TraceSettings, metrics: &Metrics) -> Result<(Tracer, mpsc::Receiver<Span>), StartError> {
    let (spans, queue) = mpsc::channel(exporter::QUEUE);
    let seeds = [random()?, random()?, random()?];
    let dropped = metrics.spans_dropped.clone();
    Ok((Tracer::new(settings.ratio, settings.accept, seeds, spans, dropped), queue))
}

fn secret<const BYTES: usize>() -> Result<[u8; BYTES], StartError> {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| StartError::Random)?;
    Ok(bytes)
}

fn random() -> Result<u64, StartError> {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).map_err(|_| StartError::Random)?;
    Ok(u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests;
