//! The long-running roles: their runtimes, and what ends them: SIGTERM, SIGINT, or the end of the parent's pipe.

#[cfg(feature = "edge")]
use std::path::Path;

#[cfg(feature = "issuer")]
use tokio::runtime::{Builder, Runtime};

use crate::notify::{Manager, Progress};

/// A runtime for commands that wait more than they work. A machine that can't give one can't run anything.
#[cfg(feature = "issuer")]
pub fn small_runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Runs an issuer until it is told to end, then drains it.
#[cfg(feature = "issuer")]
pub fn issuer(config: issuer::Config, until_eof: bool) -> Result<(), issuer::StartError> {
    use issuer::StartError;
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(StartError::failure)?;
    runtime.block_on(async {
        let end = end(until_eof).map_err(StartError::failure)?;
        let running = issuer::start(config).await?;
        let manager = Manager::from_environment();
        manager.tell(Progress::Ready);
        end.await;
        manager.tell(Progress::Stopping);
        running.drain().await;
        Ok(())
    })
}

/// Runs an edge until it is told to end.
#[cfg(feature = "edge")]
pub fn edge(config: &Path, start: edge::Start, until_eof: bool) -> Result<(), edge::EdgeError> {
    let (handle, mut shutdown) = edge::Shutdown::at_request();
    if !until_eof {
        shutdown = shutdown.and_replaceable();
    }
    if until_eof {
        std::thread::spawn(move || {
            crate::stdin_guard::wait_for_eof();
            handle.stop();
        });
    }
    let manager = Manager::from_environment();
    let new_main = std::cell::Cell::new(start == edge::Start::TakingOver);
    edge::run(config, start, shutdown.and_at_signals(), |phase| match phase {
        edge::Phase::Serving => {
            if new_main.take() {
                manager.tell(Progress::Main(std::process::id()));
            }
            manager.tell(Progress::Ready);
        }
        edge::Phase::Reloading => manager.tell(Progress::Reloading),
        edge::Phase::Stopping => manager.tell(Progress::Stopping),
        edge::Phase::HandedOver => {} // the service goes on, in another process
    })
}

/// Resolves when the process should end. Signals are taken from the call on, not from the first poll.
#[cfg(feature = "issuer")]
fn end(until_eof: bool) -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (eof, parent) = tokio::sync::oneshot::channel::<()>();
    let guard = until_eof.then(|| {
        std::thread::spawn(move || {
            crate::stdin_guard::wait_for_eof();
            drop(eof);
        })
    });
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = parent, if guard.is_some() => {}
        }
    })
}
