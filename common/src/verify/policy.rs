//! What a route asks of an authenticated token. It costs string comparisons, so a gateway asks it on every request.

use std::sync::Arc;

use crate::claims::TokenUse;
use crate::reject::Reject;
use crate::verify::profile::Profile;
use crate::verify::times::Leeway;
use crate::verify::verified::Verified;

/// A route's demands.
#[derive(Clone, Debug)]
pub struct Policy {
    pub profile: Profile,
    /// The exact `iss`. Key sets are per issuer, so this only fails where a caller paired the wrong two.
    pub issuer: Arc<str>,
    pub token_use: TokenUse,
    /// App clients that may call; empty means any client of the issuer.
    pub clients: Box<[Box<str>]>,
    /// One of these must be in `aud`. An empty list admits nothing under [`Profile::Rfc9068`] (RFC 9068 §4: the resource server must find
    /// itself there), [`Profile::Auth0`], [`Profile::Entra`] and [`Profile::Okta`]; it asks nothing under [`Profile::Cognito`], whose access
    /// tokens have no `aud`, [`Profile::Keycloak`], whose tokens have one on demand, and [`Profile::Introspected`].
    pub audiences: Box<[Box<str>]>,
    /// Every one of these must be held.
    pub scopes_all: Box<[Box<str>]>,
    /// At least one of these must be held; empty asks nothing.
    pub groups_any: Box<[Box<str>]>,
    pub leeway: Leeway,
}

impl Policy {
    /// Any client and scope of an issuer: the least that can be asked of Cognito's tokens.
    pub fn cognito(issuer: impl Into<Arc<str>>, token_use: TokenUse) -> Self {
        Self {
            profile: Profile::Cognito,
            issuer: issuer.into(),
            token_use,
            clients: Box::default(),
            audiences: Box::default(),
            scopes_all: Box::default(),
            groups_any: Box::default(),
            leeway: Leeway::default(),
        }
    }

    /// Access tokens for `audience`.
    pub fn rfc9068(issuer: impl Into<Arc<str>>, audience: &str) -> Self {
        let audiences: Box<[Box<str>]> = Box::new([audience.into()]);
        Self { profile: Profile::Rfc9068, audiences, ..Self::cognito(issuer, TokenUse::Access) }
    }

    /// Whether a token may pass here: who it is from and for first (401), then what it may do (403).
    pub fn admit(&self, token: &Verified) -> Result<(), Reject> {
        if token.iss != self.issuer || token.profile != self.profile {
            return Err(Reject::WrongIssuer);
        }
        if token.token_use != self.token_use {
            return Err(Reject::WrongTokenUse);
        }
        if !self.clients.is_empty() && !self.clients.contains(&token.client_id) {
            return Err(Reject::WrongClient);
        }
        if !self.admits_audience(token) {
            return Err(Reject::WrongAudience);
        }
        if !self.scopes_all.iter().all(|scope| token.has_scope(scope)) {
            return Err(Reject::InsufficientScope);
        }
        if !self.groups_any.is_empty() && !self.groups_any.iter().any(|group| token.groups.contains(group)) {
            return Err(Reject::GroupNotHeld);
        }
        Ok(())
    }

    fn admits_audience(&self, token: &Verified) -> bool {
        if self.audiences.is_empty() {
            return !self.profile.demands_audience();
        }
        self.audiences.iter().any(|asked| token.audience.contains(asked))
    }
}
