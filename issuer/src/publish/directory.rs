//! Which edge a certificate is of, for what edges say outside of the feed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::attest::EdgeKey;
use common::clock::UnixMillis;
use common::feed::FeedName;
use common::ids::{EdgeId, PoolId};
use moka::sync::Cache;
use ring::digest::{SHA256, digest};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::authority;
use super::enrolment::{self, Pools};
use super::error::StartError;
use crate::store::Store;

/// How long what was found in the database counts; as often as the feed looks an enrolment up.
const KEPT: Duration = Duration::from_secs(2);
/// Certificates that are remembered.
const MOST: u64 = 4096;

/// An edge that has joined and is not revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownEdge {
    pub name: EdgeId,
    pub key: EdgeKey,
    pools: Pools,
}

impl KnownEdge {
    /// Whether the enrolment names the pool.
    pub fn serves(&self, pool: &PoolId) -> bool {
        self.pools.allows(&FeedName::Pool(pool.clone()))
    }
}

/// Why a certificate is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    #[error("its certificate is not of this deployment, or not of this time")]
    Certificate,
    #[error("its edge was revoked, or its certificate is older than its edge's last join")]
    Revoked,
    #[error("storage is unavailable")]
    Storage,
}

/// What a certificate turned out to be.
type Found = Result<Arc<KnownEdge>, Stranger>;

/// Looks certificates up.
pub(super) struct Directory {
    verifier: Arc<dyn ClientCertVerifier>,
    /// By SHA-256 of the certificate: what had to be read from the database, and in which generation.
    found: Cache<[u8; 32], (u64, Found)>,
    /// Counts the changes of enrolments here. What was read before one counts no more after it, though it is written down later.
    generation: AtomicU64,
}

impl Directory {
    pub(super) fn new(authority: &CertificateDer<'static>) -> Result<Self, StartError> {
        let tls = |error: &dyn std::fmt::Display| StartError::Tls(error.to_string());
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone()).map_err(|error| tls(&error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let found = Cache::builder().max_capacity(MOST).time_to_live(KEPT).build();
        Ok(Self { verifier: verifier.map_err(|error| tls(&error))?, found, generation: AtomicU64::new(0) })
    }

    /// Chain, dates and use of the certificate (DER), then the enrolment of whom it names.
    pub(super) async fn find(
        &self,
        store: &Store,
        certificate: &[u8],
        now: UnixMillis,
    ) -> Result<Arc<KnownEdge>, Stranger> {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, certificate).as_ref());
        let generation = self.generation.load(Ordering::SeqCst);
        if let Some((_, found)) = self.found.get(&hash).filter(|(of, _)| *of == generation) {
            return found;
        }
        let certificate = CertificateDer::from(certificate);
        let at = UnixTime::since_unix_epoch(Duration::from_millis(now.0));
        self.verifier.verify_client_cert(&certificate, &[], at).map_err(|_| Stranger::Certificate)?;
        let (name, issued) = authority::edge_of(&certificate).ok_or(Stranger::Certificate)?;
        let key = authority::p256_key(&certificate).ok_or(Stranger::Certificate)?;
        let found = match enrolment::lookup(store, &name).await {
            Ok(Some(joined)) if issued >= joined.joined_at => {
                Ok(Arc::new(KnownEdge { name, key, pools: joined.pools }))
            }
            Ok(_) => Err(Stranger::Revoked),
            Err(_) => return Err(Stranger::Storage),
        };
        self.found.insert(hash, (generation, found.clone()));
        found
    }

    /// After a change of an enrolment.
    pub(super) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}
