//! The edge's end of the feed (DESIGN §4): joins once, connects, resumes, and hands every state and change to a [`FeedSink`].
//!
//! ```text
//! disk ─▶ Subscriber (common::feed, no I/O) ◀── QUIC ──▶ issuer
//!              └─▶ FeedSink: replace, advance, remove, fresh, alarm
//! ```
//!
//! [`start`] hands over what was on disk before it returns, so an edge serves with its last good state while the issuer is away. Everything here runs
//! as one task of the control runtime; requests never touch it.

mod client;
mod dial;
mod disk;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
mod identity;
mod join;
mod reports;
mod signed;
mod sink;
mod status;
mod tls;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use common::clock::{Clock, UnixMillis};
use common::feed::{Alarm, FeedName, Position, Serving, Subscriber};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use self::error::FeedError;
pub use self::sink::{Certified, FeedSink};
pub use self::status::{FeedProgress, FeedStatus};
use crate::uplink::Exchange;

/// `[feed]` of the edge's configuration.
#[derive(Clone, Debug)]
pub struct FeedConfig {
    /// `host:port` (UDP); empty: the address in the join token, for the join only.
    pub issuer: String,
    /// Needed until the edge has joined.
    pub join_token_file: Option<PathBuf>,
    /// Identity and last good state; made with mode 0700.
    pub state_dir: PathBuf,
    /// Age at which the certificate is renewed.
    pub renew_after: Duration,
}

impl FeedConfig {
    pub fn new(issuer: impl Into<String>, join_token_file: Option<PathBuf>, state_dir: impl Into<PathBuf>) -> Self {
        let renew_after = Duration::from_secs(24 * 3600);
        Self { issuer: issuer.into(), join_token_file, state_dir: state_dir.into(), renew_after }
    }
}

/// The running client. Dropping it stops it without a last save.
pub struct FeedHandle {
    status: watch::Receiver<FeedStatus>,
    disk: Arc<disk::Disk>,
    commands: mpsc::Sender<client::Command>,
    task: Option<JoinHandle<()>>,
}

/// Loads the last good state, hands it to `sink`, and starts to follow the issuer on the current runtime.
///
/// # Errors
/// When the state directory can't be used, or when this edge has not joined and there is no readable join token. An issuer that is away is no error: the
/// client goes on trying.
pub fn start(config: FeedConfig, clock: Arc<dyn Clock>, sink: Arc<dyn FeedSink>) -> Result<FeedHandle, FeedError> {
    start_reporting(config, clock, sink, None)
}

/// The same, and reports what comes by the exchange.
///
/// # Errors
/// As [`start`].
pub fn start_reporting(
    config: FeedConfig,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn FeedSink>,
    exchange: Option<Exchange>,
) -> Result<FeedHandle, FeedError> {
    let at = |error| FeedError::StateDir { path: config.state_dir.display().to_string(), error };
    let disk = disk::Disk::open(&config.state_dir).map_err(at)?;
    let loaded = disk.load().map_err(at)?;
    let identity = identity::Identity::load(&config.state_dir)?;
    let token = match (&identity, &config.join_token_file) {
        (Some(_), _) => None,
        (None, Some(path)) => Some(identity::read_token(path)?),
        (None, None) => return Err(FeedError::NoToken),
    };
    if loaded.damaged {
        tracing::error!(alarm = %Alarm::Disk, "feed alarm");
        sink.alarm(&Alarm::Disk);
    }
    for (feed, kept) in &loaded.restored.states {
        sink.replace(feed, &kept.state);
        sink.fresh(feed, kept.fresh_as_of);
    }
    if let Some(identity) = &identity {
        identity.tell(sink.as_ref());
    }
    let core = Subscriber::new(concat!("tollgate-edge/", env!("CARGO_PKG_VERSION")), loaded.restored);
    let (publish, status) = watch::channel(FeedStatus::of(&core, 0));
    let (commands, orders) = mpsc::channel(8);
    let disk = Arc::new(disk);
    let client = client::Client::new(config, clock, sink, Arc::clone(&disk), core, publish, exchange);
    let task = tokio::spawn(client.run(identity, token, orders));
    Ok(FeedHandle { status, disk, commands, task: Some(task) })
}

/// What [`recall`] found.
#[derive(Clone, Debug)]
pub struct Recalled {
    /// A file was damaged or written under another key; it counts for nothing.
    pub damaged: bool,
    /// Each feed, where it stands, and when it was last known to be complete by the issuer's clock.
    pub feeds: Vec<(FeedName, Position, UnixMillis)>,
}

/// Hands the last good state on disk to `sink`, and writes nothing. `None`: nothing is saved there.
pub fn recall(state_dir: &Path, sink: &dyn FeedSink) -> std::io::Result<Option<Recalled>> {
    let Some(disk) = disk::Disk::look(state_dir)? else { return Ok(None) };
    let loaded = disk.load()?;
    let mut feeds = Vec::new();
    for (feed, kept) in &loaded.restored.states {
        sink.replace(feed, &kept.state);
        sink.fresh(feed, kept.fresh_as_of);
        feeds.push((feed.clone(), kept.state.position(), kept.fresh_as_of));
    }
    Ok(Some(Recalled { damaged: loaded.damaged, feeds }))
}

/// Saves a feed as an edge does, for tests of what is recalled.
#[cfg(test)]
pub fn save(state_dir: &Path, feed: FeedName, kept: common::feed::Kept) {
    disk::Disk::open(state_dir).unwrap().save_states(&[(feed, kept)]).unwrap();
}

impl FeedHandle {
    /// How the feed is doing; changes with each heartbeat.
    pub fn status(&self) -> watch::Receiver<FeedStatus> {
        self.status.clone()
    }

    /// Tells the issuer whether this edge serves; acknowledgements say so from then on. It counts as serving until told otherwise.
    pub async fn set_serving(&self, serving: Serving) {
        let _ = self.commands.send(client::Command::Serving(serving)).await;
    }

    /// Leaves the state directory to a successor: what this edge learns from now on it does not write, and its certificate it does not renew.
    pub fn leave_state(&self) {
        self.disk.leave();
    }

    /// Says goodbye, saves, and ends.
    pub async fn stop(mut self) {
        let _ = self.commands.send(client::Command::Stop).await;
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for FeedHandle {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
