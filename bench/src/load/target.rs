//! Where requests go, and by what: address, protocol, and whom to trust for TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// A server.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    /// `Host` or `:authority` of every request, with the port where it isn't the scheme's own.
    pub host: String,
    pub protocol: Protocol,
    /// Plain where there is none. HTTP/2 is then spoken from the first byte ("prior knowledge", RFC 9113 §3.3).
    pub tls: Option<Tls>,
}

impl Target {
    /// HTTP/1.1 without TLS.
    pub fn plain(address: SocketAddr, host: impl Into<String>) -> Self {
        Self { address, host: host.into(), protocol: Protocol::Http1, tls: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    /// Its name in ALPN (RFC 7301 §6), the only one that is offered.
    pub(super) fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

/// Whose certificate is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Of the public authorities, from the list that is built in.
    Public,
    /// Of the authorities in this PEM text.
    Authorities(Vec<u8>),
    /// Anyone's. For test servers that have signed their own: whoever is in between could read and change everything.
    Anyone,
}

/// Why TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{0:?} is no name of a server")]
    ServerName(String, #[source] InvalidDnsNameError),
    #[error("the file of authorities has no certificate that can be read")]
    Authorities,
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// How to set up TLS with one server; sessions are resumed where it offers that.
#[derive(Clone, Debug)]
pub struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) server_name: ServerName<'static>,
}

impl Tls {
    /// `server_name` is a DNS name or an address; the certificate must be for it, except with [`Trust::Anyone`].
    ///
    /// # Errors
    /// For a name that is none, and for authorities that can't be read.
    pub fn new(server_name: &str, trust: &Trust, protocol: Protocol) -> Result<Self, TlsError> {
        let wrong = |error| TlsError::ServerName(server_name.to_owned(), error);
        let server_name = ServerName::try_from(server_name).map_err(wrong)?.to_owned();
        let provider = Arc::new(ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let config = match roots(trust)? {
            Some(roots) => {
                let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
                config.with_webpki_verifier(verifier.map_err(|_| TlsError::Authorities)?)
            }
            None => config.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(provider))),
        };
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = vec![protocol.alpn().to_vec()];
        Ok(Self { config: Arc::new(config), server_name })
    }
}

/// `None` where nobody is to be trusted in particular.
fn roots(trust: &Trust) -> Result<Option<RootCertStore>, TlsError> {
    match trust {
        Trust::Anyone => Ok(None),
        Trust::Public => Ok(Some(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())),
        Trust::Authorities(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                roots.add(certificate.map_err(|_| TlsError::Authorities)?)?;
            }
            if roots.is_empty() { Err(TlsError::Authorities) } else { Ok(Some(roots)) }
        }
    }
}

/// Accepts every certificate, but checks that the server holds its key: else a handshake would cost less than a real one.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_authorities_are_checked_at_the_border() {
        let new = |name: &str, trust| Tls::new(name, &trust, Protocol::Http2);
        assert!(new("api.test", Trust::Public).is_ok());
        assert!(new("127.0.0.1", Trust::Anyone).is_ok());
        assert!(matches!(new("no name", Trust::Public), Err(TlsError::ServerName(..))));
        for pem in ["", "junk", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(new("api.test", Trust::Authorities(pem.into())).is_err(), "{pem:?}");
        }
    }
}
