//! Why a signature was not accepted, and how AWS says it.

use crate::clock::UnixMillis;
use crate::sigv4::{MAX_SKEW, date};

/// Closed. The `Display` text is AWS's message for the client; it repeats nothing but what the client sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Sigv4Error {
    /// No `Authorization` header.
    #[error("Missing Authentication Token")]
    Missing,
    /// The request lacks or garbles a part of a signature.
    #[error("{0}")]
    Incomplete(Incomplete),
    /// Signed for another service, region or day.
    #[error("{0}")]
    Scope(ScopeFault),
    /// A header that the signature must cover is not covered.
    #[error("'{name}' must be a 'SignedHeader' in the AWS Authorization.")]
    Unsigned { name: String },
    /// Signed more than [`MAX_SKEW`] ago.
    #[error(
        "Signature expired: {} is now earlier than {} ({} - 5 min.)",
        date::format(*.signed_at), date::format(.now.minus(MAX_SKEW)), date::format(*.now)
    )]
    Expired { signed_at: UnixMillis, now: UnixMillis },
    /// Signed more than [`MAX_SKEW`] ahead.
    #[error(
        "Signature not yet current: {} is still later than {} ({} + 5 min.)",
        date::format(*.signed_at), date::format(.now.plus(MAX_SKEW)), date::format(*.now)
    )]
    NotYetCurrent { signed_at: UnixMillis, now: UnixMillis },
    /// No such access key id.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The signature is not that of this request under this secret.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and \
         signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

impl Sigv4Error {
    /// The exception's name in AWS JSON's `__type`.
    pub const fn wire_code(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Incomplete(_) => "IncompleteSignatureException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::Scope(_) | Self::Unsigned { .. } => "InvalidSignatureException",
            Self::Expired { .. } | Self::NotYetCurrent { .. } | Self::Mismatch => "InvalidSignatureException",
        }
    }

    /// A stable name for audit and metrics: `[a-z0-9_]+`.
    pub const fn metric(&self) -> &'static str {
        match self {
            Self::Missing => "sigv4_missing",
            Self::Incomplete(_) => "sigv4_incomplete",
            Self::Scope(_) => "sigv4_scope",
            Self::Unsigned { .. } => "sigv4_unsigned_header",
            Self::Expired { .. } => "sigv4_expired",
            Self::NotYetCurrent { .. } => "sigv4_not_yet_current",
            Self::UnknownKey => "sigv4_unknown_key",
            Self::Mismatch => "sigv4_mismatch",
        }
    }
}

/// The part that is missing or malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    #[error("Authorization header requires the 'AWS4-HMAC-SHA256' algorithm.")]
    Algorithm,
    #[error("Authorization header has a parameter that is not a key=value pair, is unknown or is repeated.")]
    Parameter,
    #[error("Authorization header requires 'Credential' parameter.")]
    Credential,
    #[error("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")]
    CredentialForm,
    #[error("Authorization header requires 'SignedHeaders' parameter.")]
    SignedHeaders,
    #[error("SignedHeaders must be distinct lower-case names in alphabetical order.")]
    SignedHeadersForm,
    #[error("Authorization header requires 'Signature' parameter.")]
    Signature,
    #[error("Signature must be 64 lower-case hexadecimal digits.")]
    SignatureForm,
    #[error("Authorization header requires existence of a 'X-Amz-Date' header.")]
    Date,
    #[error("Date must be in ISO-8601 'basic format'.")]
    DateForm,
    #[error("A signed request has one value for each header of the signature.")]
    Repeated,
    #[error("Authorization header is too long.")]
    TooLong,
}

/// Which element of the credential scope is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeFault {
    #[error("Credential should be scoped to a valid region, not '{got}'.")]
    Region { got: String },
    #[error("Credential should be scoped to correct service: '{expected}'.")]
    Service { expected: String },
    #[error("Credential should be scoped with a valid terminator: 'aws4_request', not '{got}'.")]
    Terminator { got: String },
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != '{header}'."
    )]
    Date { scope: String, header: String },
}
