//! A verified token and the names under which it can be revoked.

use common::clock::UnixMillis;
use common::verify::Verified;

use crate::snapshot::deaths::Fingerprint;

/// What a good token says. Immutable: it is shared by every request that brings the same token.
#[derive(Debug)]
pub struct Identity {
    pub token: Verified,
    pub names: RevocableNames,
    /// The millisecond in which it was made, or the start of that second (see [`common::verify::not_before`]).
    pub minted: UnixMillis,
}

/// Hashed once, when the token is first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocableNames {
    pub token: Option<Fingerprint>,
    pub session: Option<Fingerprint>,
    pub user: Fingerprint,
    pub device: Option<Fingerprint>,
    pub client: Fingerprint,
    pub key: Fingerprint,
}

impl Identity {
    pub fn new(token: Verified) -> Self {
        let names = RevocableNames {
            token: token.jti.as_deref().map(Fingerprint::of),
            session: token.origin_jti.as_deref().map(Fingerprint::of),
            user: Fingerprint::of(&token.sub),
            device: token.device_key.as_deref().map(Fingerprint::of),
            client: Fingerprint::of(&token.client_id),
            key: Fingerprint::of(&token.kid),
        };
        let minted = token.mint.unwrap_or(UnixMillis::from_seconds(token.iat.seconds()));
        Self { token, names, minted }
    }

    /// Bytes on the heap, roughly.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.token.weight()
    }
}
