//! The face of password hashing: asynchronous, bounded, shedding.

use std::sync::Arc;

use common::secret::SecretString;

use super::argon::{self, Scratch};
use super::work_pool::{PoolSettings, StartError, Undone, WorkPool};
use crate::entropy::{self, NoEntropy};

/// The longest password that is looked at, in bytes: 256 characters (Cognito's `PasswordType`) of four bytes each.
const MAX_PASSWORD_BYTES: usize = 1024;

/// Why a password was neither hashed nor compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The queue is full. Answer that the service is overloaded; nothing was computed.
    #[error("too many passwords are being hashed")]
    Busy,
    #[error("the password is longer than {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// The stored text is not an Argon2 hash, or one that asks for too much memory or time.
    #[error("the stored password hash cannot be used")]
    UnusableHash,
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    #[error("password hashing failed")]
    Failed,
}

impl From<Undone> for PasswordError {
    fn from(undone: Undone) -> Self {
        match undone {
            Undone::Busy => Self::Busy,
            Undone::Panicked => Self::Failed,
        }
    }
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    Match,
    /// It matches, and the stored hash has an older cost: store a new one.
    MatchNeedsRehash,
    Mismatch,
}

/// Hashes and compares passwords on a pool of its own; clones share it.
#[derive(Clone)]
pub struct Passwords {
    pool: WorkPool,
    scratch: Arc<Scratch>,
    /// A hash of random bytes that no password has: what unknown users are compared with.
    nobody: String,
}

impl Passwords {
    /// Starts the threads. Hashes once, so it takes about 20 ms.
    pub fn start(settings: PoolSettings) -> Result<Self, PasswordsStartError> {
        let scratch = Arc::<Scratch>::default();
        let nobody = argon::hash(&scratch, &entropy::bytes::<32>().map_err(PasswordError::from)?)?;
        scratch.free();
        let idle = Arc::clone(&scratch);
        Ok(Self { pool: WorkPool::start(settings, move || idle.free())?, scratch, nobody })
    }

    pub(super) fn scratch(&self) -> Arc<Scratch> {
        Arc::clone(&self.scratch)
    }

    /// An Argon2id hash as a PHC string, with a fresh salt.
    pub async fn hash(&self, password: &SecretString) -> Result<String, PasswordError> {
        let (password, scratch) = (bounded(password)?, self.scratch());
        self.pool.run(move || argon::hash(&scratch, password.expose().as_bytes())).await?
    }

    /// Compares a password with a stored PHC string.
    pub async fn verify(&self, password: &SecretString, stored: &str) -> Result<Verdict, PasswordError> {
        let (password, stored, scratch) = (bounded(password)?, stored.to_owned(), self.scratch());
        self.pool.run(move || argon::verify(&scratch, password.expose().as_bytes(), &stored)).await?
    }

    /// Spends what [`Passwords::verify`] spends, for a user who does not exist or has no password: the answer's time and the
    /// shedding tell nothing about who exists. There is no verdict, so it cannot be mistaken for a match.
    pub async fn verify_absent(&self, password: &SecretString) -> Result<(), PasswordError> {
        let _never_a_match = self.verify(password, &self.nobody).await?;
        Ok(())
    }

    /// Runs other heavy work under the same bounds: the exponentiations of [`super::srp`].
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        Ok(self.pool.run(work).await?)
    }
}

/// Why password hashing did not start.
#[derive(Debug, thiserror::Error)]
pub enum PasswordsStartError {
    #[error(transparent)]
    Threads(#[from] StartError),
    #[error(transparent)]
    Hash(#[from] PasswordError),
}

pub(super) fn bounded(password: &SecretString) -> Result<SecretString, PasswordError> {
    if password.expose().len() > MAX_PASSWORD_BYTES { Err(PasswordError::TooLong) } else { Ok(password.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Passwords {
        Passwords::start(PoolSettings { threads: 2, queue: 4 }).unwrap()
    }

    #[tokio::test]
    async fn what_was_hashed_matches() {
        let passwords = start();
        let secret = SecretString::new("Correct horse 1!");
        let stored = passwords.hash(&secret).await.unwrap();
        assert_eq!(passwords.verify(&secret, &stored).await, Ok(Verdict::Match));
        assert_eq!(passwords.verify(&SecretString::new("Correct horse 1! "), &stored).await, Ok(Verdict::Mismatch));
    }

    #[tokio::test]
    async fn an_absent_user_costs_a_comparison_at_the_current_cost() {
        let passwords = start();
        assert_eq!(passwords.verify_absent(&SecretString::new("anything")).await, Ok(()));
        assert!(passwords.nobody.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[tokio::test]
    async fn overlong_passwords_cost_nothing() {
        let passwords = start();
        let secret = SecretString::new("x".repeat(MAX_PASSWORD_BYTES + 1));
        assert_eq!(passwords.hash(&secret).await, Err(PasswordError::TooLong));
        assert_eq!(passwords.verify_absent(&secret).await, Err(PasswordError::TooLong));
    }
}
