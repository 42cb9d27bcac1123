//! One-time codes and opaque tokens.
//!
//! A code is six digits, so its safety is in its bounds: it has a purpose, a subject and often a target (the address that it was
//! sent to), an end, a number of attempts that is counted *before* the comparison, and it works once. Only a keyed hash of all of that is
//! stored: a stolen database without the root key does not give up a code, and a row copied to another user, purpose or target
//! matches nothing.
//!
//! An opaque token has 256 bits, so its plain SHA-256 is enough.

mod check;
mod code;
mod rows;
mod token;

pub use check::{CodeError, check};
pub use code::{Code, CodeSlot, FIXED, MAX_ATTEMPTS, fix, issue};
pub use rows::{MIGRATIONS, discard, forget, forget_all, prune};
pub use token::{opaque_token, token_digest};
