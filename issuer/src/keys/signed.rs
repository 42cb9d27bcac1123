//! A token that was just signed.

use common::secret::SecretString;

/// A compact JWS. It is a credential: it does not show in logs.
#[derive(Clone, Debug)]
pub struct SignedToken(SecretString);

impl SignedToken {
    pub(super) fn new(token: String) -> Self {
        Self(token.into())
    }

    /// The token, for the answer to its owner.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}
