//! A session and whether it lives.

use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId, Sub};

use super::details::Details;
use crate::aws_json::Place;

/// One sign-in of one user with one app client.
#[derive(Clone, Debug)]
pub struct Session {
    pub pool: PoolId,
    /// The claim `origin_jti` of every token of the session: a UUIDv4.
    pub origin_jti: String,
    pub sub: Sub,
    pub client: ClientId,
    /// SHA-256 of the refresh token that is good at present.
    pub refresh_digest: [u8; 32],
    /// Space-separated scopes of its access tokens.
    pub scope: String,
    /// The instant that its first tokens were minted at; sign-out everywhere compares it with `valid_after`.
    pub minted: UnixMillis,
    /// When the user proved who they are (`auth_time`).
    pub authenticated: UnixMillis,
    /// Absolute: refreshing doesn't move it.
    pub expires: UnixMillis,
    pub revoked: Option<UnixMillis>,
    pub rotation: Rotation,
    /// The browser session that it belongs to; its end is the end of this one.
    pub parent: Option<String>,
    /// The key of the device that it comes from, in a pool that remembers devices (the claim `device_key`). It says which device, not
    /// that the device was proven.
    pub device: Option<String>,
    /// When it began, or gave tokens last; `None` of one that an older issuer made, or that was used while the pool tracked none.
    pub active: Option<UnixMillis>,
    /// From where that was. Kept in pools that track sessions only.
    pub seen: Option<Place>,
    /// What its tokens say beyond those of API sign-ins.
    pub details: Details,
}

/// How far the refresh tokens of a session have come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// How often the refresh token was replaced.
    pub generation: u32,
    /// When the present refresh token replaced its predecessor.
    pub rotated: Option<UnixMillis>,
    /// Until when the predecessor gets its successor again. `None` once it is over, and for ever (see [`super::grace`]).
    pub grace_until: Option<UnixMillis>,
}

/// Why a session gives no more tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Dead {
    #[error("Refresh Token has been revoked")]
    Revoked,
    #[error("Refresh Token has expired")]
    Expired,
}

impl Session {
    /// When it was used last, as far as is known.
    pub fn last_active(&self) -> UnixMillis {
        self.active.or(self.rotation.rotated).unwrap_or(self.minted)
    }

    /// `valid_after` is the user's.
    pub fn check(&self, valid_after: UnixMillis, now: UnixMillis) -> Result<(), Dead> {
        if self.revoked.is_some() || self.minted <= valid_after {
            return Err(Dead::Revoked);
        }
        if self.expires <= now {
            return Err(Dead::Expired);
        }
        Ok(())
    }
}

#[cfg(test)]
impl Session {
    pub(super) fn sample() -> Self {
        Self {
            pool: PoolId::parse("eu_a").unwrap(),
            origin_jti: "7f3c1d9e-0a4b-4c6d-8e2f-1b3a5c7d9e0f".into(),
            sub: Sub::parse("0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f").unwrap(),
            client: ClientId::parse("c").unwrap(),
            refresh_digest: [0; 32],
            scope: String::new(),
            minted: UnixMillis(100),
            authenticated: UnixMillis(100),
            expires: UnixMillis(1_000),
            revoked: None,
            rotation: Rotation::default(),
            parent: None,
            device: None,
            active: None,
            seen: None,
            details: Details::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_dies_by_revocation_sign_out_and_time() {
        let session = Session::sample();
        assert_eq!(session.check(UnixMillis(99), UnixMillis(999)), Ok(()));
        assert_eq!(session.check(UnixMillis(100), UnixMillis(999)), Err(Dead::Revoked));
        assert_eq!(session.check(UnixMillis(99), UnixMillis(1_000)), Err(Dead::Expired));
        let revoked = Session { revoked: Some(UnixMillis(5)), ..session };
        assert_eq!(revoked.check(UnixMillis(0), UnixMillis(0)), Err(Dead::Revoked));
    }
}
