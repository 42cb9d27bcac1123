//! The control thread: feed, admin listener, signals, the wish to stop.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use common::clock::Clock;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::admin::{self, State};
use crate::app::reload::Reload;
use crate::app::{Phase, Pools, Shutdown, StartError};
use crate::config::FeedSettings;
use crate::feed::{self, FeedConfig, FeedHandle};

/// How long the feed may take to save its last state at the end.
const LAST_SAVE: Duration = Duration::from_secs(1);
/// How often a starting edge is asked whether it is ready.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Disk writes of the feed.
const BLOCKING_THREADS: usize = 2;

/// The running thread.
pub struct Control {
    phases: Receiver<Phase>,
    finish: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Control {
    /// Blocks until `ready` says so, someone asks for a stop, or the limit has passed. Answers whether to go on.
    pub fn wait_until(&self, ready: impl Fn() -> bool, limit: Duration) -> bool {
        let begun = Instant::now();
        while !ready() && begun.elapsed() < limit {
            match self.phases.recv_timeout(LOOK_EVERY) {
                Ok(Phase::Stopping) | Err(RecvTimeoutError::Disconnected) => return false,
                Ok(Phase::Reloading | Phase::Serving) | Err(RecvTimeoutError::Timeout) => {}
            }
        }
        true
    }

    /// Blocks until someone asks for a stop, and tells of reloads until then.
    pub fn wait_for_stop(&self, tell: &impl Fn(Phase)) {
        // An error means that the thread is gone: nothing could ask for a stop any more.
        while let Ok(phase @ (Phase::Reloading | Phase::Serving)) = self.phases.recv() {
            tell(phase);
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
) -> Result<FeedHandle, StartError> {
    let _inside = runtime.enter();
    let config = FeedConfig::new(settings.issuer, settings.join_token_file, settings.state_dir);
    Ok(feed::start(config, Arc::clone(clock), Arc::new(pools))?)
}

/// Starts the thread.
pub fn spawn(
    runtime: Runtime,
    admin: Option<TcpListener>,
    feed: Option<FeedHandle>,
    state: Arc<State>,
    reload: Arc<Reload>,
    shutdown: Shutdown,
) -> Result<Control, StartError> {
    let (tell, phases) = channel();
    let (finish, finished) = oneshot::channel();
    let work = move || {
        runtime.block_on(async move {
            if shutdown.signals {
                tokio::spawn(reload_at_hangup(reload, tell.clone()));
            }
            control(admin, state, shutdown, tell).await;
            let _ = finished.await; // the edge was dropped without waiting: end as well
            if let Some(feed) = feed {
                let _ = timeout(LAST_SAVE, feed.stop()).await; // the last regular save stands
            }
        });
    };
    let thread = thread::Builder::new().name("control".to_owned()).spawn(work).map_err(StartError::Thread)?;
    Ok(Control { phases, finish, thread })
}

/// Until a stop is asked for; the admin listener goes on until the runtime ends.
async fn control(admin: Option<TcpListener>, state: Arc<State>, mut shutdown: Shutdown, tell: Sender<Phase>) {
    if let Some(listener) = admin {
        tokio::spawn(admin::serve(listener, state));
    }
    let signals = shutdown.signals;
    tokio::select! {
        () = shutdown.requested() => {}
        () = terminated(), if signals => {}
    }
    let _ = tell.send(Phase::Stopping); // no receiver: the edge was dropped without waiting
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
        match reload.run() {
            Ok(generation) => tracing::info!(generation, "configuration reloaded"),
            Err(error) => tracing::error!(%error, "configuration not taken; the last good one serves"),
        }
        let _ = tell.send(Phase::Serving);
    }
}
