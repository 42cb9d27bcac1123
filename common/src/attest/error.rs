//! Why an attestation does not count.

use crate::jose::JwsError;
use crate::jose::json::JsonError;

/// Each claim that is wrong has its own reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestError {
    #[error("no compact JWS: {0}")]
    Malformed(JwsError),
    #[error("another header than alg, typ and x5c with one certificate")]
    Head,
    #[error("its typ is another")]
    Type,
    #[error("its alg is not ES256")]
    Algorithm,
    #[error("its signature is not the certificate's")]
    Signature,
    #[error("a claim is missing, unknown or out of bounds")]
    Claims,
    #[error("it names another edge than its certificate")]
    Edge,
    #[error("it is for another deployment")]
    Audience,
    #[error("it is too old")]
    TooOld,
    #[error("it was made in the future")]
    InFuture,
    #[error("it is about another method")]
    Method,
    #[error("it is about another host")]
    Host,
    #[error("it is about another target")]
    Target,
    #[error("it is about another operation, caller or type of content")]
    Fields,
    #[error("it is about another body")]
    Body,
}

impl AttestError {
    /// A label for metrics: unique, snake_case.
    pub const fn metric(self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Head => "wrong_head",
            Self::Type => "wrong_type",
            Self::Algorithm => "wrong_alg",
            Self::Signature => "bad_signature",
            Self::Claims => "invalid_claims",
            Self::Edge => "wrong_edge",
            Self::Audience => "wrong_audience",
            Self::TooOld => "too_old",
            Self::InFuture => "in_future",
            Self::Method => "wrong_method",
            Self::Host => "wrong_host",
            Self::Target => "wrong_target",
            Self::Fields => "wrong_fields",
            Self::Body => "wrong_body",
        }
    }
}

impl From<JwsError> for AttestError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Algorithm => Self::Algorithm,
            other => Self::Malformed(other),
        }
    }
}

/// Of the payload; the head's errors are told apart where it is read.
impl From<JsonError> for AttestError {
    fn from(_: JsonError) -> Self {
        Self::Claims
    }
}
