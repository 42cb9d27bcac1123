//! Every reason to refuse a request, with its status, wire code, metric and public text.
//!
//! The mappings are total functions over a closed enum: a new reason does not compile until its row names all four.
//! None of the texts carries anything from the request, so a refusal can be sent, logged and counted as it is.

use std::fmt;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reject {
    // The token (RFC 6750 §3.1)
    /// No credentials at all: the challenge carries no error code.
    MissingToken,
    /// More than one `Authorization` header field: which one would the origin read?
    SeveralTokens,
    /// Not a compact JWS, or not a JWT that has one reading.
    Malformed,
    /// `none`, `HS*`, or any other algorithm that is not on the list or not the key's.
    UnsupportedAlg,
    /// No key of the issuer has this `kid`.
    UnknownKey,
    BadSignature,
    /// A claim that the profile requires is missing or has the wrong type.
    InvalidClaims,
    Expired,
    /// `nbf` lies ahead.
    NotYetValid,
    /// `iat` lies ahead.
    IssuedInFuture,
    /// Of an issuer that this route or key set does not know.
    WrongIssuer,
    WrongAudience,
    /// Of an app client that this route does not name.
    WrongClient,
    /// An ID token where an access token is asked, or the reverse.
    WrongTokenUse,
    /// The header's `typ` is not the profile's.
    WrongType,
    /// The issuer was asked and does not stand by it (RFC 7662 §2.2).
    TokenInactive,
    InsufficientScope,
    GroupNotHeld,
    /// A claim does not compare as the route asks, is missing, or has another type.
    ClaimNotHeld,
    /// The user authenticated by other means than the route asks: RFC 9470.
    AuthenticationTooWeak,
    /// The user authenticated longer ago than the route allows, or the token does not say when: RFC 9470.
    AuthenticationTooOld,
    /// No Cedar policy permits it, one forbids it, or one could not be evaluated.
    PolicyDenied,

    // Who sends it (RFC 9449, RFC 8705)
    /// A token bound to a key (`cnf.jkt`) came as a plain bearer token, or without a proof.
    ProofRequired,
    /// A proof that fails one of the checks of RFC 9449 §4.3; the log says which.
    InvalidProof,
    /// The proof's `iat` is too far from now.
    ProofStale,
    /// The same proof came before.
    ProofReplayed,
    /// The proof needs a nonce, or a newer one: the answer brings it (RFC 9449 §9).
    NonceRequired,
    /// The proof's key is not the token's (`cnf.jkt`).
    WrongProofKey,
    /// A token that is not bound, where only bound ones pass, or with the scheme for bound ones.
    UnboundToken,
    /// A token bound to a client certificate (`cnf.x5t#S256`) came over a connection without one.
    CertificateMissing,
    WrongCertificate,
    /// `cnf` names a method that is not known here.
    UnknownConfirmation,
    /// No room to remember another proof.
    ReplayFull,

    // Revocation
    TokenRevoked,
    SessionRevoked,
    /// The device that the token names was forgotten.
    DeviceRevoked,
    /// The token was minted before the user's last sign-out, disabling or password change.
    UserRevoked,
    KeyRevoked,
    ClientRevoked,
    /// The route demands revocation checks, and what this edge knows is too old.
    RevocationStale,

    // The request
    NoRoute,
    MethodNotAllowed,
    /// A limit of the route: requests with this key came too often.
    RateLimited,
    /// A limit of the route counts by something that the request does not have.
    RateKeyMissing,
    /// The route is for clients that have shown a certificate.
    CertificateRequired,
    /// The path has more than one reading.
    AmbiguousPath,
    /// `Host`, `:authority` and the target do not name one host.
    AmbiguousHost,
    /// A header field has more than one reading, or may not be there at all.
    AmbiguousHeader,
    /// The length of the body has more than one reading.
    AmbiguousBody,
    HeadersTooLarge,
    BodyTooLarge,
    /// The body came too slowly, or stopped.
    RequestTimeout,
    /// A rule of the web ACL blocks it.
    AclBlocked,
    /// The pool has a web ACL that this edge can't use.
    AclUnreadable,
    /// A rule of the web ACL wants a puzzle solved first.
    CaptchaRequired,
    /// A rule of the web ACL wants a challenge solved first.
    ChallengeRequired,
    /// The body has a `Content-Encoding` under which rules can't inspect it (RFC 9110 §15.5.16).
    BodyEncoded,
    /// A long body without `Content-Length`, on a route that reads bodies before it forwards them (RFC 9110 §15.5.12).
    LengthRequired,

    // Our side
    UpstreamUnavailable,
    UpstreamTimeout,
    /// Active checks or failures have taken every server out.
    NoHealthyUpstream,
    /// As many requests as the upstream may have are in flight.
    CircuitOpen,
    NotReady,
    /// The issuer had to be asked about the token, and gave no answer in time.
    IntrospectionUnavailable,
    /// The provider at which people sign in had to be asked, and gave no answer in time.
    SignInUnavailable,
    /// The memory for bodies that are read before they are forwarded is in use.
    BodiesHeld,
    Internal,
}

