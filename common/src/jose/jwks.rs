//! JWK sets (RFC 7517 §5), whole or not at all.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::jose::json::Object;
use crate::jose::jwk::{Jwk, JwkError};

/// Keys in one set.
pub const MAX_KEYS: usize = 288;
/// Bytes of one set in JSON.
pub const MAX_SET_BYTES: usize = 256 * 1024;

/// A set of public signature keys with distinct names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Jwks {
    keys: Vec<Jwk>,
}

/// Why a set is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    #[error("the key set is longer than 256 KiB")]
    TooLong,
    #[error("the key set is not a JSON object with an array of keys")]
    Shape,
    #[error("the key set has more than 288 keys")]
    TooManyKeys,
    #[error("key {index} of the set is refused: {reason}")]
    Key { index: usize, reason: JwkError },
    #[error("two keys of the set have the kid {kid:?}")]
    DuplicateKid { kid: String },
}

impl Jwks {
    pub fn new(keys: Vec<Jwk>) -> Result<Self, JwksError> {
        if keys.len() > MAX_KEYS {
            return Err(JwksError::TooManyKeys);
        }
        let mut seen = HashSet::with_capacity(keys.len());
        if let Some(twice) = keys.iter().find(|key| !seen.insert(key.kid())) {
            return Err(JwksError::DuplicateKid { kid: twice.kid().into() });
        }
        Ok(Self { keys })
    }

    /// A set of our own making: one bad key refuses it whole.
    pub fn parse(text: &str) -> Result<Self, JwksError> {
        Self::collect(text, Err)
    }

    /// The published set of some provider, which may also list keys for encryption or of kinds that we do not know (RFC 7517
    /// §5: those are ignored). A key that is weak, private, symmetric, malformed or ambiguous still refuses the set.
    pub fn parse_foreign(text: &str) -> Result<Self, JwksError> {
        Self::collect(text, |reason| if reason.is_foreign() { Ok(()) } else { Err(reason) })
    }

    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// Whether both have the same keys, in whatever order: some providers shuffle theirs.
    pub fn has_same_keys(&self, other: &Self) -> bool {
        self.keys.len() == other.keys.len() && self.keys.iter().all(|key| other.keys.contains(key))
    }

    /// The JSON that [`Jwks::parse`] reads.
    pub fn to_json(&self) -> String {
        // Strings under distinct names cannot fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn collect(text: &str, refused: impl Fn(JwkError) -> Result<(), JwkError>) -> Result<Self, JwksError> {
        if text.len() > MAX_SET_BYTES {
            return Err(JwksError::TooLong);
        }
        let set = Object::parse(text).map_err(|_| JwksError::Shape)?;
        let members: Vec<&RawValue> = set.value("keys").ok().flatten().ok_or(JwksError::Shape)?;
        if members.len() > MAX_KEYS {
            return Err(JwksError::TooManyKeys);
        }
        let mut keys = Vec::with_capacity(members.len());
        for (index, member) in members.iter().enumerate() {
            match Jwk::parse(member.get()) {
                Ok(key) => keys.push(key),
                Err(reason) => refused(reason).map_err(|reason| JwksError::Key { index, reason })?,
            }
        }
        Self::new(keys)
    }
}
