//! Passwords: Argon2id hashes on a bounded pool of threads, Cognito's password policy, temporary passwords, `SECRET_HASH`, and
//! SRP-6a in [`srp`]; which passwords others know ([`Compromised`]).
//!
//! Invariants:
//! - A password is the exact bytes received: no trimming, no normal form, no truncation (SRP clients hash the raw UTF-8).
//! - At most `threads × 19 MiB` are hashed in at a time; work that finds the queue full is refused at once ([`PasswordError::Busy`]).
//! - A user who does not exist costs the same as one who does ([`Passwords::verify_absent`], [`srp::Decoys`]).

mod argon;
mod compromised;
mod generate;
mod hasher;
mod on_pool;
mod policy;
mod secret_hash;
pub mod srp;
mod work_pool;

pub use argon::{UnusableImport, check_imported, is_current};
pub use compromised::Compromised;
pub use generate::temporary_password;
pub use hasher::{PasswordError, Passwords, PasswordsStartError, Verdict};
pub use on_pool::Credentials;
pub use policy::{InvalidPolicy, PasswordPolicy, PolicyRules, PolicyViolation, SYMBOLS};
pub use secret_hash::{secret_hash, verify_secret_hash};
pub use work_pool::{PoolSettings, StartError};
