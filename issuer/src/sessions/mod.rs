//! Token sessions: one finished sign-in is one row, which is also the refresh family and the `origin_jti` of its tokens
//! (DESIGN §3 "Sign-in model"); and sign-out.
//!
//! Invariants: only the SHA-256 of a refresh token is stored; a session is dead when it is revoked, expired, or begun at or before
//! the user's `valid_after`.

pub mod model;
pub mod ops;
pub mod rows;

pub use self::model::Session;

use crate::aws_json::Registered;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}
