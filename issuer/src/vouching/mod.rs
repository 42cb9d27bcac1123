//! Whether an edge vouches for a request (DESIGN §5): an attestation is verified, and taken once.
//!
//! *Once* is asked of what may change something: not of GET, HEAD and OPTIONS, but for the two pages that act when they are visited.
//!
//! In this order, cheapest and least telling first: its form, the certificate in it and the enrolment of whom that names, its signature, then whether it
//! is about this request, this deployment and this time, and last whether it came before ([`replay`]).
//!
//! *Once* is once a process. Issuers that share a database don't tell each other what came: that would cost each request a commit. Whoever reads the
//! traffic between edge and issuer could have another issuer do the very same request again within the minute; the same credentials, codes and Sessions,
//! of which those that matter are good once in the database. It takes the place of a proxy between the two to do that, and TLS between them to prevent it.

mod refusal;
mod replay;
#[cfg(test)]
pub(crate) mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use common::attest::{Arrived, Attestation, Unverified};
use common::clock::UnixMillis;
use common::ids::PoolId;
use ring::digest::{SHA256, digest};

pub use self::refusal::{Refusal, Refused};
use self::replay::Seen;
use crate::publish::{KnownEdge, PublishHandle};

/// A request of which all has been read.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    /// The value of `Host`.
    pub host: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// [`common::attest::digests_of_fields`].
    pub fields: [[u8; 32]; 2],
    pub body: &'a [u8],
}

/// An edge's word that counts.
#[derive(Clone, Debug)]
pub struct Vouched {
    pub edge: Arc<KnownEdge>,
    pub client: IpAddr,
    /// SHA-256 of the certificate that the client showed.
    pub certificate: Option<[u8; 32]>,
    /// The pool whose web ACL has let the request pass.
    pub web_acl: Option<PoolId>,
}

/// Verifies attestations for this process.
pub struct Verifier {
    edges: PublishHandle,
    audience: String,
    /// What was attested before this instant may have been taken by a process that is gone: since then, the public listener's port is this one's.
    since: UnixMillis,
    seen: Seen,
    /// The second in which the operator was last told of a refusal.
    told: AtomicU64,
}

impl Verifier {
    /// `None`: the deployment's authority has no key that can be named.
    pub fn new(edges: PublishHandle, since: UnixMillis) -> Option<Self> {
        let audience = edges.audience()?;
        Some(Self { edges, audience, since, seen: Seen::new(Instant::now()), told: AtomicU64::new(0) })
    }

    /// Whether another refusal belongs into the log now: one a second.
    pub fn is_to_be_told(&self, now: UnixMillis) -> bool {
        self.told.swap(now.seconds(), Ordering::Relaxed) != now.seconds()
    }

    /// Takes an attestation for this request, or says why it does not count.
    pub async fn take(&self, text: &str, request: Request<'_>, now: UnixMillis) -> Result<Vouched, Refused> {
        let unverified = Unverified::parse(text)?;
        let edge = self.edges.edge_by_certificate(unverified.certificate(), now).await?;
        let mut body = [0; 32];
        body.copy_from_slice(digest(&SHA256, request.body).as_ref());
        let verified = unverified.verify(
            &edge.key,
            &Arrived {
                edge: &edge.name,
                audience: &self.audience,
                now,
                method: request.method,
                host: request.host,
                target: request.target,
                fields: &request.fields,
                body: &body,
            },
        );
        let claims = verified.map_err(|error| Refused::of(&edge.name, error.into()))?;
        // What changes nothing may come again; whoever only reads takes no room.
        if may_change(request.method, request.target) {
            self.once(&claims).map_err(|refusal| Refused::of(&edge.name, refusal))?;
        }
        let certificate = claims.tls.and_then(|tls| tls.certificate).map(|digest| digest.0);
        Ok(Vouched { edge, client: claims.client, certificate, web_acl: claims.web_acl })
    }

    fn once(&self, claims: &Attestation<'_>) -> Result<(), Refusal> {
        if claims.made_at() < self.since {
            return Err(Refusal::BeforeStart);
        }
        self.seen.take(&claims.edge, claims.id.0, claims.made_at(), Instant::now())
    }
}

/// A visit of the authorization endpoint may make a code, one of the logout endpoint ends a session; HEAD runs what GET does.
fn may_change(method: &str, target: &str) -> bool {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    match method {
        "OPTIONS" => false,
        "GET" | "HEAD" => matches!(path, "/oauth2/authorize" | "/logout"),
        _ => true,
    }
}
