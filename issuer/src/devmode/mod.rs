//! Developer mode (`tollgate up --dev-mode`): an issuer that test suites use in the place of an emulator.
//!
//! What differs from any other issuer is here, and little:
//! * every access key is taken ([`any_key`]);
//! * one-time codes are [`crate::codes::FIXED`];
//! * `/dev` shows what was sent ([`outbox`]) and goes back to the state after the first start ([`reset`]). It is for programs on this machine that can read
//!   `up.json`, and for no web page ([`door`]).
//!
//! Everything else is as it is in production: policies, limits of tries, lockouts, exceptions.

mod door;
mod keys;
mod outbox;
mod reset;
mod routes;
#[cfg(test)]
mod suite;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use common::clock::UnixMillis;
use common::secret::SecretString;
use tokio::sync::{RwLock, RwLockReadGuard};

pub use self::keys::any_key;
pub use self::routes::{Dev, routes};
use crate::backup::{self, RestoreError};
use crate::config;
use crate::envelope::RootKey;
use crate::store::Migration;

/// Tokens are made by `up`; a short one is a mistake.
const SHORTEST_TOKEN: usize = 32;

/// Why developer mode does not start: one line for whoever starts it.
#[derive(Debug, thiserror::Error)]
pub enum DevModeError {
    #[error("dev_mode.token_file: {}: {why}", path.display())]
    Token { path: PathBuf, why: String },
    #[error("dev_mode.baseline: {}: {source}", path.display())]
    Baseline { path: PathBuf, source: RestoreError },
    #[error("dev_mode.baseline: {}: another version of tollgate made it; start once with --reset", .0.display())]
    OtherSchema(PathBuf),
}

/// The state of developer mode.
pub struct DevMode {
    token: SecretString,
    baseline: PathBuf,
    outbox: PathBuf,
    /// Requests are done under it for reading, a reset for writing: it sees none half done.
    turn: RwLock<()>,
    /// When the last reset was; messages from before are gone.
    since: AtomicU64,
}

impl DevMode {
    /// Reads the token, and checks the baseline if there is one: `up` makes it when the first start is done.
    pub fn open(config: &config::DevMode, root: &RootKey, migrations: &[&Migration]) -> Result<Self, DevModeError> {
        let token = |why: String| DevModeError::Token { path: config.token_file.clone(), why };
        let text = std::fs::read_to_string(&config.token_file).map_err(|e| token(e.to_string()))?;
        let text = text.trim();
        if text.len() < SHORTEST_TOKEN {
            return Err(token(format!("has less than {SHORTEST_TOKEN} characters")));
        }
        if config.baseline.exists() {
            let wrong = |source| DevModeError::Baseline { path: config.baseline.clone(), source };
            let made_by = backup::tables(&config.baseline, root).map_err(wrong)?.migrations;
            let is_ours = |(version, name): &(u32, String)| {
                migrations.iter().any(|step| step.version == *version && step.name == name)
            };
            if made_by.len() != migrations.len() || !made_by.iter().all(is_ours) {
                return Err(DevModeError::OtherSchema(config.baseline.clone()));
            }
        }
        Ok(Self {
            token: SecretString::new(text),
            baseline: config.baseline.clone(),
            outbox: config.outbox.clone(),
            turn: RwLock::new(()),
            since: AtomicU64::new(0),
        })
    }

    /// For a request that may change something: no reset comes in between.
    pub async fn enter(&self) -> RwLockReadGuard<'_, ()> {
        self.turn.read().await
    }

    fn since(&self) -> UnixMillis {
        UnixMillis(self.since.load(Ordering::Acquire))
    }
}