/// What the world gets to see of a [`Reject`].
struct Row {
    status: u16,
    wire_code: &'static str,
    metric: &'static str,
    description: &'static str,
}

impl Reject {
    pub const ALL: [Self; 67] = [
        Self::MissingToken,
        Self::SeveralTokens,
        Self::Malformed,
        Self::UnsupportedAlg,
        Self::UnknownKey,
        Self::BadSignature,
        Self::InvalidClaims,
        Self::Expired,
        Self::NotYetValid,
        Self::IssuedInFuture,
        Self::WrongIssuer,
        Self::WrongAudience,
        Self::WrongClient,
        Self::WrongTokenUse,
        Self::WrongType,
        Self::TokenInactive,
        Self::InsufficientScope,
        Self::GroupNotHeld,
        Self::ClaimNotHeld,
        Self::AuthenticationTooWeak,
        Self::AuthenticationTooOld,
        Self::PolicyDenied,
        Self::ProofRequired,
        Self::InvalidProof,
        Self::ProofStale,
        Self::ProofReplayed,
        Self::NonceRequired,
        Self::WrongProofKey,
        Self::UnboundToken,
        Self::CertificateMissing,
        Self::WrongCertificate,
        Self::UnknownConfirmation,
        Self::ReplayFull,
        Self::TokenRevoked,
        Self::SessionRevoked,
        Self::DeviceRevoked,
        Self::UserRevoked,
        Self::KeyRevoked,
        Self::ClientRevoked,
        Self::RevocationStale,
        Self::NoRoute,
        Self::MethodNotAllowed,
        Self::RateLimited,
        Self::RateKeyMissing,
        Self::CertificateRequired,
        Self::AmbiguousPath,
        Self::AmbiguousHost,
        Self::AmbiguousHeader,
        Self::AmbiguousBody,
        Self::HeadersTooLarge,
        Self::BodyTooLarge,
        Self::RequestTimeout,
        Self::AclBlocked,
        Self::AclUnreadable,
        Self::CaptchaRequired,
        Self::ChallengeRequired,
        Self::BodyEncoded,
        Self::LengthRequired,
        Self::UpstreamUnavailable,
        Self::UpstreamTimeout,
        Self::NoHealthyUpstream,
        Self::CircuitOpen,
        Self::NotReady,
        Self::IntrospectionUnavailable,
        Self::SignInUnavailable,
        Self::BodiesHeld,
        Self::Internal,
    ];

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.row().status
    }

    /// The `error` of the body: RFC 6750's code where one applies, else a word of ours.
    pub const fn wire_code(self) -> &'static str {
        self.row().wire_code
    }

    /// The label in metrics and in the access log: unique, snake_case.
    pub const fn metric(self) -> &'static str {
        self.row().metric
    }

    /// A fixed text that names the class of the reason.
    pub const fn description(self) -> &'static str {
        self.row().description
    }

    /// Whether another token would help, so that the answer names what would be accepted (`WWW-Authenticate`, RFC 6750 §3): all of 401 and 403
    /// but the missing certificate and what rules block.
    pub const fn is_challenge(self) -> bool {
        matches!(self.status(), 401 | 403) && !matches!(self, Self::CertificateRequired | Self::AclBlocked)
    }

    #[rustfmt::skip]
    const fn row(self) -> Row {
        const fn row(status: u16, wire_code: &'static str, metric: &'static str, description: &'static str) -> Row {
            Row { status, wire_code, metric, description }
        }
        const TOKEN: &str = "invalid_token";
        const REQUEST: &str = "invalid_request";
        const SCOPE: &str = "insufficient_scope";
        /// RFC 9470 §3.
        const AUTHENTICATION: &str = "insufficient_user_authentication";
        /// RFC 9449 §7.1.
        const PROOF: &str = "invalid_dpop_proof";
        const UNAVAILABLE: &str = "temporarily_unavailable";
        match self {
            Self::MissingToken => row(401, "token_required", "missing_token", "no token"),
            Self::SeveralTokens => row(401, REQUEST, "several_tokens", "several credentials"),
            Self::Malformed => row(401, TOKEN, "malformed", "malformed"),
            Self::UnsupportedAlg => row(401, TOKEN, "unsupported_alg", "unsupported algorithm"),
            Self::UnknownKey => row(401, TOKEN, "unknown_key", "unknown key"),
            Self::BadSignature => row(401, TOKEN, "bad_signature", "signature"),
            Self::InvalidClaims => row(401, TOKEN, "invalid_claims", "invalid claims"),
            Self::Expired => row(401, TOKEN, "expired", "expired"),
            Self::NotYetValid => row(401, TOKEN, "not_yet_valid", "not yet valid"),
            Self::IssuedInFuture => row(401, TOKEN, "issued_in_future", "issued in the future"),
            Self::WrongIssuer => row(401, TOKEN, "wrong_issuer", "wrong issuer"),
            Self::WrongAudience => row(401, TOKEN, "wrong_audience", "wrong audience"),
            Self::WrongClient => row(401, TOKEN, "wrong_client", "wrong client"),
            Self::WrongTokenUse => row(401, TOKEN, "wrong_token_use", "wrong token use"),
            Self::WrongType => row(401, TOKEN, "wrong_type", "wrong token type"),
            Self::TokenInactive => row(401, TOKEN, "token_inactive", "inactive"),
            Self::InsufficientScope => row(403, SCOPE, "insufficient_scope", "insufficient scope"),
            Self::GroupNotHeld => row(403, SCOPE, "group_not_held", "group not held"),
            Self::ClaimNotHeld => row(403, SCOPE, "claim_not_held", "claim not held"),
            Self::AuthenticationTooWeak => {
                row(401, AUTHENTICATION, "authentication_too_weak", "stronger authentication is required")
            }
            Self::AuthenticationTooOld => {
                row(401, AUTHENTICATION, "authentication_too_old", "more recent authentication is required")
            }
            Self::PolicyDenied => row(403, SCOPE, "policy_denied", "denied by policy"),
            Self::ProofRequired => row(401, TOKEN, "proof_required", "bound token without proof"),
            Self::InvalidProof => row(401, PROOF, "invalid_proof", "invalid proof"),
            Self::ProofStale => row(401, PROOF, "proof_stale", "proof not of now"),
            Self::ProofReplayed => row(401, PROOF, "proof_replayed", "proof was used"),
            Self::NonceRequired => row(401, "use_dpop_nonce", "nonce_required", "nonce required"),
            Self::WrongProofKey => row(401, TOKEN, "wrong_proof_key", "proof by another key"),
            Self::UnboundToken => row(401, TOKEN, "unbound_token", "token is not bound"),
            Self::CertificateMissing => row(401, TOKEN, "certificate_missing", "bound token without certificate"),
            Self::WrongCertificate => row(401, TOKEN, "wrong_certificate", "another certificate"),
            Self::UnknownConfirmation => row(401, TOKEN, "unknown_confirmation", "unknown confirmation method"),
            Self::ReplayFull => row(503, UNAVAILABLE, "replay_full", "no room for proofs"),
            Self::TokenRevoked => row(401, TOKEN, "token_revoked", "revoked"),
            Self::SessionRevoked => row(401, TOKEN, "session_revoked", "session revoked"),
            Self::DeviceRevoked => row(401, TOKEN, "device_revoked", "device revoked"),
            Self::UserRevoked => row(401, TOKEN, "user_revoked", "signed out"),
            Self::KeyRevoked => row(401, TOKEN, "key_revoked", "key revoked"),
            Self::ClientRevoked => row(401, TOKEN, "client_revoked", "client revoked"),
            Self::RevocationStale => row(503, UNAVAILABLE, "revocation_stale", "revocation state is stale"),
            Self::NoRoute => row(404, "not_found", "no_route", "no such route"),
            Self::MethodNotAllowed => row(405, "method_not_allowed", "method_not_allowed", "method not allowed"),
            Self::RateLimited => row(429, "rate_limited", "rate_limited", "too many requests"),
            Self::RateKeyMissing => row(400, REQUEST, "rate_key_missing", "what requests are counted by is missing"),
            Self::CertificateRequired => {
                row(403, "certificate_required", "certificate_required", "client certificate required")
            }
            Self::AmbiguousPath => row(400, REQUEST, "ambiguous_path", "ambiguous path"),
            Self::AmbiguousHost => row(400, REQUEST, "ambiguous_host", "ambiguous host"),
            Self::AmbiguousHeader => row(400, REQUEST, "ambiguous_header", "ambiguous header"),
            Self::AmbiguousBody => row(400, REQUEST, "ambiguous_body", "ambiguous body length"),
            Self::HeadersTooLarge => row(431, REQUEST, "headers_too_large", "headers too large"),
            Self::BodyTooLarge => row(413, REQUEST, "body_too_large", "body too large"),
            Self::RequestTimeout => row(408, REQUEST, "request_timeout", "request body too slow"),
            Self::AclBlocked => row(403, "forbidden", "acl_blocked", "blocked by a rule"),
            Self::AclUnreadable => row(503, UNAVAILABLE, "acl_unreadable", "rules could not be read"),
            Self::CaptchaRequired => row(405, "captcha_required", "captcha_required", "a puzzle is to be solved"),
            Self::ChallengeRequired => {
                row(202, "challenge_required", "challenge_required", "a challenge is to be solved")
            }
            Self::BodyEncoded => row(415, REQUEST, "body_encoded", "encoded body cannot be inspected"),
            Self::LengthRequired => row(411, REQUEST, "length_required", "length required"),
            Self::UpstreamUnavailable => row(502, "bad_gateway", "upstream_unavailable", "upstream unavailable"),
            Self::UpstreamTimeout => row(504, "gateway_timeout", "upstream_timeout", "upstream timeout"),
            Self::NoHealthyUpstream => row(503, UNAVAILABLE, "no_healthy_upstream", "no healthy server"),
            Self::CircuitOpen => row(503, UNAVAILABLE, "circuit_open", "too many requests in flight"),
            Self::NotReady => row(503, UNAVAILABLE, "not_ready", "not ready"),
            Self::IntrospectionUnavailable => {
                row(503, UNAVAILABLE, "introspection_unavailable", "token could not be checked")
            }
            Self::SignInUnavailable => {
                row(503, UNAVAILABLE, "sign_in_unavailable", "nobody can sign in now")
            }
            Self::BodiesHeld => row(503, UNAVAILABLE, "bodies_held", "too many bodies at once"),
            Self::Internal => row(500, "server_error", "internal", "internal error"),
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}

impl std::error::Error for Reject {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn all_lists_each_reason_once() {
        let distinct: HashSet<Reject> = Reject::ALL.into_iter().collect();
        assert_eq!(distinct.len(), Reject::ALL.len());
        // The discriminants are dense, so a reason that `ALL` forgets leaves a gap at its end or in it.
        let mut discriminants: Vec<usize> = Reject::ALL.iter().map(|&reject| reject as usize).collect();
        discriminants.sort_unstable();
        assert_eq!(discriminants, (0..=Reject::Internal as usize).collect::<Vec<_>>());
    }

    #[test]
    fn metrics_are_unique_and_snake_case() {
        let metrics: HashSet<&str> = Reject::ALL.iter().map(|reject| reject.metric()).collect();
        assert_eq!(metrics.len(), Reject::ALL.len());
        assert!(metrics.iter().all(|m| m.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
        let descriptions: HashSet<&str> = Reject::ALL.iter().map(|reject| reject.description()).collect();
        assert_eq!(descriptions.len(), Reject::ALL.len());
    }

    #[test]
    fn codes_and_statuses_agree_as_rfc_6750_pairs_them() {
        for reject in Reject::ALL {
            match reject.wire_code() {
                "invalid_token"
                | "token_required"
                | "insufficient_user_authentication"
                | "invalid_dpop_proof"
                | "use_dpop_nonce" => {
                    assert_eq!(reject.status(), 401, "{reject:?}")
                }
                "insufficient_scope" => assert_eq!(reject.status(), 403, "{reject:?}"),
                // AWS WAF's: it has to be told from a refusal by clients that solve it.
                "challenge_required" => assert_eq!(reject.status(), 202),
                _ => assert!((400..600).contains(&reject.status()), "{reject:?}"),
            }
        }
    }

    #[test]
    fn the_operators_document_has_a_row_for_each() {
        let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/TROUBLESHOOTING.md");
        let document = std::fs::read_to_string(document).unwrap();
        for reject in Reject::ALL {
            let row = format!("| `{}` | {} | `{}` | ", reject.metric(), reject.status(), reject.wire_code());
            assert_eq!(document.matches(&row).count(), 1, "docs/TROUBLESHOOTING.md: {row}");
        }
    }
}
