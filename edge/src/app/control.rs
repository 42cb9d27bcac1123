//! The control thread: feed, admin listener, signals, the wish to stop.

use std::net::TcpListener;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use common::clock::Clock;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::admin::{self, State};
use crate::app::exporter::Exporter;
use crate::app::handover::{Offer, Socket};
use crate::app::reload::Reload;
use crate::app::successor;
use crate::app::{Phase, Pools, Shutdown, StartError, random, upkeep};
use crate::config::{FeedSettings, TraceSettings};
use crate::feed::{self, FeedConfig, FeedHandle};
use crate::observe::Metrics;
use crate::observe::trace::Span;
use crate::uplink::Exchange;

/// How long the feed may take to save its last state at the end.
const LAST_SAVE: Duration = Duration::from_secs(1);
/// How long the last spans may take.
const LAST_EXPORT: Duration = Duration::from_secs(1);
/// How often a starting edge is asked whether it is ready.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Disk writes of the feed and of kept key sets, reloads, key files, and names that are looked up: a name server that hangs must not hold up the rest.
const BLOCKING_THREADS: usize = 16;

/// The running thread.
pub struct Control {
    phases: Receiver<Phase>,
    offers: oneshot::Sender<(Offer, Vec<Socket>)>,
    finish: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Control {
    /// Blocks until `ready` says so or the limit has passed; answers the end where it has come before.
    pub fn wait_until(&self, ready: impl Fn() -> bool, limit: Duration) -> Option<Phase> {
        let begun = Instant::now();
        while !ready() && begun.elapsed() < limit {
            match self.phases.recv_timeout(LOOK_EVERY) {
                Ok(end @ (Phase::Stopping | Phase::HandedOver)) => return Some(end),
                Err(RecvTimeoutError::Disconnected) => return Some(Phase::Stopping),
                Ok(Phase::Reloading | Phase::Serving) | Err(RecvTimeoutError::Timeout) => {}
            }
        }
        None
    }

    /// Offers the listeners to a successor from now on.
    pub fn offer(&mut self, path: &Path, sockets: Vec<Socket>) {
        match Offer::bind(path) {
            Ok(offer) => {
                let (unused, _) = oneshot::channel();
                let _ = std::mem::replace(&mut self.offers, unused).send((offer, sockets)); // no receiver: it ends already
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "no other edge will be able to take over from this one");
            }
        }
    }

    /// Blocks until the end, and tells of reloads until then.
    pub fn wait_for_end(&self, tell: &impl Fn(Phase)) -> Phase {
        loop {
            match self.phases.recv() {
                Ok(phase @ (Phase::Reloading | Phase::Serving)) => tell(phase),
                Ok(end @ (Phase::Stopping | Phase::HandedOver)) => return end,
                Err(_) => return Phase::Stopping, // the thread is gone: nothing could ask for a stop any more
            }
        }
    }

    /// Ends the feed, with its state saved, and the admin listener.
    pub fn finish(self) {
        let _ = self.finish.send(()); // no receiver: it has ended
        let _ = self.thread.join(); // a panic there has been reported by its own thread
    }
}

pub fn runtime() -> Result<Runtime, StartError> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().max_blocking_threads(BLOCKING_THREADS).build().map_err(StartError::Thread)
}

/// Takes the last good state into use and follows the issuer from when the runtime runs.
pub fn follow(
    runtime: &Runtime,
    settings: FeedSettings,
    clock: &Arc<dyn Clock>,
    pools: Pools,
    exchange: Exchange,
) -> Result<FeedHandle, StartError> {
    let _inside = runtime.enter();
    let config = FeedConfig::new(settings.issuer, settings.join_token_file, settings.state_dir);
    Ok(feed::start_reporting(config, Arc::clone(clock), Arc::new(pools), Some(exchange))?)
}

/// Starts to export spans when the runtime runs.
pub fn export(
    runtime: &Runtime,
    settings: &TraceSettings,
    spans: mpsc::Receiver<Span>,
    metrics: &Arc<Metrics>,
) -> Result<Exporter, StartError> {
    let _inside = runtime.enter();
    Ok(Exporter::start(settings, format!("{:016x}", random()?), spans, Arc::clone(metrics)))
}

