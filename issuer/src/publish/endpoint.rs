//! The QUIC endpoint of the feed. A restarted issuer must tell its edges at once that their connections are gone, or they would wait
//! for the idle timeout and miss revocations meanwhile: it answers their packets by a stateless reset (RFC 9000 §10.3), for which
//! the reset key outlives the process.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use quinn::{ConnectionId, ConnectionIdGenerator, Endpoint, EndpointConfig, ServerConfig};
use ring::hmac;

use crate::entropy;

const CID_BYTES: usize = 8;

/// Binds and listens.
pub fn listen(tls: ServerConfig, address: SocketAddr, reset_key: hmac::Key) -> io::Result<Endpoint> {
    let mut config = EndpointConfig::new(Arc::new(reset_key));
    config.cid_generator(|| Box::new(RandomIds));
    let runtime = quinn::default_runtime().ok_or_else(|| io::Error::other("no runtime"))?;
    Endpoint::new(config, Some(tls), UdpSocket::bind(address)?, runtime)
}

/// quinn's own ids are recognised only by the process that made them, and a packet with another's is dropped without a reset.
struct RandomIds;

impl ConnectionIdGenerator for RandomIds {
    fn generate_cid(&mut self) -> ConnectionId {
        // Ids need to differ, not to be secret: without randomness the handshake fails anyway.
        ConnectionId::new(&entropy::bytes::<CID_BYTES>().unwrap_or_default())
    }

    fn cid_len(&self) -> usize {
        CID_BYTES
    }

    fn cid_lifetime(&self) -> Option<std::time::Duration> {
        None
    }
}
