//! Serves the feed to edges over QUIC (DESIGN §4): enrolment, certificates, and one [`Publisher`](common::feed::Publisher) a connection.
//!
//! ```text
//! commit ── Wake::ring ─▶ hub: heads, new records ─▶ every connection's core ─▶ delta
//! ```
//!
//! The right of an edge to read is looked up when it connects, and every two seconds after. Its certificate must be of our authority, unexpired,
//! and not older than the edge's last join.

mod authority;
mod connection;
mod counters;
pub mod deployment_keys;
mod directory;
pub mod edges;
mod endpoint;
mod enrolment;
mod error;
mod hub;
mod join;
mod registry;
mod reports;
mod sealing;
mod shared;
#[cfg(test)]
pub(crate) mod tests;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use common::clock::{Clock, UnixMillis};
use common::feed::{ALPN_FEED, ALPN_JOIN, FeedName, JoinToken, KeyUsage};
use common::ids::EdgeId;
use quinn::crypto::rustls::HandshakeData;
use quinn::{Connection, Endpoint, Incoming};
use rustls_pki_types::CertificateDer;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

pub use self::authority::EDGE_LIFE;
pub use self::deployment_keys::{KeyView, KeysError, Old};
pub use self::directory::{KnownEdge, Stranger};
pub use self::enrolment::{JOIN_TOKEN_LIFE, Pools};
pub use self::error::{EdgeError, StartError};
pub use self::registry::EdgeStatus;
use self::registry::{CLOSE_DRAIN, CLOSE_PROTOCOL, CLOSE_REVOKED};
pub use self::reports::Receiver;
pub use self::sealing::{DeploymentSealing, Sealing};
use self::shared::Shared;
use crate::outbox::{self, Wake};
use crate::store::{Batch, Store};

/// Handshakes, and joins, at the same time.
const MAX_HANDSHAKES: usize = 128;
const PRUNE_EVERY: Duration = Duration::from_secs(600);
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// Where the feed listens.
#[derive(Clone, Debug)]
pub struct PublishConfig {
    /// UDP.
    pub listen: SocketAddr,
    /// `host:port` under which edges reach it; empty: what it listens on.
    pub advertise: String,
}

/// The running server. Dropping it stops it hard; [`Running::drain`] says goodbye first.
pub struct Running {
    handle: PublishHandle,
    endpoint: Endpoint,
    tasks: Vec<JoinHandle<()>>,
}

/// What the rest of the issuer uses.
#[derive(Clone)]
pub struct PublishHandle {
    shared: Arc<Shared>,
}

/// Makes or reads the authority, makes the global feed if there is none, and listens.
pub async fn start(
    store: Store,
    clock: Arc<dyn Clock>,
    config: PublishConfig,
    sealing: Arc<dyn Sealing>,
    wake: Wake,
) -> Result<Running, StartError> {
    let now = clock.now();
    let mut batch = Batch::new();
    batch.add(outbox::ensure(&FeedName::Global, now));
    store.commit(batch).await?;
    let authority = authority::Authority::load(&store, sealing.as_ref(), now).await?;
    for usage in KeyUsage::ALL {
        deployment_keys::ensure(&store, sealing.as_ref(), usage, now).await?;
    }
    let tls = tls::server_config(authority.certificate(), authority.issuer_identity(now)?)?;
    let endpoint = endpoint::listen(tls, config.listen, sealing.reset_key()).map_err(StartError::Listen)?;
    let local = endpoint.local_addr().map_err(StartError::Listen)?;
    let advertise = if config.advertise.is_empty() { local.to_string() } else { config.advertise };
    let hub = Arc::new(hub::Hub::new(store.clone(), clock.clone(), wake.clone(), sealing.clone()));
    let certificate = authority.certificate().clone();
    let shared = Arc::new(Shared {
        store,
        clock,
        authority,
        directory: directory::Directory::new(&certificate)?,
        hub: hub.clone(),
        registry: registry::Registry::default(),
        receivers: reports::Receivers::default(),
        counters: counters::Counters::new(),
        sealing,
        wake,
        advertise,
    });
    let tasks = vec![
        tokio::spawn(hub.run()),
        tokio::spawn(accept(endpoint.clone(), shared.clone())),
        tokio::spawn(prune(shared.clone())),
    ];
    Ok(Running { handle: PublishHandle { shared }, endpoint, tasks })
}

