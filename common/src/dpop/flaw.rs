//! Which check a proof failed.

use crate::reject::Reject;

/// Why a proof is refused, by the check of RFC 9449 §4.3 that it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Flaw {
    /// Check 1.
    #[error("more than one DPoP header field")]
    Several,
    /// Check 2: not one compact JWS of at most 8 KiB with JSON of one reading.
    #[error("not a well-formed JWT")]
    Malformed,
    /// Check 3.
    #[error("a claim is missing or has the wrong type")]
    Claims,
    /// Check 4.
    #[error("typ is not dpop+jwt")]
    Type,
    /// Check 5.
    #[error("the algorithm is not accepted here")]
    Algorithm,
    /// Checks 6 and 7: the `jwk` is missing, private, symmetric, weak, or not for this algorithm.
    #[error("the jwk is no public key for the algorithm")]
    Key,
    /// Check 6.
    #[error("the signature is not the key's")]
    Signature,
    /// Check 8.
    #[error("htm is another method")]
    Method,
    /// Check 9.
    #[error("htu is another URI")]
    Uri,
    /// Check 10: no nonce where one is demanded, or not one of ours, or an old one.
    #[error("the nonce is missing or over")]
    Nonce,
    /// Check 11.
    #[error("iat is too far from now")]
    Time,
    /// Check 12, first half.
    #[error("ath is another token")]
    Token,
}

impl Flaw {
    pub const ALL: [Self; 12] = [
        Self::Several,
        Self::Malformed,
        Self::Claims,
        Self::Type,
        Self::Algorithm,
        Self::Key,
        Self::Signature,
        Self::Method,
        Self::Uri,
        Self::Nonce,
        Self::Time,
        Self::Token,
    ];

    /// For logs: names the member or the step.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Several => "proof_several",
            Self::Malformed => "proof_malformed",
            Self::Claims => "proof_claims",
            Self::Type => "proof_typ",
            Self::Algorithm => "proof_alg",
            Self::Key => "proof_jwk",
            Self::Signature => "proof_signature",
            Self::Method => "proof_htm",
            Self::Uri => "proof_htu",
            Self::Nonce => "proof_nonce",
            Self::Time => "proof_iat",
            Self::Token => "proof_ath",
        }
    }
}

impl From<Flaw> for Reject {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Nonce => Self::NonceRequired,
            Flaw::Time => Self::ProofStale,
            Flaw::Several
            | Flaw::Malformed
            | Flaw::Claims
            | Flaw::Type
            | Flaw::Algorithm
            | Flaw::Key
            | Flaw::Signature
            | Flaw::Method
            | Flaw::Uri
            | Flaw::Token => Self::InvalidProof,
        }
    }
}
