//! What a route asks of an authenticated token. It costs comparisons, so a gateway asks it of each token once, and only
//! [`Policy::is_recent`], which depends on the time, on every request.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::claims::TokenUse;
use crate::clock::UnixMillis;
use crate::reject::Reject;
use crate::verify::claim::ClaimRule;
use crate::verify::confirmation::Held;
use crate::verify::profile::Profile;
use crate::verify::times::Leeway;
use crate::verify::verified::Verified;

/// A route's demands. An empty list asks nothing, if it does not say otherwise.
#[derive(Clone, Debug)]
pub struct Policy {
    pub profile: Profile,
    /// The exact `iss`. Key sets are per issuer, so this only fails where a caller paired the wrong two.
    pub issuer: Arc<str>,
    pub token_use: TokenUse,
    /// App clients that may call; empty means any client of the issuer.
    pub clients: Box<[Box<str>]>,
    /// One of these must be in `aud`. An empty list admits nothing under [`Profile::Rfc9068`] (RFC 9068 §4: the resource server must find
    /// itself there), [`Profile::Auth0`], [`Profile::Entra`], [`Profile::Okta`] and [`Profile::OpenId`]. Under [`Profile::Cognito`] it admits access tokens without
    /// `aud`, as sign-ins give them, and those with the issuer in it; one that names somebody is for them (RFC 7519 §4.1.3). It asks nothing under [`Profile::Keycloak`], whose tokens have one on demand, and [`Profile::Introspected`].
    pub audiences: Box<[Box<str>]>,
    /// Whoever `aud` names: for the issuer itself, which exchanges such tokens.
    pub for_anyone: bool,
    /// Every one of these must be held.
    pub scopes_all: Box<[Box<str>]>,
    /// At least one of these must be held.
    pub scopes_any: Box<[Box<str>]>,
    /// Every one of these must be held.
    pub groups_all: Box<[Box<str>]>,
    /// At least one of these must be held.
    pub groups_any: Box<[Box<str>]>,
    /// All of them must be met.
    pub claims: Arc<[ClaimRule]>,
    /// Methods of authentication (`amr`, RFC 8176), every one of which was used.
    pub amr_all: Box<[Box<str>]>,
    /// Methods of authentication of which one was used.
    pub amr_any: Box<[Box<str>]>,
    /// Authentication contexts (`acr`) of which the token must have one, the preferred first (RFC 9470 §3).
    pub acr_any: Box<[Box<str>]>,
    /// How long ago the user may have authenticated (`auth_time`, RFC 9470 §6.1).
    pub max_age: Option<Duration>,
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
            for_anyone: false,
            scopes_all: Box::default(),
            scopes_any: Box::default(),
            groups_all: Box::default(),
            groups_any: Box::default(),
            claims: Arc::default(),
            amr_all: Box::default(),
            amr_any: Box::default(),
            acr_any: Box::default(),
            max_age: None,
            leeway: Leeway::default(),
        }
    }

    /// Access tokens for `audience`.
    pub fn rfc9068(issuer: impl Into<Arc<str>>, audience: &str) -> Self {
        let audiences: Box<[Box<str>]> = Box::new([audience.into()]);
        Self { profile: Profile::Rfc9068, audiences, ..Self::cognito(issuer, TokenUse::Access) }
    }

    /// Whether a token may pass here, by what is written in it: who it is from and for (401), then what it may do (403), then how its
    /// user authenticated (401). The last comes last so that nobody is sent to authenticate again for what they may not do. Who sends it
    /// was asked before ([`Verified::held_by`]).
    pub fn admit(&self, token: &Verified, _held: &Held) -> Result<(), Reject> {
        self.is_for_here(token)?;
        self.is_permitted(token)?;
        self.is_strong(token)
    }

    /// Whether the user authenticated lately enough (RFC 9470 §6.1). A token that does not say when, or says a time to come, is refused.
    pub fn is_recent(&self, token: &Verified, now: UnixMillis) -> Result<(), Reject> {
        match self.max_age {
            Some(max_age) if !token.authenticated_within(max_age, now) => Err(Reject::AuthenticationTooOld),
            _ => Ok(()),
        }
    }

    /// Every demand that the token does not meet, with the refusal that it alone would mean: for explanations, in the order in which
    /// [`Policy::admit`] and [`Policy::is_recent`] ask.
    pub fn unmet(&self, token: &Verified, now: UnixMillis) -> Vec<(Reject, String)> {
        let mut unmet: Vec<_> =
            self.is_for_here(token).err().map(|reject| (reject, reject.to_string())).into_iter().collect();
        let mut ask = |met: bool, reject: Reject, what: String| {
            if !met {
                unmet.push((reject, what));
            }
        };
        for scope in &self.scopes_all {
            ask(token.has_scope(scope), Reject::InsufficientScope, format!("scope {scope:?}"));
        }
        ask(self.has_any_scope(token), Reject::InsufficientScope, format!("one of the scopes {:?}", self.scopes_any));
        for group in &self.groups_all {
            ask(token.groups.contains(group), Reject::GroupNotHeld, format!("group {group:?}"));
        }
        ask(self.has_any_group(token), Reject::GroupNotHeld, format!("one of the groups {:?}", self.groups_any));
        for rule in self.claims.iter() {
            ask(rule.is_met(&token.claims), Reject::ClaimNotHeld, format!("claim {rule}"));
        }
        let weak = Reject::AuthenticationTooWeak;
        ask(self.has_acr(token), weak, format!("one of the contexts {:?} in `acr`", self.acr_any));
        ask(
            self.has_amr(token),
            weak,
            format!("methods in `amr`: all of {:?}, one of {:?}", self.amr_all, self.amr_any),
        );
        let span = self.max_age.unwrap_or_default();
        ask(
            self.is_recent(token, now).is_ok(),
            Reject::AuthenticationTooOld,
            format!("`auth_time` at most {span:?} ago"),
        );
        unmet
    }

    fn is_for_here(&self, token: &Verified) -> Result<(), Reject> {
        if token.iss != self.issuer || token.profile != self.profile {
            return Err(Reject::WrongIssuer);
        }
        if token.token_use != self.token_use {
            return Err(Reject::WrongTokenUse);
        }
        if !self.clients.is_empty() && !self.clients.contains(&token.client_id) {
            return Err(Reject::WrongClient);
        }
        if self.admits_audience(token) { Ok(()) } else { Err(Reject::WrongAudience) }
    }

    fn is_permitted(&self, token: &Verified) -> Result<(), Reject> {
        if !self.scopes_all.iter().all(|scope| token.has_scope(scope)) || !self.has_any_scope(token) {
            return Err(Reject::InsufficientScope);
        }
        if !self.groups_all.iter().all(|group| token.groups.contains(group)) || !self.has_any_group(token) {
            return Err(Reject::GroupNotHeld);
        }
        if self.claims.iter().all(|rule| rule.is_met(&token.claims)) { Ok(()) } else { Err(Reject::ClaimNotHeld) }
    }

    fn is_strong(&self, token: &Verified) -> Result<(), Reject> {
        if self.has_acr(token) && self.has_amr(token) { Ok(()) } else { Err(Reject::AuthenticationTooWeak) }
    }

    fn has_any_scope(&self, token: &Verified) -> bool {
        self.scopes_any.is_empty() || self.scopes_any.iter().any(|scope| token.has_scope(scope))
    }

    fn has_any_group(&self, token: &Verified) -> bool {
        self.groups_any.is_empty() || self.groups_any.iter().any(|group| token.groups.contains(group))
    }

    /// OpenID Connect Core §2: `acr` is a string.
    fn has_acr(&self, token: &Verified) -> bool {
        self.acr_any.is_empty()
            || matches!(token.claims.text("acr"), Ok(Some(acr)) if self.acr_any.iter().any(|asked| **asked == *acr))
    }

    /// RFC 8176 §1: `amr` is an array of strings.
    fn has_amr(&self, token: &Verified) -> bool {
        if self.amr_all.is_empty() && self.amr_any.is_empty() {
            return true;
        }
        let Ok(Some(used)) = token.claims.value::<Vec<Cow<'_, str>>>("amr") else { return false };
        let was_used = |method: &str| used.iter().any(|used| **used == *method);
        self.amr_all.iter().all(|method| was_used(method))
            && (self.amr_any.is_empty() || self.amr_any.iter().any(|method| was_used(method)))
    }

    fn admits_audience(&self, token: &Verified) -> bool {
        if self.for_anyone {
            return true;
        }
        if self.audiences.is_empty() {
            // Of the pool's own clients: the issuer in it is the default that RFC 9068 §3 wants, and means no one in particular.
            let names_none = match &*token.audience {
                [] => true,
                [one] => self.profile == Profile::Cognito && **one == *token.iss,
                _ => false,
            };
            let is_plain_access = self.profile == Profile::Cognito && self.token_use == TokenUse::Access;
            return !self.profile.demands_audience() && (names_none || !is_plain_access);
        }
        self.audiences.iter().any(|asked| token.audience.contains(asked))
    }
}
