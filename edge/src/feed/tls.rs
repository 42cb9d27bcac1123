//! TLS to the issuer: 1.3 only. To join, the authority is the one whose key the join token names; afterwards it is the one on disk.

use std::sync::Arc;
use std::time::Duration;

use common::feed::{ALPN_FEED, ALPN_JOIN};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, IdleTimeout, TransportConfig, VarInt};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

use super::error::FeedError;
use super::identity::Identity;

/// How often an idle connection asks whether the issuer is still there.
const KEEP_ALIVE: Duration = Duration::from_millis(250);
/// Nothing heard for this long ends a connection.
const IDLE: Duration = Duration::from_secs(10);
/// What the way to the issuer and back is taken for until it is known: the first packet is repeated after three times this, then ever later.
const FIRST_GUESS: Duration = Duration::from_millis(100);
/// Bytes that wait for this edge.
const RECEIVE_WINDOW: u32 = 8 * 1024 * 1024;

/// With the edge's certificate, to the authority that it joined.
pub(super) fn feed_config(identity: &Identity) -> Result<ClientConfig, FeedError> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(identity.ca.clone())).map_err(|error| FeedError::Tls(error.to_string()))?;
    let chain = identity.chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
    let key = PrivatePkcs8KeyDer::from(identity.key.clone()).into();
    let builder = builder()?.with_root_certificates(roots);
    finish(builder.with_client_auth_cert(chain, key).map_err(|error| FeedError::Tls(error.to_string()))?, ALPN_FEED)
}

/// Without a certificate, to the authority with this key.
pub(super) fn join_config(pin: [u8; 32]) -> Result<ClientConfig, FeedError> {
    let verifier = Arc::new(Pinned { pin, provider: provider() });
    finish(builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth(), ALPN_JOIN)
}

/// SHA-256 of a certificate's SubjectPublicKeyInfo.
pub(super) fn key_hash(certificate: &[u8]) -> Option<[u8; 32]> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    ring::digest::digest(&ring::digest::SHA256, parsed.public_key().raw).as_ref().try_into().ok()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn builder() -> Result<rustls::ConfigBuilder<rustls::ClientConfig, rustls::WantsVerifier>, FeedError> {
    rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| FeedError::Tls(error.to_string()))
}

fn finish(mut crypto: rustls::ClientConfig, alpn: &[u8]) -> Result<ClientConfig, FeedError> {
    crypto.alpn_protocols = vec![alpn.to_vec()];
    crypto.resumption = rustls::client::Resumption::disabled();
    crypto.enable_early_data = false;
    let crypto = QuicClientConfig::try_from(crypto).map_err(|error| FeedError::Tls(error.to_string()))?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    let mut transport = TransportConfig::default();
    let idle = IdleTimeout::try_from(IDLE).map_err(|error| FeedError::Tls(error.to_string()))?;
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(Some(idle))
        .initial_rtt(FIRST_GUESS)
        // A restarted issuer answers by a reset, so this bounds how long its predecessor's death goes unnoticed.
        .keep_alive_interval(Some(KEEP_ALIVE))
        .stream_receive_window(VarInt::from_u32(RECEIVE_WINDOW))
        .receive_window(VarInt::from_u32(RECEIVE_WINDOW));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

/// Trusts the certificate in the shown chain whose key has this hash, as an authority, and then verifies as usual: name, dates, use.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let unknown = || rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let authority = intermediates.iter().find(|der| key_hash(der) == Some(self.pin)).ok_or_else(unknown)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone()).build();
        verifier.map_err(|_| unknown())?.verify_server_cert(end_entity, &[], server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.2 is not spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
