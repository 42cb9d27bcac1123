//! A user as the rest of the issuer sees it.

use cognito_model::Timestamp;
use cognito_model::idp::types::{AttributeType, UserStatusType, UserType};
use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};
use ring::digest::{SHA256, digest};

use super::error::UserError;
use super::mfa::MfaPreferences;
use crate::pools::Pool;
use crate::pools::model::Changing;
use crate::pools::schema::Attributes;
use crate::store::Store;

/// One user of one pool.
#[derive(Clone, Debug)]
pub struct User {
    pub pool: PoolId,
    pub sub: Sub,
    /// Immutable: SRP is bound to it.
    pub username: String,
    pub status: Status,
    pub enabled: bool,
    pub attributes: Attributes,
    /// The attributes as the row has them, where they are seen otherwise ([`User::seen_in`]): what guards compare.
    pub stored: Option<String>,
    /// `None` until a password is set.
    pub credentials: Option<Credentials>,
    /// Tokens minted at or before this instant are dead.
    pub valid_after: UnixMillis,
    /// The newest instant that a token of this user was minted at.
    pub newest_mint: UnixMillis,
    /// Until when a temporary password works.
    pub temporary_until: Option<UnixMillis>,
    pub created: UnixMillis,
    pub modified: UnixMillis,
    pub mfa: MfaPreferences,
}

/// What proves the user's password. Neither part gives the password away without the root key.
#[derive(Clone)]
pub struct Credentials {
    /// Argon2id, PHC string.
    pub password_hash: String,
    /// Salt and verifier, enveloped: a stolen verifier permits guessing at the price of a fast hash. `None` for a user who came from a pool of
    /// another name, to which verifiers are bound: the next sign-in by password makes one (`credentials::renewed`).
    pub sealed_srp_verifier: Option<Vec<u8>>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials([secret])")
    }
}

/// Cognito's user states, as far as this version reaches them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Unconfirmed,
    Confirmed,
    ResetRequired,
    ForceChangePassword,
    /// No password of ours: the user signs in by another identity provider (AdminDisableProviderForUser).
    ExternalProvider,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "UNCONFIRMED",
            Self::Confirmed => "CONFIRMED",
            Self::ResetRequired => "RESET_REQUIRED",
            Self::ForceChangePassword => "FORCE_CHANGE_PASSWORD",
            Self::ExternalProvider => "EXTERNAL_PROVIDER",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Unconfirmed, Self::Confirmed, Self::ResetRequired, Self::ForceChangePassword, Self::ExternalProvider]
            .into_iter()
            .find(|status| status.as_str() == text)
    }

    pub const fn wire(self) -> UserStatusType {
        match self {
            Self::Unconfirmed => UserStatusType::Unconfirmed,
            Self::Confirmed => UserStatusType::Confirmed,
            Self::ResetRequired => UserStatusType::ResetRequired,
            Self::ForceChangePassword => UserStatusType::ForceChangePassword,
            Self::ExternalProvider => UserStatusType::ExternalProvider,
        }
    }
}

impl User {
    /// The user as its row is now.
    pub async fn again(&self, store: &Store, pool: &Pool) -> Result<Self, UserError> {
        super::by_sub(store, pool, &self.sub).await?.ok_or(UserError::Absent)
    }

    /// What of the password can be kept with what was proven by it: another password has another one.
    pub fn password_mark(&self) -> String {
        let hash = self.credentials.as_ref().map_or("", |credentials| credentials.password_hash.as_str());
        digest(&SHA256, hash.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The user as the pool's schema has it: an attribute that is being renamed or dropped has its new name, or is gone, whether or not the
    /// row has been come to.
    #[must_use]
    pub fn seen_in(mut self, pool: &Pool) -> Self {
        let Some(Changing::Renamed { from, to }) = &pool.settings.changing else { return self };
        if !self.attributes.contains_key(from) {
            return self;
        }
        self.stored = Some(self.stored_attributes());
        let value = self.attributes.remove(from);
        if let (Some(to), Some(value)) = (to, value) {
            self.attributes.entry(to.clone()).or_insert(value);
        }
        self
    }

    /// The attributes as the row has them, for guards.
    pub fn stored_attributes(&self) -> String {
        self.stored.clone().unwrap_or_else(|| serde_json::to_string(&self.attributes).unwrap_or_default())
    }

    /// Whether another row of this user has the same password: what was proven with it still holds.
    pub fn has_same_password(&self, other: &Self) -> bool {
        let hash = |user: &Self| user.credentials.as_ref().map(|c| c.password_hash.clone());
        hash(self) == hash(other)
    }

    #[cfg(test)]
    pub(crate) fn sample() -> Self {
        Self {
            pool: PoolId::parse("eu_a").unwrap(),
            sub: Sub::parse("0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f").unwrap(),
            username: "u".into(),
            status: Status::Confirmed,
            enabled: true,
            attributes: Attributes::new(),
            stored: None,
            credentials: None,
            valid_after: UnixMillis(0),
            newest_mint: UnixMillis(0),
            temporary_until: None,
            created: UnixMillis(0),
            modified: UnixMillis(0),
            mfa: MfaPreferences::default(),
        }
    }

    /// `sub` first, then the attributes by name, as far as `readable` says yes.
    pub fn attribute_list(&self, readable: impl Fn(&str) -> bool) -> Vec<AttributeType> {
        let pair = |name: &str, value: &str| AttributeType { name: name.to_owned(), value: Some(value.to_owned()) };
        let sub = std::iter::once(pair("sub", self.sub.as_str()));
        let rest = self.attributes.iter().filter(|(name, _)| readable(name)).map(|(name, value)| pair(name, value));
        sub.chain(rest).collect()
    }

    /// The `User` of AdminCreateUser's answer.
    pub fn describe(&self) -> UserType {
        UserType {
            attributes: Some(self.attribute_list(|_| true)),
            enabled: Some(self.enabled),
            mfa_options: self.mfa.options(),
            user_create_date: Some(Timestamp::from(self.created)),
            user_last_modified_date: Some(Timestamp::from(self.modified)),
            user_status: Some(self.status.wire()),
            username: Some(self.username.clone()),
        }
    }

    pub fn verified(&self, attribute: &str) -> bool {
        self.attributes.get(&format!("{attribute}_verified")).is_some_and(|value| value == "true")
    }
}
