//! TLS towards clients: certificates by name, which client certificates are believed, and what a client's hello looks like.

mod certificates;
pub mod config;
pub mod fingerprint;
#[cfg(test)]
pub mod fixture;
pub mod hello;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};

pub use self::certificates::CertificateSummary;
use self::certificates::Certificates;

/// How a listener speaks TLS: files, as they are named in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Never empty. The first one is for clients that name no host, or one that no certificate has.
    pub certificates: Vec<CertificateFiles>,
    pub clients: Option<ClientCertificates>,
    pub oldest: Oldest,
}

/// PEM files: a certificate with its chain, and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// Which client certificates are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificates {
    /// PEM file of the authorities that sign them.
    pub ca: PathBuf,
    /// PEM files of revocation lists; a certificate whose authority has none here counts as not revoked.
    pub crls: Vec<PathBuf>,
    /// Whether a client without one is turned away at the handshake.
    pub required: bool,
}

/// The oldest version of TLS that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oldest {
    Tls12,
    Tls13,
}

/// What was made of the files.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Arc<ServerConfig>,
    /// In the order of the configuration.
    pub certificates: Vec<CertificateSummary>,
    /// Clients are asked for certificates.
    pub asks: bool,
}

/// Why the files can't be used: one line, with the file.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}", file = file.display())]
pub struct TlsError {
    file: PathBuf,
    problem: String,
}

impl TlsError {
    fn new(file: &Path, problem: impl ToString) -> Self {
        Self { file: file.to_owned(), problem: problem.to_string() }
    }
}

impl TlsFiles {
    /// Reads and checks every file. Session tickets are under a key of their own each time, so that none outlives the client authorities that
    /// were in force when it was made.
    pub fn load(&self) -> Result<Loaded, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificates = Certificates::load(&self.certificates, &provider)?;
        let summaries = certificates.summaries();
        let first = self.certificates.first().map_or(Path::new(""), |files| &files.cert);
        let versions: &[&'static SupportedProtocolVersion] = match self.oldest {
            Oldest::Tls12 => &[&version::TLS12, &version::TLS13],
            Oldest::Tls13 => &[&version::TLS13],
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(|error| TlsError::new(first, error))?;
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some(clients) => builder.with_client_cert_verifier(clients.verifier(provider)?),
        };
        let mut config = builder.with_cert_resolver(Arc::new(certificates));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(|error| TlsError::new(first, error))?;
        Ok(Loaded { config: Arc::new(config), certificates: summaries, asks: self.clients.is_some() })
    }
}

impl ClientCertificates {
    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in all::<CertificateDer<'static>>(&self.ca)? {
            roots.add(certificate).map_err(|error| TlsError::new(&self.ca, error))?;
        }
        let mut lists = Vec::new();
        for file in &self.crls {
            lists.extend(all::<CertificateRevocationListDer<'static>>(file)?);
        }
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .with_crls(lists)
            .allow_unknown_revocation_status();
        if !self.required {
            builder = builder.allow_unauthenticated();
        }
        builder.build().map_err(|error| TlsError::new(&self.ca, error))
    }
}

/// Everything of one kind in a PEM file; at least one.
fn all<T: PemObject>(file: &Path) -> Result<Vec<T>, TlsError> {
    let found: Vec<T> =
        T::pem_file_iter(file).and_then(Iterator::collect).map_err(|error: pem::Error| TlsError::new(file, error))?;
    if found.is_empty() { Err(TlsError::new(file, "holds no such PEM block")) } else { Ok(found) }
}

#[cfg(test)]
mod tests;
