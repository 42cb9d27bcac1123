//! What the feed keeps sealed, under the deployment's key.

use common::secret::SecretBytes;

use crate::envelope::{Context, PoolKey};

/// Encrypts what the feed has at rest: the authority's key, keys of the deployment. `context` is bound to the ciphertext.
pub trait Sealing: Send + Sync + 'static {
    fn seal(&self, context: &str, plain: &[u8]) -> Option<Vec<u8>>;
    fn open(&self, context: &str, sealed: &[u8]) -> Option<SecretBytes>;
    /// By which a restarted issuer proves to edges that their connections to its predecessor are gone; the same after each start.
    fn reset_key(&self) -> ring::hmac::Key;
}

/// By the key that the root key gives the deployment.
pub struct DeploymentSealing(PoolKey);

impl DeploymentSealing {
    pub fn new(key: PoolKey) -> Self {
        Self(key)
    }

    fn cell(context: &str) -> Context<'_> {
        Context { table: "feed_ca", row: &[], column: context }
    }
}

impl Sealing for DeploymentSealing {
    fn seal(&self, context: &str, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.seal(Self::cell(context), plain).ok()
    }

    fn open(&self, context: &str, sealed: &[u8]) -> Option<SecretBytes> {
        self.0.open(Self::cell(context), sealed).ok()
    }

    fn reset_key(&self) -> ring::hmac::Key {
        self.0.hmac_key("feed stateless reset")
    }
}
