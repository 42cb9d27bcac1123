//! Passwords that a user had before (Cognito: PasswordPolicyType `PasswordHistorySize`, 0 to 24): as many are kept as the pool asks for, and as
//! hashes only. They lie in the user's row, so they are written with the password that follows them, under its guard.

use common::secret::SecretString;

use super::error::UserError;
use super::model::User;
use crate::passwords::Verdict;
use crate::pools::Pool;
use crate::services::Services;
use crate::store::{Migration, Query};

pub const MIGRATION: Migration = Migration {
    version: 850,
    name: "users_former_passwords",
    sql: "ALTER TABLE users ADD COLUMN former_passwords TEXT;",
};

/// The most that a pool may ask for.
const MOST: usize = 24;

/// Hashes of a user's passwords, the newest first. The first is the present one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Former(Vec<String>);

impl Former {
    /// Those that a new password must not repeat; none where the pool asks for none.
    pub async fn of(services: &Services, pool: &Pool, user: &User) -> Result<Self, UserError> {
        let size = size(pool);
        if size == 0 {
            return Ok(Self::default());
        }
        let row = services.store.one(kept(user)).await?;
        let kept = row.as_ref().map(|row| row.opt_text(0)).transpose()?.flatten();
        // Whatever else is in there is no password of anybody's.
        let kept: Vec<String> = kept.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let present = user.credentials.as_ref().map(|credentials| credentials.password_hash.clone());
        Ok(Self(present.into_iter().chain(kept).take(size).collect()))
    }

    /// # Errors
    ///
    /// [`UserError::PasswordRepeated`]. Each costs what verifying a password costs.
    pub async fn check(&self, services: &Services, password: &SecretString) -> Result<(), UserError> {
        for hash in &self.0 {
            let verdict = services.passwords.verify(password, hash).await?;
            if matches!(verdict, Verdict::Match | Verdict::MatchNeedsRehash) {
                return Err(UserError::PasswordRepeated);
            }
        }
        Ok(())
    }

    /// What the row keeps beside the password that follows. The oldest goes when that comes to be the first.
    pub fn to_json(&self, pool: &Pool) -> Option<String> {
        let kept: Vec<&String> = self.0.iter().take(size(pool).saturating_sub(1)).collect();
        (!kept.is_empty()).then(|| serde_json::to_string(&kept).unwrap_or_default())
    }
}

fn size(pool: &Pool) -> usize {
    let policy = pool.settings.policies.as_ref().and_then(|policies| policies.password_policy.as_ref());
    let size = policy.and_then(|policy| policy.password_history_size).unwrap_or(0);
    usize::try_from(size).unwrap_or(0).min(MOST)
}

fn kept(user: &User) -> Query {
    Query::new("SELECT former_passwords FROM users WHERE pool = $1 AND sub = $2").bind(&user.pool).bind(&user.sub)
}
