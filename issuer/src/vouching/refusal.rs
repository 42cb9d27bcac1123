//! Why a request is not taken at the public listener, and how that is said.

use cognito_model::{Exception, Fault};
use common::attest::AttestError;
use common::ids::EdgeId;

use crate::publish::Stranger;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Only edges may send public requests, and none vouches for this one.
    #[error("This issuer takes public requests through its edges only.")]
    Absent,
    #[error("more than one")]
    Several,
    #[error(transparent)]
    Attestation(#[from] AttestError),
    #[error(transparent)]
    Edge(#[from] Stranger),
    #[error("its edge is not enrolled for the user pool")]
    Pool,
    /// The pool has a web ACL, and the edge knows of none; it may be behind.
    #[error("its edge has not asked the web ACL of the user pool")]
    NoWebAcl,
    /// Edge and issuer take the request for different pools'.
    #[error("its edge has asked the web ACL of another user pool")]
    OtherWebAcl,
    #[error("it came before")]
    Replayed,
    #[error("it was made before this issuer started")]
    BeforeStart,
    #[error("too many attestations within a minute")]
    Full,
}

impl Refusal {
    /// The label in `tollgate_issuer_attestations_total`.
    pub const fn metric(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Several => "several",
            Self::Attestation(error) => error.metric(),
            Self::Edge(Stranger::Certificate) => "unknown_certificate",
            Self::Edge(Stranger::Revoked) => "revoked",
            Self::Edge(Stranger::Storage) => "storage",
            Self::Pool => "wrong_pool",
            Self::NoWebAcl => "no_web_acl",
            Self::OtherWebAcl => "wrong_web_acl",
            Self::Replayed => "replayed",
            Self::BeforeStart => "before_start",
            Self::Full => "full",
        }
    }
}

/// A refusal, and the edge that signed what is refused: an operator should hear of that. Anyone may send anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub refusal: Refusal,
    pub edge: Option<EdgeId>,
}

impl Refused {
    /// Of what was signed by this edge's key.
    pub(super) fn of(edge: &EdgeId, refusal: Refusal) -> Self {
        let signed = !matches!(refusal, Refusal::Attestation(AttestError::Signature));
        Self { refusal, edge: signed.then(|| edge.clone()) }
    }
}

impl<R: Into<Refusal>> From<R> for Refused {
    /// Of nobody known.
    fn from(refusal: R) -> Self {
        Self { refusal: refusal.into(), edge: None }
    }
}

impl From<Refusal> for Fault {
    /// `ForbiddenException` is what Cognito says when a web ACL blocks a request: SDKs know it, and don't try again. What the next attempt may turn is
    /// 503 with `Retry-After`.
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Absent => Self::new(Exception::Forbidden, refusal.to_string()),
            Refusal::Edge(Stranger::Storage) | Refusal::BeforeStart | Refusal::Full | Refusal::NoWebAcl => {
                Self::unavailable(refusal)
            }
            other => Self::new(Exception::Forbidden, format!("The edge's attestation does not count: {other}.")),
        }
    }
}
