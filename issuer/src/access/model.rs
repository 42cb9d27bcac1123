//! An admin key as it is stored.

use common::clock::UnixMillis;

/// Longest name of a key, in characters.
pub const MAX_NAME: usize = 64;

/// An access key of an operator or of a program.
#[derive(Clone, Debug)]
pub struct AdminKey {
    /// `AKIA` and sixteen characters.
    pub access_key_id: String,
    /// Whose or what for; two keys of one holder share it (`aws:username`).
    pub name: String,
    /// A policy document ([`super::Policy`]).
    pub policy: String,
    pub created: UnixMillis,
    /// The access key id that made it; `None` for a first key.
    pub created_by: Option<String>,
    pub expires: Option<UnixMillis>,
    pub disabled: Option<UnixMillis>,
    /// A first key: it makes one other key and is gone.
    pub single_use: bool,
    pub sealed_secret: Vec<u8>,
}

impl AdminKey {
    pub fn is_alive(&self, now: UnixMillis) -> bool {
        self.disabled.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

/// 1 to 64 of letters, digits and `+=,.@_-` (IAM's form of a user name).
pub fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    !text.is_empty() && text.chars().count() <= MAX_NAME && text.chars().all(allowed)
}
