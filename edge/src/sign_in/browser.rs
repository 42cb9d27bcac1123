//! What the edge has of the browser that sends a request on a route where people sign in.

use std::sync::Arc;

use common::clock::UnixMillis;
use common::reject::Reject;
use common::secret::SecretString;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::assertion::Terms;
use super::desk::Desk;
use super::refresh::Refreshed;
use super::session::Session;
use super::visit::{Visit, is_cross_site, is_navigation};
use crate::snapshot::identity::Identity;

/// A session that is younger has just been signed in to: if it is refused, another sign-in would be, too, and the browser go round in circles;
/// seconds.
const JUST_NOW: u64 = 30;

pub struct Browser {
    pub desk: Arc<Desk>,
    /// None: it has none, or the request has credentials of its own.
    pub session: Option<Session>,
    /// What the answer sets.
    pub cookies: Vec<HeaderValue>,
    /// Its tokens have been refreshed for this request, or could not be.
    asked: bool,
}

/// Why another sign-in would help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// There is no session, or none that is good.
    Anew,
    /// RFC 9470: the user is to authenticate again, or better.
    Later,
    Better,
}

impl Again {
    /// Whether one would, where this is why a request is refused.
    pub fn after(reject: Reject) -> Option<Self> {
        match reject {
            Reject::MissingToken
            | Reject::Expired
            | Reject::TokenInactive
            | Reject::UnknownKey
            | Reject::TokenRevoked
            | Reject::SessionRevoked
            | Reject::DeviceRevoked
            | Reject::UserRevoked
            | Reject::KeyRevoked => Some(Self::Anew),
            Reject::AuthenticationTooOld => Some(Self::Later),
            Reject::AuthenticationTooWeak => Some(Self::Better),
            _ => None,
        }
    }
}

impl Browser {
    /// `Authorization` counts for more than a session. What other sites make a browser send counts for nobody, unless somebody follows a link.
    pub fn of(desk: Arc<Desk>, visit: Visit<'_>) -> Self {
        let by_itself = visit.headers.contains_key(AUTHORIZATION);
        let foreign = is_cross_site(visit.headers) && !is_navigation(visit.method, visit.headers);
        let session = if by_itself || foreign { None } else { desk.session(visit.host, visit.headers, visit.now) };
        let mut browser = Self { desk, session, cookies: Vec::new(), asked: false };
        if let Some(session) = &mut browser.session
            && session.touch(&browser.desk.settings, visit.now)
        {
            browser.cookies = browser.desk.cookies(session, visit.host, visit.headers, visit.now).unwrap_or_default();
        }
        browser
    }

    /// The token that is judged.
    pub fn token(&self) -> Option<&str> {
        self.session.as_ref()?.judged(self.desk.settings.judged)
    }

    /// The session whose tokens must be refreshed before the request can be judged.
    pub fn wants_refresh(&self, now: UnixMillis) -> Option<&Session> {
        self.session.as_ref().filter(|session| !self.asked && session.wants_refresh(now))
    }

    /// Goes on with what came of it. A token that is still good serves for as long as it is.
    pub fn refreshed(&mut self, refreshed: Refreshed, visit: Visit<'_>) -> Result<(), Reject> {
        self.asked = true;
        let expired = self.session.as_ref().is_some_and(|session| session.has_expired(visit.now));
        match refreshed {
            Refreshed::Session(session) => {
                self.cookies = self.desk.cookies(&session, visit.host, visit.headers, visit.now).unwrap_or_default();
                self.session = Some(Session::clone(&session));
                Ok(())
            }
            Refreshed::Over if expired => {
                self.session = None;
                Ok(())
            }
            Refreshed::Failed if expired => Err(Reject::SignInUnavailable),
            Refreshed::Over | Refreshed::Failed => Ok(()),
        }
    }

    /// Its user has signed in just now: whatever is wrong with the session, another one would have it, too.
    pub fn has_just_signed_in(&self, now: UnixMillis) -> bool {
        self.session.as_ref().is_some_and(|session| now.seconds() < session.created.saturating_add(JUST_NOW))
    }

    /// What goes upstream of the session, besides what goes there of any token.
    pub fn add_to(&self, headers: &mut HeaderMap, identity: Option<&Identity>, origin: &str, now: UnixMillis) {
        let settings = &self.desk.settings;
        if let (true, Some(session)) = (settings.forward_token, &self.session)
            && let Some(value) = bearer(&session.access)
        {
            headers.insert(AUTHORIZATION, value);
        }
        let (Some(signer), Some(header), Some(identity)) = (&self.desk.signer, &settings.identity, identity) else {
            return;
        };
        let audience = header.audience.as_deref().unwrap_or(origin);
        let terms = Terms { origin, audience, now };
        if let Some(value) = signer.state(identity, self.session.as_ref(), terms) {
            headers.insert(header.name.clone(), value);
        }
    }
}

fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).ok()?;
    value.set_sensitive(true);
    Some(value)
}
