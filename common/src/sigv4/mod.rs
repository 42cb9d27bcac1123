//! AWS Signature Version 4 in the `Authorization` header, both ways: [`sign`] for our own clients, [`verify`] for the issuer's
//! signed operations (AWS IAM User Guide, "AWS Signature Version 4 for API requests").
//!
//! Stricter than the scheme asks, since a signature that leaves something out can be replayed with that part changed:
//! * `host`, `x-amz-date`, `content-type` and every `x-amz-*` header that came must be signed (`x-amz-target` names the
//!   operation), and of each of these there is one;
//! * the payload hash is always that of the real body: `UNSIGNED-PAYLOAD` and the streaming forms never match;
//! * query-string signatures ("presigned URLs"), SigV4A and `Date` instead of `X-Amz-Date` are not accepted.
//!
//! What is left to the caller: replay of the very same request within the five minutes. [`Verified::signature`] is the key for a
//! cache of seen ones. Pure: the clock is an argument and secrets are looked up by the caller between [`Claimed::parse`] and
//! [`Claimed::verify`].

mod authorization;
mod date;
mod error;
mod hex;
mod key;
mod sign;
mod text;
mod verify;

use std::time::Duration;

pub use crate::sigv4::error::{Incomplete, ScopeFault, Sigv4Error};
pub use crate::sigv4::sign::{Credentials, SignatureHeaders, sign};
pub use crate::sigv4::verify::{Accept, Claimed, Verified, verify};

/// How far the client's clock may be off, either way.
pub const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";

/// The parts of a request that a signature covers, besides the body.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    /// The request-target in origin form as it goes over the wire: escaped path, and query if there is one.
    pub target: &'a str,
    /// All fields in order, names in any case. In HTTP/2 the caller adds `host` from `:authority`.
    pub headers: &'a [(&'a str, &'a [u8])],
}

impl<'a> Request<'a> {
    /// The values of a field, in order.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// Where a signature is good: one service in one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    pub region: &'a str,
    pub service: &'a str,
}

/// SHA-256 of a body.
pub fn body_sha256(body: &[u8]) -> [u8; 32] {
    key::sha256(body)
}

#[cfg(test)]
mod tests;
