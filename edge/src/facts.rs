//! What was learnt about one request, each set once.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use common::dpop::Proof;
use common::jose::Thumbprint;
use common::verify::Held;
use http::HeaderValue;

use crate::rates::Moment;
use crate::snapshot::acl::{Judged, PoolJudged};
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
    /// Set by the gate of web ACLs, and carried over when it is asked again with the body that it wanted.
    pub acl: Option<Box<Judged>>,
    /// The same of the web ACL of the pool that a request to the issuer is for.
    pub pool_acl: Option<Box<PoolJudged>>,
    /// Set by the policy gate when it refuses: which policies did it, in the operator's own words, for the log.
    pub denial: Option<Arc<str>>,
    /// Set by the token gate: how the token came, and what its sender has shown.
    pub presented: Presented,
    /// Set by the gate of rate limits.
    pub limited: Limited,
}

/// What limits have said of a request. Limits go by their place in the route's list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limited {
    /// When those before the token were asked, which they are once.
    pub asked_at: Option<Moment>,
    /// Those that count it: a bit for each.
    pub counted: u32,
    /// The one that leaves least, or that has refused it.
    pub tightest: Option<Standing>,
    pub refused_by: Option<u8>,
    /// The first dry run that would have refused it.
    pub would_refuse: Option<u8>,
}

/// What is left of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub limit: u8,
    pub remaining: u32,
    /// Until more is left.
    pub wait: Duration,
}

impl Standing {
    pub fn leaves_less_than(&self, other: &Self) -> bool {
        (self.remaining, other.wait) < (other.remaining, self.wait)
    }
}

/// How a token was presented. It is kept for refused requests too: their challenges depend on it.
#[derive(Debug, Default)]
pub struct Presented {
    pub scheme: Option<TokenScheme>,
    /// A good proof that has not been used up yet.
    pub proof: Option<Proof>,
    /// The nonce to tell the client (`DPoP-Nonce`).
    pub nonce: Option<HeaderValue>,
    /// Which check a proof failed, for the log.
    pub flaw: Option<&'static str>,
}

/// The scheme in `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenScheme {
    /// RFC 6750: who has the token may use it.
    Bearer,
    /// RFC 9449 §7.1: a proof stands beside it.
    Dpop,
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
    /// Where something of the configuration asks for them.
    pub fingerprints: Option<Fingerprints>,
}

/// What the client's hello looks like ([`crate::tls`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprints {
    /// 32 hex digits.
    pub ja3: Box<str>,
    /// `t13d1516h2_8daaf6152771_e5627efa2ab1`.
    pub ja4: Box<str>,
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

    pub fn fingerprints(&self) -> Option<&Fingerprints> {
        self.tls.as_ref()?.fingerprints.as_ref()
    }

    /// The certificate that tokens may be bound to (RFC 8705 §3).
    pub fn certificate(&self) -> Option<Thumbprint> {
        let certificate = self.tls.as_ref()?.certificate.as_ref()?;
        Some(Thumbprint::new(certificate.sha256))
    }
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
    /// The sender may use it: asked at this request.
    #[expect(dead_code, reason = "that there is one is what counts: without it there is no bearer")]
    pub held: Held,
}

impl Facts {
    /// What stays when the gates are asked again: what was brought for them, and what has been counted.
    pub fn asked_again(&mut self) -> Self {
        Self {
            introspected: self.introspected.take(),
            acl: self.acl.take(),
            pool_acl: self.pool_acl.take(),
            limited: self.limited,
            ..Self::default()
        }
    }

    pub fn identity(&self) -> Option<&Identity> {
        self.bearer.as_ref().map(|bearer| &*bearer.identity)
    }
}
