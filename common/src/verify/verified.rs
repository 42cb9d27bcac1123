//! A token that stood every check that depends on it alone.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::claims::TokenUse;
use crate::clock::UnixMillis;
use crate::jose::json::Object;
use crate::reject::Reject;
use crate::verify::claim::ClaimPath;
use crate::verify::confirmation::Confirmation;
use crate::verify::profile::Profile;
use crate::verify::providers;
use crate::verify::times::{self, Leeway};

/// What an authenticated token says. Only [`crate::verify::authenticate`] and introspection make one. The user is (`iss`, `sub`), never a name
/// or an address (SECURITY.md E08).
#[derive(Clone)]
pub struct Verified {
    pub iss: Arc<str>,
    /// What its sender must hold besides; [`Verified::held_by`] asks.
    pub confirmation: Option<Box<Confirmation>>,
    pub sub: Box<str>,
    pub token_use: TokenUse,
    /// The app client: `client_id`, the `aud` of a Cognito ID token, or what the profile has in its place.
    pub client_id: Box<str>,
    pub audience: Box<[Box<str>]>,
    /// Space-separated, as on the wire; see [`Verified::scopes`].
    pub scope: Box<str>,
    /// `cognito:groups`, the `groups` of RFC 9068 §2.2.3.1, or what the profile has in their place.
    pub groups: Box<[Box<str>]>,
    pub username: Option<Box<str>>,
    pub jti: Option<Box<str>>,
    /// When it was made, to the millisecond, if its `jti` is a UUIDv7.
    pub mint: Option<UnixMillis>,
    /// The session (refresh family) that it belongs to.
    pub origin_jti: Option<Box<str>>,
    pub device_key: Option<Box<str>>,
    pub exp: UnixMillis,
    pub iat: UnixMillis,
    pub auth_time: Option<UnixMillis>,
    /// The key that signed it; empty where an endpoint vouched for it.
    pub kid: Arc<str>,
    pub profile: Profile,
    pub(super) leeway: Leeway,
    pub(super) claims: Object,
}

impl Verified {
    /// The one check that time can change: `exp`. A token that was not too early once is not too early later.
    pub fn still_valid(&self, now: UnixMillis) -> Result<(), Reject> {
        if times::is_over(self.exp, self.leeway, now) { Err(Reject::Expired) } else { Ok(()) }
    }

    /// When [`Verified::still_valid`] turns: `exp` plus the leeway.
    pub fn dies_at(&self) -> UnixMillis {
        self.exp.plus(self.leeway.span())
    }

    /// Whether the user authenticated at most `span` ago, give or take the leeway. A time to come proves nothing.
    pub fn authenticated_within(&self, span: Duration, now: UnixMillis) -> bool {
        let Some(auth_time) = self.auth_time else { return false };
        let leeway = self.leeway.span();
        auth_time <= now.plus(leeway) && now <= auth_time.plus(span).plus(leeway)
    }

    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.split(' ').filter(|scope| !scope.is_empty())
    }

    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|held| held == scope)
    }

    /// Any claim as text for a header: a string as it is, an array of strings joined with commas, and other values as their
    /// JSON. `None` where there is no such claim or it is `null`, where a text would break out of a header field, and where an item of the
    /// array has a comma itself: whoever splits the list again would find an item that was never granted.
    /// `iss` is there always: an introspection answer may leave it out (RFC 7662 §2.2), and the issuer is known all the same.
    pub fn claim_text(&self, name: &str) -> Option<Cow<'_, str>> {
        if name == "iss" {
            return Some(Cow::Borrowed(&self.iss));
        }
        let raw = self.claims.raw(name)?;
        let text = match raw.as_bytes().first() {
            Some(b'"') => self.claims.text(name).ok()??,
            Some(b'[') => match self.claims.value::<Vec<String>>(name) {
                Ok(items) => Cow::Owned(joined(&items?)?),
                Err(_) => Cow::Borrowed(raw),
            },
            Some(b'n') => return None,
            _ => Cow::Borrowed(raw),
        };
        (!text.chars().any(char::is_control)).then_some(text)
    }

    /// The same for a claim at any depth.
    pub fn claim_text_at(&self, path: &ClaimPath) -> Option<Cow<'_, str>> {
        if !path.is_nested() {
            return self.claim_text(path.top());
        }
        let top: Value = serde_json::from_str(self.claims.raw(path.top())?).ok()?;
        let text = match path.below(&top)? {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            Value::Array(items) => match items.iter().map(Value::as_str).collect::<Option<Vec<_>>>() {
                Some(items) => joined(&items)?,
                None => Value::Array(items.clone()).to_string(),
            },
            value => value.to_string(),
        };
        (!text.chars().any(char::is_control)).then_some(Cow::Owned(text))
    }

    /// The values of a claim at any depth as texts: of an array its items that are no arrays or objects, of anything else the one. None where there is no
    /// such claim, or it is `null` or an object.
    pub fn claim_values(&self, path: &ClaimPath) -> Vec<String> {
        if path.top() == "iss" && !path.is_nested() {
            return vec![self.iss.to_string()];
        }
        let top = self.claims.raw(path.top()).and_then(|raw| serde_json::from_str::<Value>(raw).ok());
        let value = top.as_ref().and_then(|top| if path.is_nested() { path.below(top) } else { Some(top) });
        let items = match value {
            Some(Value::Array(items)) => items.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let text = |item: &Value| match item {
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) => Some(item.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        items.iter().filter_map(text).collect()
    }

    /// A claim at any depth as a key to count by, with whatever characters it has: nobody gets out of a count by a claim that no header could hold.
    /// Lists and objects are their JSON. `None` where there is no such claim or it is `null`.
    pub fn claim_key(&self, path: &ClaimPath) -> Option<Cow<'_, str>> {
        if path.is_nested() {
            let top: Value = serde_json::from_str(self.claims.raw(path.top())?).ok()?;
            return match path.below(&top)? {
                Value::Null => None,
                Value::String(text) => Some(Cow::Owned(text.clone())),
                value => Some(Cow::Owned(value.to_string())),
            };
        }
        match path.top() {
            "iss" => Some(Cow::Borrowed(&*self.iss)),
            "sub" => Some(Cow::Borrowed(&*self.sub)),
            name => match self.claims.raw(name)? {
                raw if raw.starts_with('"') => self.claims.text(name).ok()?,
                "null" => None,
                raw => Some(Cow::Borrowed(raw)),
            },
        }
    }

    /// This token with the groups that these claims list instead of the profile's own; see docs/CONFIG.md for what a path may be.
    pub fn with_groups_at(mut self, paths: &[Box<str>]) -> Self {
        self.groups = providers::lists_at(&self.claims, paths.iter().map(|path| &**path));
        self
    }

    /// All claims as received.
    pub fn claims(&self) -> &Object {
        &self.claims
    }

    /// Bytes on the heap, near enough for the budget of a cache.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.claims.as_str().len() * 2 + self.claims.names().count() * 24
    }
}

fn joined<S: AsRef<str>>(items: &[S]) -> Option<String> {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    (!items.iter().any(|item| item.contains(','))).then(|| items.join(","))
}

impl fmt::Debug for Verified {
    /// Nothing about the user.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("iss", &self.iss)
            .field("token_use", &self.token_use)
            .field("client_id", &self.client_id)
            .field("kid", &self.kid)
            .field("exp", &self.exp)
            .finish_non_exhaustive()
    }
}
