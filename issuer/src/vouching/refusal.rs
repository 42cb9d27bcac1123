//! Why a request is not taken at the public listener, and how that is said.

use cognito_model::{Exception, Fault};
use common::attest::AttestError;

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
            Self::Replayed => "replayed",
            Self::BeforeStart => "before_start",
            Self::Full => "full",
        }
    }

    /// Whether an edge of ours said it, so that an operator should hear of it: anyone may send anything else.
    pub const fn is_of_an_edge(self) -> bool {
        !matches!(
            self,
            Self::Absent
                | Self::Several
                | Self::Attestation(
                    AttestError::Malformed(_)
                        | AttestError::Head
                        | AttestError::Type
                        | AttestError::Algorithm
                        | AttestError::Signature
                )
                | Self::Edge(Stranger::Certificate)
        )
    }
}

impl From<Refusal> for Fault {
    /// `ForbiddenException` is what Cognito says when a web ACL blocks a request: SDKs know it, and don't try again. What the next attempt may turn is
    /// 503 with `Retry-After`.
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Absent => Self::new(Exception::Forbidden, refusal.to_string()),
            Refusal::Edge(Stranger::Storage) | Refusal::BeforeStart | Refusal::Full => Self::unavailable(refusal),
            other => Self::new(Exception::Forbidden, format!("The edge's attestation does not count: {other}.")),
        }
    }
}
