//! What was learnt about one request, each set once.

use std::net::IpAddr;
use std::sync::Arc;

use crate::snapshot::identity::Identity;
use crate::snapshot::introspection::Answer;
use crate::snapshot::issuer::Issuer;

/// The facts that gates add for those after them, and for the headers and the log.
#[derive(Debug, Default)]
pub struct Facts {
    /// Set by the token gate: whose token it is, and what it says.
    pub bearer: Option<Bearer>,
    /// Brought from outside between two passes, where the first one said that it needs it: what the issuer says of this request's token.
    pub introspected: Option<Answer>,
    /// Set by the policy gate when it refuses: which policies did it, in the operator's own words, for the log.
    pub denial: Option<Arc<str>>,
}

/// What is known of the connection that a request came by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Who sends: the other end of the socket, or whom a proxy of the operator's speaks for (SECURITY.md E16).
    pub client: Option<IpAddr>,
    pub scheme: Scheme,
    /// None: the connection to the edge is plain.
    pub tls: Option<Arc<TlsFacts>>,
}

/// What a TLS handshake told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.3`.
    pub version: &'static str,
    /// `TLS13_AES_128_GCM_SHA256`.
    pub cipher: &'static str,
    /// The host that the client asked for (RFC 6066 §3).
    pub server_name: Option<Box<str>>,
    /// Verified by the listener's authorities.
    pub certificate: Option<ClientCertificate>,
}

/// The certificate by which a client has shown who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Of its DER form (RFC 8705 §3.1).
    pub sha256: [u8; 32],
    pub der: Box<[u8]>,
}

impl Connection {
    pub const UNKNOWN: Self = Self { client: None, scheme: Scheme::Http, tls: None };
}

/// How the client reached the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// A verified token and the issuer that vouches for it.
#[derive(Clone, Debug)]
pub struct Bearer {
    pub identity: Arc<Identity>,
    pub issuer: Arc<Issuer>,
}

impl Facts {
    pub fn identity(&self) -> Option<&Identity> {
        self.bearer.as_ref().map(|bearer| &*bearer.identity)
    }
}
