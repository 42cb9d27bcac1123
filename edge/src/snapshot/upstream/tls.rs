//! What TLS towards servers needs, ready for use: nothing is read or parsed at a request.

use std::sync::Arc;

use pingora::protocols::tls::CaType;
use pingora::utils::tls::CertKey;

/// TLS towards the servers of an upstream.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Whom the certificate must name, and what SNI says; `None`: the server, as it stands in the list of servers.
    pub server_name: Option<Arc<str>>,
    /// The roots; `None`: those of the system.
    pub ca: Option<Arc<CaType>>,
    /// The edge's own certificate and key.
    pub identity: Option<Arc<CertKey>>,
    /// Whether certificate and name are checked at all.
    pub verify: bool,
    /// SHA-256 of all of that, files included, cut to 64 bits: pooled connections are shared by equal ones only. (pingora's own key
    /// leaves out the roots, and knows a client certificate by its serial number.)
    pub fingerprint: u64,
}
