//! Certificates by the name that a client asks for (RFC 6066 §3).

use std::collections::HashMap;
use std::sync::Arc;

use common::clock::UnixMillis;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

use crate::tls::{CertificateFiles, TlsError, all};

/// What people should know of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSummary {
    /// The DNS names in it, lower-case.
    pub names: Vec<String>,
    /// Its `notAfter`.
    pub expires: UnixMillis,
}

/// All certificates of a listener.
#[derive(Debug)]
pub struct Certificates {
    /// In the order of the configuration; never empty.
    all: Vec<(Arc<CertifiedKey>, CertificateSummary)>,
    /// `api.example.com`, or `.example.com` for `*.example.com`, to positions in `all`: an RSA and an ECDSA certificate may have one name.
    by_name: HashMap<String, Vec<usize>>,
}

impl Certificates {
    pub fn load(files: &[CertificateFiles], provider: &CryptoProvider) -> Result<Self, TlsError> {
        let mut loaded = Self { all: Vec::new(), by_name: HashMap::new() };
        for (position, files) in files.iter().enumerate() {
            let (key, summary) = load(files, provider)?;
            for name in &summary.names {
                let name = name.strip_prefix('*').unwrap_or(name).to_owned();
                loaded.by_name.entry(name).or_default().push(position);
            }
            loaded.all.push((Arc::new(key), summary));
        }
        Ok(loaded)
    }

    pub fn summaries(&self) -> Vec<CertificateSummary> {
        self.all.iter().map(|(_, summary)| summary.clone()).collect()
    }

    /// The positions for a name: its own before those of a wildcard, which stands for exactly one label (RFC 9525 §6.3).
    pub(super) fn named(&self, name: &str) -> &[usize] {
        let name = name.to_ascii_lowercase();
        let parent = || name.find('.').and_then(|dot| self.by_name.get(name.get(dot..)?));
        self.by_name.get(&name).or_else(parent).map_or(&[], Vec::as_slice)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().map_or(&[] as &[usize], |name| self.named(name));
        let candidates = named.iter().filter_map(|&position| self.all.get(position)).chain(self.all.first());
        let mut candidates = candidates.map(|(key, _)| key);
        let first = candidates.clone().next();
        let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        candidates.find(fits).or(first).cloned()
    }
}

fn load(files: &CertificateFiles, provider: &CryptoProvider) -> Result<(CertifiedKey, CertificateSummary), TlsError> {
    let chain = all::<CertificateDer<'static>>(&files.cert)?;
    let summary = chain
        .first()
        .and_then(|leaf| summary(leaf))
        .ok_or_else(|| TlsError::new(&files.cert, "the first certificate can't be read"))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| TlsError::new(&files.key, error))?;
    let key = CertifiedKey::from_der(chain, key, provider).map_err(|error| TlsError::new(&files.cert, error))?;
    Ok((key, summary))
}

fn summary(leaf: &CertificateDer<'_>) -> Option<CertificateSummary> {
    let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
    let mut names = Vec::new();
    for extension in certificate.extensions() {
        if let ParsedExtension::SubjectAlternativeName(alternatives) = extension.parsed_extension() {
            names.extend(alternatives.general_names.iter().filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
                _ => None,
            }));
        }
    }
    let expires = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
    Some(CertificateSummary { names, expires: UnixMillis::from_seconds(expires) })
}
