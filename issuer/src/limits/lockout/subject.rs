//! Whose attempts are counted.

use common::ids::{PoolId, Sub};
use ring::hmac;

use crate::envelope::PoolKey;

/// The canonical user, never the name as typed: all spellings and aliases of a user are one count (SECURITY.md I37).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    pub(super) pool: PoolId,
    text: String,
}

impl Subject {
    pub fn user(pool: &PoolId, sub: &Sub) -> Self {
        Self { pool: pool.clone(), text: sub.as_str().to_owned() }
    }

    /// A name that is nobody's, in the form in which the pool compares names. It is counted like a user, so that a lock tells nothing; what people
    /// type is not stored, but a keyed hash of it.
    pub fn nobody(pool: &PoolId, key: &PoolKey, name: &str) -> Self {
        let tag = hmac::sign(&key.hmac_key("lockouts of nobody"), name.as_bytes());
        Self { pool: pool.clone(), text: tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}
