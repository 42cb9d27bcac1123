//! A feed as an issuer serves it (DESIGN §4), without the issuer: one pool, whose keys and revocations the bench chooses.
//!
//! What an edge does under a million revocations, or while hundreds a second arrive, cannot be brought about through an issuer's
//! operations within a benchmark's time. The protocol is `common`'s own; the edge joins, verifies and resumes as it does in production.

mod authority;
mod connection;
mod log;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use common::clock::{Clock, SystemClock, UnixMillis};
use common::feed::{Change, ChangeError, JoinToken};
use common::ids::{EdgeId, InvalidId, PoolId};
use common::secret::SecretString;
use quinn::Endpoint;
use tokio::sync::{oneshot, watch};

use self::authority::Authority;
use self::log::Log;

/// Why no feed is served.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error("no certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("TLS: {0}")]
    Tls(String),
    #[error(transparent)]
    Id(#[from] InvalidId),
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error("it cannot listen: {0}")]
    Listen(#[from] io::Error),
    #[error("the random source failed")]
    Random,
}

/// Serves the feed of one pool from a thread of its own; it ends when this is dropped.
pub struct FeedIssuer {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the connections of the edges share.
struct Shared {
    authority: Authority,
    secret: SecretString,
    log: Log,
    /// Rung at every new record.
    wake: watch::Sender<u64>,
}

impl FeedIssuer {
    /// Serves `pool` on a free loopback port, from a state that already holds `changes`.
    ///
    /// # Errors
    /// When no certificate, port, thread or runtime can be had, or a change does not fit into a record.
    pub fn start(pool: PoolId, changes: impl IntoIterator<Item = Change>) -> Result<Self, FeedError> {
        let now = SystemClock.now();
        let authority = Authority::new(now)?;
        let config = authority.server_config(now)?;
        let log = Log::new(pool, now)?;
        log.append(changes, now)?;
        let secret = SecretString::new(uuid::Uuid::new_v4().to_string());
        let shared = Arc::new(Shared { authority, secret, log, wake: watch::Sender::new(0) });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let endpoint = {
            let _entered = runtime.enter();
            Endpoint::server(config, (Ipv4Addr::LOCALHOST, 0).into())?
        };
        let address = endpoint.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let serving = shared.clone();
        let thread = std::thread::Builder::new().name("bench-feed".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = connection::accept(&endpoint, serving) => {}
                }
                endpoint.close(0_u32.into(), b"the bench ends");
                endpoint.wait_idle().await;
            });
        })?;
        Ok(Self { shared, address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where edges find it, `host:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The text that lets an edge in, under this name.
    ///
    /// # Errors
    /// When the name is none.
    pub fn join_token(&self, name: &str) -> Result<SecretString, FeedError> {
        let (secret, issuer) = (self.shared.secret.clone(), self.address.to_string());
        let token = JoinToken { name: EdgeId::parse(name)?, secret, issuer, ca: self.shared.authority.pin() };
        Ok(token.to_text())
    }

    /// Tells every edge. On return the records are in the log; the edges hear of them at once.
    ///
    /// # Errors
    /// When a change does not fit into a record; those before it are told.
    pub fn publish(&self, changes: impl IntoIterator<Item = Change>, now: UnixMillis) -> Result<(), FeedError> {
        let told = self.shared.log.append(changes, now);
        self.shared.wake.send_modify(|bell| *bell = bell.wrapping_add(1));
        Ok(told?)
    }
}

impl Drop for FeedIssuer {
    fn drop(&mut self) {
        // A thread that has already ended has dropped its receiver: nothing left to stop.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
