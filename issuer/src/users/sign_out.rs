//! The end of all tokens of a user: sign-out everywhere, disabling, a new password (DESIGN §3 "Not-before").
//!
//! `valid_after` becomes max(now, newest mint), and the statement that sets it misses when a token was minted meanwhile: a token
//! is either covered, or minted after the sign-out with a later instant.

use common::clock::UnixMillis;
use common::feed::{Change, Revoked};

use super::model::User;
use super::rows;
use crate::store::Statement;

/// How often a write is tried again when sign-ins of the same user keep running into it.
pub const TRIES: usize = 20;

/// The statement and what edges must learn. The batch misses at the statement when the user changed since it was read.
pub fn everywhere(user: &User, now: UnixMillis) -> (Statement, Change) {
    let valid_after = now.max(user.newest_mint).max(user.valid_after);
    let change = Change::Revoked(Revoked::User { sub: user.sub.clone(), valid_after });
    (rows::set_valid_after(user, valid_after), change)
}