impl Running {
    pub fn handle(&self) -> PublishHandle {
        self.handle.clone()
    }

    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Closes every connection, so that edges go elsewhere at once, and waits until they know, at most `limit`.
    pub async fn drain(mut self, limit: Duration) {
        self.endpoint.close(CLOSE_DRAIN, b"the issuer is shutting down");
        let _ = tokio::time::timeout(limit, self.endpoint.wait_idle()).await;
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            let _ = task.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.endpoint.close(CLOSE_DRAIN, b"the issuer is shutting down");
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl PublishHandle {
    /// The connected edges, a status for each connection.
    pub fn edges(&self) -> Vec<EdgeStatus> {
        self.shared.registry.statuses()
    }

    /// Whether each of these edges is connected and serves with everything in force.
    pub fn all_ready(&self, names: &[EdgeId]) -> bool {
        let statuses = self.edges();
        names.iter().all(|name| statuses.iter().any(|status| status.edge == *name && status.ready))
    }

    /// Enrols an edge for these pools, or again for others: a token good for one join within 15 minutes.
    pub async fn enrol(&self, name: EdgeId, pools: &Pools) -> Result<JoinToken, EdgeError> {
        let shared = &self.shared;
        let ca = shared.authority.pin().ok_or(EdgeError::Storage)?;
        let secret = enrolment::enrol(&shared.store, &name, pools, shared.clock.now()).await?;
        shared.directory.forget();
        Ok(JoinToken { name, secret, issuer: shared.advertise.clone(), ca })
    }

    /// Voids an edge's certificates and closes its connections: here at once, at other issuers within two seconds.
    pub async fn revoke_edge(&self, name: &EdgeId) -> Result<(), EdgeError> {
        enrolment::revoke(&self.shared.store, name, self.shared.clock.now()).await?;
        self.shared.directory.forget();
        self.shared.registry.close(name);
        Ok(())
    }

    /// The keys that edges share for one use, the newest first.
    pub async fn keys(&self, usage: KeyUsage) -> Result<Vec<KeyView>, KeysError> {
        deployment_keys::list(&self.shared.store, usage).await
    }

    /// Makes a key that edges share from when they have it, in the place of the one before.
    pub async fn rotate_key(&self, usage: KeyUsage, old: Old) -> Result<(), KeysError> {
        let shared = &self.shared;
        deployment_keys::rotate(&shared.store, shared.sealing.as_ref(), usage, old, shared.clock.now()).await?;
        shared.wake.ring();
        Ok(())
    }

    /// Hands what edges report to this, too, from now on.
    pub fn report_to(&self, receiver: Arc<dyn Receiver>) {
        self.shared.receivers.add(receiver);
    }

    /// The audience of attestations for this deployment.
    pub fn audience(&self) -> Option<String> {
        self.shared.authority.pin().map(|pin| common::attest::audience(&pin))
    }

    /// The edge that a certificate (DER) is of. A change of its enrolment counts here at once, at other issuers within two seconds.
    ///
    /// # Errors
    /// When no edge of this deployment may show the certificate, or storage is away.
    pub async fn edge_by_certificate(&self, certificate: &[u8], now: UnixMillis) -> Result<Arc<KnownEdge>, Stranger> {
        self.shared.directory.find(&self.shared.store, certificate, now).await
    }

    /// Enrolled and joined, without the wire: a certificate (DER) and its key.
    #[cfg(test)]
    pub(crate) async fn admit(&self, name: &EdgeId, pools: &Pools, at: UnixMillis) -> (Vec<u8>, rcgen::KeyPair) {
        let shared = &self.shared;
        let secret = enrolment::enrol(&shared.store, name, pools, at).await.unwrap();
        assert!(enrolment::redeem(&shared.store, name, &secret, at).await.unwrap());
        shared.directory.forget();
        let key = rcgen::KeyPair::generate().unwrap();
        let wish = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap().serialize_request(&key).unwrap();
        (shared.authority.sign_edge(name, wish.der(), at).unwrap().to_vec(), key)
    }
}

/// Keeps the log short. Several issuers may do so at once.
async fn prune(shared: Arc<Shared>) {
    let mut due = tokio::time::interval(PRUNE_EVERY);
    loop {
        due.tick().await;
        let ended = deployment_keys::prune(&shared.store, shared.sealing.as_ref(), shared.clock.now());
        if let Err(error) = ended.await {
            tracing::warn!(%error, "keys of the deployment that have ended were not taken away");
        }
        let Ok(heads) = shared.hub.fresh_heads().await else { continue };
        for feed in heads.heads.keys() {
            let mut batch = Batch::new();
            batch.extend(outbox::prune(feed, shared.clock.now()));
            if let Err(error) = shared.store.commit(batch).await {
                tracing::warn!(%feed, %error, "the feed's log was not pruned");
            }
        }
    }
}

async fn accept(endpoint: Endpoint, shared: Arc<Shared>) {
    let slots = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    while let Some(incoming) = endpoint.accept().await {
        // An address proves itself before it costs us a signature, or gets more than it has sent: quinn's own bound for a handshake is three times
        // that and up to a packet more (RFC 9000 §8.1). Edges connect seldom; a round trip is little to them.
        if !incoming.remote_address_validated() {
            let _ = incoming.retry();
            continue;
        }
        let Ok(slot) = slots.clone().try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            let greeted = greet(incoming, &shared).await;
            drop(slot);
            if let Some((edge, joined, connection)) = greeted {
                connection::serve(shared, edge, joined, connection).await;
            }
        });
    }
}

/// The handshake, and who it is. Joins are done in here.
async fn greet(incoming: Incoming, shared: &Shared) -> Option<(EdgeId, enrolment::Joined, Connection)> {
    let connecting = incoming.accept().ok()?;
    let connection = tokio::time::timeout(HANDSHAKE_WITHIN, connecting).await.ok()?.ok()?;
    match protocol(&connection).as_deref() {
        Some(ALPN_JOIN) => {
            join::serve(shared, connection).await;
            None
        }
        Some(ALPN_FEED) => {
            let Some((edge, issued)) = peer(&connection) else {
                connection.close(CLOSE_PROTOCOL, b"a client certificate is needed");
                return None;
            };
            match enrolment::lookup(&shared.store, &edge).await {
                Ok(Some(joined)) if issued >= joined.joined_at => Some((edge, joined, connection)),
                Ok(_) => {
                    tracing::warn!(%edge, "an edge that is revoked, or an older certificate of one, was refused");
                    connection.close(CLOSE_REVOKED, b"this edge was revoked");
                    None
                }
                Err(_) => {
                    connection.close(CLOSE_DRAIN, b"storage is unavailable");
                    None
                }
            }
        }
        _ => None,
    }
}

fn protocol(connection: &Connection) -> Option<Vec<u8>> {
    connection.handshake_data()?.downcast::<HandshakeData>().ok()?.protocol
}

fn peer(connection: &Connection) -> Option<(EdgeId, UnixMillis)> {
    let chain = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    authority::edge_of(chain.first()?)
}
