//! Who may ask the edge to stop.

use tokio::sync::watch;

/// What the edge watches. It stops at the first request, from whichever side it comes.
#[derive(Debug)]
pub struct Shutdown {
    requested: watch::Receiver<bool>,
    /// Keeps the channel open when no handle is wanted.
    _own: Option<ShutdownHandle>,
    pub(super) signals: bool,
    /// SIGUSR2 starts a successor.
    pub(super) replaceable: bool,
}

/// Asks for the stop: at the end of a pipe, after a test, from another signal.
#[derive(Clone, Debug)]
pub struct ShutdownHandle(watch::Sender<bool>);

impl Shutdown {
    /// Stops at SIGTERM and SIGINT.
    pub fn at_signals() -> Self {
        let (handle, mut shutdown) = Self::at_request();
        shutdown._own = Some(handle);
        shutdown.and_at_signals()
    }

    /// Stops when the handle says so.
    pub fn at_request() -> (ShutdownHandle, Self) {
        let (sender, requested) = watch::channel(false);
        (ShutdownHandle(sender), Self { requested, _own: None, signals: false, replaceable: false })
    }

    /// Stops at SIGTERM and SIGINT, too.
    pub fn and_at_signals(mut self) -> Self {
        self.signals = true;
        self
    }

    /// At SIGUSR2, starts the program that is installed at our own path, which takes over. Not for an edge whose parent restarts it.
    pub fn and_replaceable(mut self) -> Self {
        self.replaceable = true;
        self
    }

    /// Resolves at the request. A handle that is dropped without one asks for nothing.
    pub(super) async fn requested(&mut self) {
        if self.requested.wait_for(|requested| *requested).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl ShutdownHandle {
    pub fn stop(&self) {
        let _ = self.0.send(true); // no receiver: it has stopped
    }
}
