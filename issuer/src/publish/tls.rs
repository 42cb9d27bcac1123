//! TLS of the feed: 1.3 only, our authority only, no early data.

use std::sync::Arc;
use std::time::Duration;

use common::feed::{ALPN_FEED, ALPN_JOIN};
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{IdleTimeout, ServerConfig, TransportConfig, VarInt};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::error::StartError;

/// Nothing heard for this long ends a connection.
const IDLE: Duration = Duration::from_secs(10);
/// Bytes on their way to one edge.
const SEND_WINDOW: u64 = 4 * 1024 * 1024;
/// Bytes of an edge that wait to be read.
const RECEIVE_WINDOW: u32 = 256 * 1024;

/// A client certificate is asked for and, if shown, must be the authority's; only `tg-join/1` goes on without one.
pub(super) fn server_config(
    authority: &CertificateDer<'static>,
    identity: (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
) -> Result<ServerConfig, StartError> {
    let tls = |error: &dyn std::fmt::Display| StartError::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone()).map_err(|error| tls(&error))?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(|error| tls(&error))?;
    let mut crypto = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| tls(&error))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.0, identity.1)
        .map_err(|error| tls(&error))?;
    crypto.alpn_protocols = vec![ALPN_FEED.to_vec(), ALPN_JOIN.to_vec()];
    crypto.max_early_data_size = 0;
    // A resumed session would skip the certificate's expiry.
    crypto.send_tls13_tickets = 0;
    let crypto = QuicServerConfig::try_from(crypto).map_err(|error| tls(&error))?;
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(Arc::new(transport()?));
    config.max_incoming(256);
    Ok(config)
}

fn transport() -> Result<TransportConfig, StartError> {
    let mut transport = TransportConfig::default();
    let idle = IdleTimeout::try_from(IDLE).map_err(|error| StartError::Tls(error.to_string()))?;
    transport
        // The feed, and reports.
        .max_concurrent_bidi_streams(VarInt::from_u32(2))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(Some(idle))
        .send_window(SEND_WINDOW)
        .stream_receive_window(VarInt::from_u32(RECEIVE_WINDOW))
        .receive_window(VarInt::from_u32(RECEIVE_WINDOW));
    Ok(transport)
}
