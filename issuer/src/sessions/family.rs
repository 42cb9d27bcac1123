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

#[cfg(test)]
mod tests {
    use common::ids::PoolId;
    use common::secret::SecretString;

    use super::*;
    use crate::codes;
    use crate::envelope::{PoolKey, RootKey};

    const SECOND: u64 = 1_000;

    /// Four tokens of a session that has come to the third, with a grace of 10 s since 100 s.
    fn family() -> (Session, Vec<RefreshToken>) {
        let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
        let key: PoolKey = root.new_pool_key(&PoolId::parse("eu_a").unwrap()).unwrap().0;
        let session = Session::sample();
        let next = |text: &SecretString| Some(RefreshToken::new(&key, text.clone()).successor(&key, &session).unwrap());
        let texts = std::iter::successors(Some(codes::opaque_token().unwrap()), next).take(4);
        let tokens: Vec<RefreshToken> = texts.map(|text| RefreshToken::new(&key, text)).collect();
        let rotation = Rotation {
            generation: 2,
            rotated: Some(UnixMillis(100 * SECOND)),
            grace_until: Some(UnixMillis(110 * SECOND)),
        };
        (Session { refresh_digest: *tokens[2].digest(), rotation, ..session }, tokens)
    }

    #[test]
    fn one_is_good_and_the_one_before_it_has_a_grace() {
        let (session, tokens) = family();
        let standings = |at: u64| tokens.iter().map(|t| Standing::of(&session, t, UnixMillis(at))).collect::<Vec<_>>();
        use Standing::{InGrace, Present, Reused};
        // Two back, one back, the present one, one that the storage knows nothing of.
        for (at, wanted) in [
            (100 * SECOND, [Reused, InGrace, Present, Reused]),
            (110 * SECOND - 1, [Reused, InGrace, Present, Reused]),
            (110 * SECOND, [Reused, Reused, Present, Reused]),
            (1_000 * SECOND, [Reused, Reused, Present, Reused]),
            // An issuer whose clock is a little behind that of the one which rotated.
            (99 * SECOND, [Reused, InGrace, Present, Reused]),
            // A clock that was set back.
            (99 * SECOND - 1, [Reused, Reused, Present, Reused]),
            (0, [Reused, Reused, Present, Reused]),
        ] {
            assert_eq!(standings(at), wanted, "at {at} ms");
        }
    }

    #[test]
    fn a_grace_that_was_closed_or_never_given_is_over() {
        let (mut session, tokens) = family();
        session.rotation.grace_until = None;
        assert_eq!(Standing::of(&session, &tokens[1], UnixMillis(100 * SECOND)), Standing::Reused);
    }
}
