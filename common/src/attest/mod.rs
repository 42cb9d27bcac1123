//! How an edge vouches for a request that it forwards to the issuer (DESIGN §5): a compact JWS in one header of that request.
//!
//! It says which request this is (method, host, target, SHA-256 of the fields that decide what is done and of the body), from where it came (the client's address, its TLS), and which edge says so.
//! It is signed by the key of the edge's certificate, the one that it shows at the feed; the certificate comes along as `x5c` (RFC 7515 §4.1.6), so that
//! whoever verifies needs the deployment's authority alone. That is the one place where a key comes with what it signed, and so:
//! *a certificate is worth nothing before its chain and the edge's enrolment have been checked*. [`Unverified`] gives the certificate away and nothing
//! else; [`Unverified::verify`] takes the key that was found in it.
//!
//! The audience is the deployment, by the key of its authority ([`audience`]): both sides know it without a setting. One attestation is good once, and for
//! [`LEEWAY`]; the *once* is kept by whoever verifies.
//!
//! Claims are a closed set, so a new one is understood first by issuers, then said by edges: issuers are upgraded first.

mod claims;
mod compact;
mod error;
mod fields;
#[cfg(test)]
mod tests;
mod word;

use std::time::Duration;

pub use self::claims::{Attestation, ClientTls, Octets};
pub use self::compact::{Arrived, EdgeKey, Head, Unverified};
pub use self::error::AttestError;
pub use self::fields::{FIELDS, digest_of_fields, digests_of_fields};
pub use self::word::{SIGN_IN, Told, Word};
use crate::jose::base64url_encode;

/// The header field that carries an attestation. Edges strip it from what comes from outside.
pub const HEADER: &str = "x-tollgate-attestation";
/// The `typ` of its JWS (RFC 8725 §3.11): no other token of ours can be taken for one.
pub const TYP: &str = "tg-attest+jwt";
/// How far `iat` may lie from the issuer's clock, to either side.
pub const LEEWAY: Duration = Duration::from_secs(30);
/// Longer request targets are not attested: the JWS must fit into its 8 KiB.
pub const MAX_TARGET_BYTES: usize = 4096;

/// The `aud` of a deployment whose authority's SubjectPublicKeyInfo has this SHA-256, as join tokens pin it.
pub fn audience(authority: &[u8; 32]) -> String {
    format!("tollgate:{}", base64url_encode(authority))
}
