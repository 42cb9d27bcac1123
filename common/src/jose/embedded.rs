//! The key that a JWS brings in its own header (RFC 7515 §4.1.3).

use jsonwebtoken::signature::Verifier;

use crate::jose::alg::Alg;
use crate::jose::compact::Jws;
use crate::jose::json::Object;
use crate::jose::jwk::{Jwk, JwkError};
use crate::jose::provider::RingVerifier;
use crate::jose::thumbprint::Thumbprint;

/// A public key out of the `jwk` of a header. It answers one question: did its holder sign this very JWS? It never says who that is; only a
/// token that names its thumbprint does.
#[derive(Debug)]
pub struct EmbeddedKey {
    verifier: RingVerifier,
    thumbprint: Thumbprint,
}

impl EmbeddedKey {
    /// The checks of [`Jwk::parse`], but that a point lies on its curve shows at the verification, which looks again anyway: the extra look costs
    /// as much as the signature.
    pub fn of(header: &Object, alg: Alg) -> Result<Self, JwkError> {
        let jwk = Jwk::parse_for_use(header.raw("jwk").ok_or(JwkError::Member)?)?;
        if jwk.alg().is_some_and(|own| own != alg) {
            return Err(JwkError::Mismatch);
        }
        let verifier = RingVerifier::new(alg, jwk.key().clone()).map_err(|_| JwkError::Mismatch)?;
        Ok(Self { verifier, thumbprint: jwk.thumbprint_digest() })
    }

    pub fn signed(&self, jws: &Jws<'_>) -> bool {
        self.verifier.verify(jws.signing_input.as_bytes(), &jws.signature).is_ok()
    }

    pub fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }
}
