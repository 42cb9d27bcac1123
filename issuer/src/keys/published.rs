//! What edges learn of a key, in the words of the feed.

use common::feed::{self, KeyPurpose, PublicKey};

use super::rotation::KeyChange;
use super::rules::{KeyState, Purpose};

impl KeyChange {
    /// The record of the feed that says this.
    pub fn published(self) -> PublicKey {
        PublicKey {
            kid: self.kid,
            jwk: self.jwk,
            alg: self.alg.name().to_owned(),
            purpose: match self.purpose {
                Purpose::Id => KeyPurpose::IdToken,
                Purpose::Access => KeyPurpose::AccessToken,
            },
            state: match self.state {
                KeyState::Pending => feed::KeyState::Pending,
                KeyState::Active => feed::KeyState::Active,
                KeyState::Retiring => feed::KeyState::Retiring,
                KeyState::Retired => feed::KeyState::Retired,
                KeyState::Revoked => feed::KeyState::Revoked,
            },
        }
    }
}