/// Starts the thread.
pub fn spawn(
    runtime: Runtime,
    admin: Option<TcpListener>,
    feed: Option<FeedHandle>,
    exporter: Option<Exporter>,
    state: Arc<State>,
    reload: Arc<Reload>,
    shutdown: Shutdown,
) -> Result<Control, StartError> {
    let (tell, phases) = channel();
    let (offers, offered) = oneshot::channel();
    let (finish, finished) = oneshot::channel();
    let work = move || {
        runtime.block_on(async move {
            if shutdown.signals {
                tokio::spawn(reload_at_hangup(reload, tell.clone()));
            }
            if shutdown.replaceable {
                tokio::spawn(replace_at_signal());
            }
            tokio::spawn(upkeep::run(Arc::clone(&state.parts.picture)));
            let end = control(admin, state, shutdown, offered).await;
            if let (Phase::HandedOver, Some(feed)) = (end, &feed) {
                feed.leave_state();
            }
            let _ = tell.send(end); // no receiver: the edge was dropped without waiting
            let _ = finished.await; // the edge was dropped without waiting: end as well
            if let Some(feed) = feed {
                let _ = timeout(LAST_SAVE, feed.stop()).await; // the last regular save stands
            }
            if let Some(exporter) = exporter {
                let _ = timeout(LAST_EXPORT, exporter.stop()).await; // spans are worth no longer wait
            }
        });
    };
    let thread = thread::Builder::new().name("control".to_owned()).spawn(work).map_err(StartError::Thread)?;
    Ok(Control { phases, offers, finish, thread })
}

/// Until the end is asked for; the admin listener goes on until the runtime ends.
async fn control(
    admin: Option<TcpListener>,
    state: Arc<State>,
    mut shutdown: Shutdown,
    offered: oneshot::Receiver<(Offer, Vec<Socket>)>,
) -> Phase {
    let serving = admin.map(|listener| tokio::spawn(admin::serve(listener, state)));
    let signals = shutdown.signals;
    tokio::select! {
        () = shutdown.requested() => Phase::Stopping,
        () = terminated(), if signals => Phase::Stopping,
        () = handed_over(offered) => {
            // The successor answers on it now; who asks this process for its health would think that it is the other.
            if let Some(serving) = serving {
                serving.abort();
            }
            Phase::HandedOver
        }
    }
}

/// Resolves when a successor serves on the sockets, which are closed here then.
async fn handed_over(offered: oneshot::Receiver<(Offer, Vec<Socket>)>) {
    match offered.await {
        Ok((offer, sockets)) => offer.taken(&sockets).await,
        Err(_) => std::future::pending().await,
    }
}

/// A successor that comes to nothing is told of; this edge goes on.
async fn replace_at_signal() {
    let Ok(mut signals) = signal(SignalKind::user_defined2()) else { return };
    while signals.recv().await.is_some() {
        tracing::info!("starting a successor");
        let watch = |mut child: Child| match child.wait() {
            Ok(status) if status.success() => {}
            Ok(status) => tracing::error!(%status, "the successor ended"),
            Err(error) => tracing::error!(%error, "the successor can't be watched"),
        };
        match successor::start() {
            Ok(child) => drop(thread::Builder::new().name("successor".to_owned()).spawn(move || watch(child))),
            Err(error) => tracing::error!(%error, "no successor could be started"),
        }
    }
}

async fn terminated() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

async fn reload_at_hangup(reload: Arc<Reload>, tell: Sender<Phase>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        let _ = tell.send(Phase::Reloading); // no receiver: the edge was dropped without waiting
        let reload = Arc::clone(&reload);
        // Names are resolved and files read: not on the thread of the feed.
        match tokio::task::spawn_blocking(move || reload.run()).await {
            Ok(Ok(taken)) => tracing::info!(generation = taken.generation, "configuration reloaded"),
            Ok(Err(error)) => tracing::error!(%error, "configuration not taken; the last good one serves"),
            Err(error) => tracing::error!(%error, "the reload broke off"),
        }
        let _ = tell.send(Phase::Serving);
    }
}
