//! What was learnt about one request, each set once.

use std::net::IpAddr;
use std::sync::Arc;

use crate::snapshot::identity::Identity;
use crate::snapshot::issuer::Issuer;

/// The facts that gates add for those after them, and for the headers and the log.
#[derive(Debug, Default)]
pub struct Facts {
    /// Set by the token gate: whose token it is, and what it says.
    pub bearer: Option<Bearer>,
}

/// What is known of the connection that a request came by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Who sends: the other end of the socket (SECURITY.md E16).
    pub client: Option<IpAddr>,
    pub scheme: Scheme,
}

impl Connection {
    pub const UNKNOWN: Self = Self { client: None, scheme: Scheme::Http };
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
