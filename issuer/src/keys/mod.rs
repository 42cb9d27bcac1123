//! Signing keys: the only holder of private keys.
//!
//! A key goes pending → active → retiring → retired, or is revoked on the way ([`rules`]). It is published while pending, so that
//! every verifier knows it before the first token that it signs, and stays published while retiring, until the last token that it
//! signed has ended. A pool has one active key for ID tokens and another for access tokens, as Cognito has. `kid` is the RFC 7638
//! thumbprint.
//!
//! Invariants:
//! - Private keys are stored enveloped for their own row, and removed from it when the key is retired or revoked.
//! - At most one key of a pool and purpose is active, and at most one pending: unique indexes hold it.
//! - Nothing here returns a private key; the rest of the issuer gets signatures.

mod error;
pub mod federation;
mod generate;
mod key_ring;
mod published;
mod rotation;
mod rows;
pub mod rules;
mod signed;

pub use error::KeyError;
pub use generate::{UnsupportedCpu, check_cpu};
pub use key_ring::KeyRing;
pub use rotation::{KeyChange, Rotation};
pub use rows::{MIGRATIONS, all as all_keys, changed_since, pools_due, pools_with_keys};
pub use rules::{KeyFacts, KeyState, MAX_PER_PURPOSE, Purpose, RotationPolicy, Step};
pub use signed::SignedToken;

#[cfg(test)]
mod suite;
