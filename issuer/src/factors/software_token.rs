//! A user's software token: an app that shows codes made of a seed (Cognito: AssociateSoftwareToken, VerifySoftwareToken).
//!
//! A seed is given out once, and counts from its first code on. A new one leaves the old one in force until it is verified, so nobody is
//! locked out by half a change. Seeds lie sealed by the pool's key.

use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};
use common::secret::SecretString;
use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use super::rows::{self, Stored, Verified};
use super::totp::{self, Verdict};
use crate::entropy;
use crate::envelope::PoolKey;
use crate::services::Services;
use crate::store::Statement;
use crate::users::User;

/// Characters of a `FriendlyDeviceName`.
const LONGEST_NAME: usize = 256;

/// Why a software token is not what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the user has no software token")]
    Absent,
    #[error("{0}")]
    Internal(String),
    #[error("storage: {0}")]
    Unavailable(String),
}

/// A fresh seed.
pub struct Seed(Zeroizing<Vec<u8>>);

impl Seed {
    pub fn draw() -> Result<Self, TokenError> {
        let bytes: [u8; totp::SEED_BYTES] = entropy::bytes().map_err(internal)?;
        Ok(Self(Zeroizing::new(bytes.to_vec())))
    }

    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// `SecretCode`: base32 without padding, as authenticator apps take it (RFC 4648 §6).
    pub fn to_text(&self) -> SecretString {
        SecretString::new(BASE32_NOPAD.encode(&self.0))
    }
}

/// A software token as it is stored.
pub struct Token {
    sub: Sub,
    pool: PoolId,
    stored: Stored,
}

/// The user's token, whether verified or not.
pub async fn of_user(services: &Services, pool: &PoolId, sub: &Sub) -> Result<Option<Token>, TokenError> {
    let row = services.store.one(rows::of_user(pool, sub)).await.map_err(unavailable)?;
    let stored = row.map(|row| rows::stored(&row)).transpose().map_err(internal)?;
    Ok(stored.map(|stored| Token { sub: sub.clone(), pool: pool.clone(), stored }))
}

/// Whether the user has one whose codes count.
pub async fn is_registered(services: &Services, pool: &PoolId, sub: &Sub) -> Result<bool, TokenError> {
    Ok(of_user(services, pool, sub).await?.is_some_and(|token| token.stored.seed.is_some()))
}

/// The statement that keeps a seed until its first code.
pub fn keep_pending(key: &PoolKey, user: &User, seed: &Seed, now: UnixMillis) -> Result<Statement, TokenError> {
    let sealed = key.seal(rows::pending_cell(&[user.sub.as_str()]), seed.bytes()).map_err(internal)?;
    Ok(rows::put_pending(user, &sealed, now))
}

/// The statement that keeps a seed that was verified during a sign-in. It misses when the user has a token meanwhile.
pub fn keep_first(
    key: &PoolKey,
    user: &User,
    seed: &Seed,
    (name, step): (Option<&str>, u64),
    now: UnixMillis,
) -> Result<Statement, TokenError> {
    let sealed = key.seal(rows::seed_cell(&[user.sub.as_str()]), seed.bytes()).map_err(internal)?;
    Ok(rows::put_first(user, &Verified { seed: &sealed, name, step }, now))
}

impl Token {
    /// FRIENDLY_DEVICE_NAME
    pub fn name(&self) -> Option<&str> {
        self.stored.name.as_deref()
    }

    /// Checks the first code of the seed that waits; a right one is answered with the statement that puts the seed in force.
    ///
    /// # Errors
    /// [`TokenError::Absent`] where none waits.
    pub fn verify(
        &self,
        key: &PoolKey,
        user: &User,
        code: &str,
        name: Option<&str>,
        now: UnixMillis,
    ) -> Result<Option<Statement>, TokenError> {
        let pending = self.stored.pending.as_ref().ok_or(TokenError::Absent)?;
        let seed = key.open(rows::pending_cell(&[self.sub.as_str()]), pending).map_err(internal)?;
        let Verdict::Fresh(step) = totp::judge(seed.expose(), code, now, None) else { return Ok(None) };
        let sealed = key.seal(rows::seed_cell(&[self.sub.as_str()]), seed.expose()).map_err(internal)?;
        let verified = Verified { seed: &sealed, name, step };
        Ok(Some(rows::verify_pending(user, pending, &verified, now)))
    }

    /// Judges a code of the seed that counts; a fresh one comes with the statement that uses it up.
    ///
    /// # Errors
    /// [`TokenError::Absent`] where none counts.
    pub fn judge(
        &self,
        key: &PoolKey,
        code: &str,
        now: UnixMillis,
    ) -> Result<(Verdict, Option<Statement>), TokenError> {
        let sealed = self.stored.seed.as_ref().ok_or(TokenError::Absent)?;
        let seed = key.open(rows::seed_cell(&[self.sub.as_str()]), sealed).map_err(internal)?;
        let verdict = totp::judge(seed.expose(), code, now, Some(self.stored.last_step));
        let used = match verdict {
            Verdict::Fresh(step) => Some(rows::use_step(&self.pool, &self.sub, sealed, step)),
            Verdict::Used | Verdict::Wrong => None,
        };
        Ok((verdict, used))
    }
}

/// A name that can be stored and shown.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: Option<&str>) -> Result<(), String> {
    match name {
        Some(name) if name.chars().count() > LONGEST_NAME || name.contains('\0') => {
            Err(format!("FriendlyDeviceName must have at most {LONGEST_NAME} characters, and none that is NUL."))
        }
        _ => Ok(()),
    }
}

fn internal(error: impl std::fmt::Display) -> TokenError {
    TokenError::Internal(error.to_string())
}

fn unavailable(error: impl std::fmt::Display) -> TokenError {
    TokenError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_have_160_bits_and_are_base32() {
        let (one, two) = (Seed::draw().unwrap(), Seed::draw().unwrap());
        assert_ne!(one.bytes(), two.bytes());
        let text = one.to_text();
        assert_eq!(text.expose().len(), 32);
        assert!(text.expose().bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)));
        assert_eq!(BASE32_NOPAD.decode(text.expose().as_bytes()).unwrap(), one.bytes());
        // RFC 4648, section 10.
        assert_eq!(Seed::from_bytes(b"foobar").to_text().expose(), "MZXW6YTBOI");
    }

    #[test]
    fn names_are_bounded() {
        assert!(check_name(None).is_ok() && check_name(Some(&"ü".repeat(256))).is_ok());
        assert!(check_name(Some(&"ü".repeat(257))).is_err() && check_name(Some("a\0")).is_err());
    }
}
