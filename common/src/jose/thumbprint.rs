//! The SHA-256 names of keys (RFC 7638 §3) and certificates (RFC 8705 §3.1).

use std::fmt;

use ring::digest;

use crate::jose::base64url;

/// A SHA-256 digest that names a public key or a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The name of what these bytes are: the members of a JWK that RFC 7638 picks, or a certificate in DER.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = [0; 32];
        digest.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Self(digest)
    }

    /// From the 43 characters of base64url that stand in `jkt` and `x5t#S256`.
    pub fn parse(text: &str) -> Option<Self> {
        base64url::decode(text).ok()?.try_into().ok().map(Self)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}
