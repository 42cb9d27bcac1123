//! Who may vouch for the servers that are asked.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Why a file has no certificate authorities.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    #[error("{0}")]
    Read(#[from] std::io::Error),
    #[error("holds no PEM certificate that can be an authority")]
    None,
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// TLS towards servers that the public authorities (Mozilla's list) vouch for, or those of a PEM file instead. HTTP/1.1 alone is spoken.
pub fn config(file: Option<&Path>) -> Result<Arc<ClientConfig>, AuthoritiesError> {
    let roots = match file {
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        Some(file) => read(&std::fs::read(file)?)?,
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read(pem: &[u8]) -> Result<RootCertStore, AuthoritiesError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.map_err(|_| AuthoritiesError::None)?)?;
    }
    if roots.is_empty() { Err(AuthoritiesError::None) } else { Ok(roots) }
}
