//! The control thread: admin listener, signals, the wish to stop.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::admin::{self, State};
use crate::app::{Shutdown, StartError};

/// Binds the admin listener before anything starts, so that a port in use is a clear error.
pub fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|source| StartError::Listen { address, source })
}

/// Starts the thread. The receiver gets word when the edge shall stop.
pub fn spawn(admin: Option<TcpListener>, state: Arc<State>, shutdown: Shutdown) -> Result<Receiver<()>, StartError> {
    let (stop, stopped) = channel();
    let runtime = Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
    let work = move || runtime.block_on(control(admin, state, shutdown, stop));
    thread::Builder::new().name("control".to_owned()).spawn(work).map_err(StartError::Thread)?;
    Ok(stopped)
}

async fn control(admin: Option<TcpListener>, state: Arc<State>, mut shutdown: Shutdown, stop: Sender<()>) {
    if let Some(listener) = admin {
        tokio::spawn(admin::serve(listener, Arc::clone(&state)));
    }
    if shutdown.signals {
        tokio::spawn(reload_at_hangup(state));
    }
    let signals = shutdown.signals;
    tokio::select! {
        () = shutdown.requested() => {}
        () = terminated(), if signals => {}
    }
    let _ = stop.send(()); // no receiver: the edge was dropped without waiting
    std::future::pending::<()>().await; // admin answers until the process ends
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

async fn reload_at_hangup(state: Arc<State>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        match state.reload.run() {
            Ok(generation) => tracing::info!(generation, "configuration reloaded"),
            Err(error) => tracing::error!(%error, "configuration not taken; the last good one serves"),
        }
    }
}
