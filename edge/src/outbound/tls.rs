//! Who may vouch for the servers that the edge asks.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// The certificate authorities of a client: the public ones (Mozilla's list), or those of a file instead.
#[derive(Clone)]
pub struct Authorities {
    roots: Arc<RootCertStore>,
    config: ClientConfig,
}

/// Why there are no authorities.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthoritiesError {
    #[error("{0}")]
    Read(String),
    #[error("holds no PEM certificate")]
    Empty,
    #[error("holds a certificate that cannot be an authority: {0}")]
    Refused(String),
}

impl Authorities {
    pub fn public() -> Result<Self, AuthoritiesError> {
        Self::new(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    /// Those in a PEM file, and no others.
    pub fn read(file: &Path) -> Result<Self, AuthoritiesError> {
        let text = std::fs::read(file).map_err(|error| AuthoritiesError::Read(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&text) {
            let certificate = certificate.map_err(|error| AuthoritiesError::Read(error.to_string()))?;
            roots.add(certificate).map_err(|error| AuthoritiesError::Refused(error.to_string()))?;
        }
        if roots.is_empty() { Err(AuthoritiesError::Empty) } else { Self::new(roots) }
    }

    pub(super) fn client_config(&self) -> ClientConfig {
        self.config.clone()
    }

    fn new(roots: RootCertStore) -> Result<Self, AuthoritiesError> {
        let roots = Arc::new(roots);
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| AuthoritiesError::Refused(error.to_string()))?
            .with_root_certificates(Arc::clone(&roots))
            .with_no_client_auth();
        Ok(Self { roots, config })
    }
}

impl PartialEq for Authorities {
    fn eq(&self, other: &Self) -> bool {
        self.roots.roots == other.roots.roots
    }
}

impl Eq for Authorities {}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.roots.len())
    }
}
