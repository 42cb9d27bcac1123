//! What a presented refresh token is to its session (pure).

use std::time::Duration;

use common::clock::UnixMillis;

use super::model::{Rotation, Session};
use super::refresh_token::RefreshToken;

/// By how much the clocks of two issuers may differ: a retry may reach one whose clock is behind that of the issuer that rotated.
const SKEW: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the one that is good.
    Present,
    /// It was replaced just now; whoever brings it may not have got the answer, and gets the same successor again.
    InGrace,
    /// It is of this session and neither of the two: it was replaced earlier, or it replaced the present one and the storage has lost
    /// that. Two hold tokens of one family (RFC 9700 §4.14.2).
    Reused,
}

impl Standing {
    /// `token` is one of this session's ([`RefreshToken::session`]).
    pub fn of(session: &Session, token: &RefreshToken, now: UnixMillis) -> Self {
        if *token.digest() == session.refresh_digest {
            Self::Present
        } else if token.generation().checked_add(1) == Some(session.rotation.generation)
            && in_grace(&session.rotation, now)
        {
            Self::InGrace
        } else {
            Self::Reused
        }
    }
}

/// Only the token before the present one has a grace: once the successor was used, its holder has got it.
///
/// A clock that was set back to before the rotation can't measure the grace, so it is over.
fn in_grace(rotation: &Rotation, now: UnixMillis) -> bool {
    let (Some(rotated), Some(until)) = (rotation.rotated, rotation.grace_until) else { return false };
    rotated <= now.plus(SKEW) && now < until
}
