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
use std::time::{Duration, Instant};

use common::clock::{Clock, SystemClock, UnixMillis};
use common::feed::{Change, ChangeError, FeedState, JoinToken};
use common::ids::{EdgeId, InvalidId, PoolId};
use common::secret::SecretString;
use quinn::{Endpoint, ServerConfig};
use tokio::runtime::Runtime;
use tokio::sync::watch;

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
    #[error("it does not go and come as it is told")]
    Stuck,
}

/// How long the server may take to leave its port or to come back to it.
const MOVE_LIMIT: Duration = Duration::from_secs(10);
/// How long its goodbyes may take.
const FAREWELL: Duration = Duration::from_millis(300);
const POLL: Duration = Duration::from_micros(200);

/// Serves the feed of one pool from a thread of its own; it ends when this is dropped.
pub struct FeedIssuer {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Whether it is to be there; gone when it is to end.
    wanted: Option<watch::Sender<bool>>,
    /// Whether it is.
    there: watch::Receiver<bool>,
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
            Endpoint::server(config.clone(), (Ipv4Addr::LOCALHOST, 0).into())?
        };
        let address = endpoint.local_addr()?;
        let (wanted, told) = watch::channel(true);
        let (tell, there) = watch::channel(true);
        let serving = shared.clone();
        let thread = std::thread::Builder::new().name("bench-feed".into()).spawn(move || {
            let mut server = Some(Server { runtime, endpoint });
            while let Some(one) = server.take() {
                one.serve(&serving, &mut told.clone());
                tell.send_replace(false);
                server = Server::again(&config, address, &mut told.clone());
                tell.send_replace(server.is_some());
            }
        })?;
        Ok(Self { shared, address, wanted: Some(wanted), there, thread: Some(thread) })
    }

    /// Says goodbye to every edge and leaves the port, until [`FeedIssuer::come_back`]. What is published meanwhile the edges hear then.
    ///
    /// # Errors
    /// When it does not go.
    pub fn leave(&self) -> Result<(), FeedError> {
        self.be(false).map(drop)
    }

    /// Serves again, at the same address, and says since when.
    ///
    /// # Errors
    /// When it does not come.
    pub fn come_back(&self) -> Result<Instant, FeedError> {
        self.be(true)
    }

    fn be(&self, there: bool) -> Result<Instant, FeedError> {
        self.wanted.as_ref().ok_or(FeedError::Stuck)?.send_replace(there);
        let begun = Instant::now();
        while *self.there.borrow() != there {
            if begun.elapsed() > MOVE_LIMIT {
                return Err(FeedError::Stuck);
            }
            std::thread::sleep(POLL);
        }
        Ok(Instant::now())
    }

    /// All that is told, as an edge keeps it.
    ///
    /// # Errors
    /// Never: every record was made here.
    pub fn state(&self) -> Result<FeedState, FeedError> {
        let [_, pool] = self.shared.log.feeds();
        let (position, records) = self.shared.log.snapshot(&pool);
        Ok(FeedState::from_records(position, records.iter())?)
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
        drop(self.wanted.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The server from its coming to its going.
struct Server {
    runtime: Runtime,
    endpoint: Endpoint,
}

impl Server {
    /// Serves while it is wanted, and while somebody is there to want it. Then everything of it is gone, its port too: whatever an edge that does not
    /// answer would have had coming ends with the runtime.
    fn serve(self, shared: &Arc<Shared>, wanted: &mut watch::Receiver<bool>) {
        let Self { runtime, endpoint } = self;
        runtime.block_on(async {
            tokio::select! {
                _ = wanted.wait_for(|wanted| !wanted) => {}
                () = connection::accept(&endpoint, shared.clone()) => {}
            }
            endpoint.close(0_u32.into(), b"the bench's issuer leaves");
            let _ = tokio::time::timeout(FAREWELL, endpoint.wait_idle()).await;
        });
    }

    /// When it is wanted again, at this address; `None` when nobody will want it.
    fn again(config: &ServerConfig, address: SocketAddr, wanted: &mut watch::Receiver<bool>) -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let endpoint = runtime.block_on(async {
            wanted.wait_for(|wanted| *wanted).await.ok()?;
            loop {
                wanted.has_changed().ok()?; // an error: whoever wanted it is gone
                match Endpoint::server(config.clone(), address) {
                    Ok(endpoint) => return Some(endpoint),
                    Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            }
        })?;
        Some(Self { runtime, endpoint })
    }
}
