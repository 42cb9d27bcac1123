//! `MD5` and `SHA256`, in raw bytes.
//!
//! The developer guide says of MD5 "The computed hash is in a raw binary form". A rule compares the hash with a `SearchString`, which is base64 of bytes
//! in the API; so nothing is lost by the raw form.

use std::borrow::Cow;

use md5::{Digest, Md5};

/// The MD5 hash: 16 bytes. No security rests on it; rules know payloads by it.
pub(super) fn md5(input: &[u8]) -> Cow<'static, [u8]> {
    Cow::Owned(Md5::digest(input).to_vec())
}

/// The SHA-256 hash: 32 bytes.
pub(super) fn sha256(input: &[u8]) -> Cow<'static, [u8]> {
    Cow::Owned(ring::digest::digest(&ring::digest::SHA256, input).as_ref().to_vec())
}
