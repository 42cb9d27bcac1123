//! A browser's session: all of it lies in its cookies, sealed.

use std::time::Duration;

use common::claims::TokenUse;
use common::clock::UnixMillis;
use common::jose::{base64url_decode, base64url_encode};
use common::secret::SecretString;
use serde::{Deserialize, Serialize};

use crate::snapshot::sign_in::SignIn;

/// A token with less left is refreshed before it is used.
const SOON: Duration = Duration::from_secs(60);

/// Who is signed in, and by what. Times are whole seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub access: SecretString,
    pub refresh: Option<SecretString>,
    pub id: Option<SecretString>,
    pub sub: String,
    pub sid: Option<String>,
    pub username: Option<String>,
    pub email: Option<String>,
    /// When the user signed in.
    pub created: u64,
    /// The last request, as far as it is noted.
    pub seen: u64,
    /// Of the token that is judged.
    pub expires: u64,
}

impl Session {
    /// What the token gate is to see.
    pub fn judged(&self, judged: TokenUse) -> Option<&str> {
        match judged {
            TokenUse::Access => Some(self.access.expose()),
            TokenUse::Id => self.id.as_ref().map(SecretString::expose),
        }
    }

    /// Whether it is over, whatever its tokens say.
    pub fn is_over(&self, settings: &SignIn, now: UnixMillis) -> bool {
        let idle = settings.idle.is_some_and(|idle| now.seconds() >= self.seen.saturating_add(idle.as_secs()));
        idle || self.left(settings, now) == 0
    }

    /// Seconds until its end.
    pub fn left(&self, settings: &SignIn, now: UnixMillis) -> u64 {
        self.created.saturating_add(settings.life.as_secs()).saturating_sub(now.seconds())
    }

    /// Whether its token needs to be replaced now or soon, and can be.
    pub fn wants_refresh(&self, now: UnixMillis) -> bool {
        self.refresh.is_some() && self.expires <= now.plus(SOON).seconds()
    }

    pub fn has_expired(&self, now: UnixMillis) -> bool {
        self.expires <= now.seconds()
    }

    /// Notes a request, if the time has come to write that down.
    pub fn touch(&mut self, settings: &SignIn, now: UnixMillis) -> bool {
        let Some(idle) = settings.idle else { return false };
        let due = now.seconds() >= self.seen.saturating_add((idle.as_secs() / 8).max(1));
        if due {
            self.seen = now.seconds();
        }
        due
    }

    /// Bytes on the heap, roughly.
    pub fn weight(&self) -> usize {
        let of = |token: &Option<SecretString>| token.as_ref().map_or(0, |token| token.expose().len());
        let texts = [&self.sid, &self.username, &self.email].map(|text| text.as_ref().map_or(0, String::len));
        size_of::<Self>()
            + self.access.expose().len()
            + of(&self.refresh)
            + of(&self.id)
            + self.sub.len()
            + texts.iter().sum::<usize>()
    }

    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let packed = |token: &Option<SecretString>| token.as_ref().map(|token| Packed::of(token.expose()));
        let wire = Wire {
            access: Packed::of(self.access.expose()),
            refresh: packed(&self.refresh),
            id: packed(&self.id),
            sub: self.sub.clone(),
            sid: self.sid.clone(),
            username: self.username.clone(),
            email: self.email.clone(),
            created: self.created,
            seen: self.seen,
            expires: self.expires,
        };
        postcard::to_stdvec(&wire).ok()
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let wire: Wire = postcard::from_bytes(bytes).ok()?;
        Some(Self {
            access: wire.access.text(),
            refresh: wire.refresh.map(Packed::text),
            id: wire.id.map(Packed::text),
            sub: wire.sub,
            sid: wire.sid,
            username: wire.username,
            email: wire.email,
            created: wire.created,
            seen: wire.seen,
            expires: wire.expires,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    access: Packed,
    refresh: Option<Packed>,
    id: Option<Packed>,
    sub: String,
    sid: Option<String>,
    username: Option<String>,
    email: Option<String>,
    created: u64,
    seen: u64,
    expires: u64,
}

/// A token in a quarter less space where it is base64url with dots between, as JWS and JWE are.
#[derive(Serialize, Deserialize)]
enum Packed {
    Text(String),
    Parts(Vec<Vec<u8>>),
}

impl Packed {
    fn of(token: &str) -> Self {
        let parts: Result<Vec<Vec<u8>>, _> = token.split('.').map(base64url_decode).collect();
        match parts.map(Self::Parts) {
            // To the letter, or not at all.
            Ok(packed) if packed.joined().as_deref() == Some(token) => packed,
            _ => Self::Text(token.to_owned()),
        }
    }

    fn joined(&self) -> Option<String> {
        match self {
            Self::Text(_) => None,
            Self::Parts(parts) => Some(parts.iter().map(base64url_encode).collect::<Vec<_>>().join(".")),
        }
    }

    fn text(self) -> SecretString {
        match self {
            Self::Text(text) => text.into(),
            parts @ Self::Parts(_) => parts.joined().unwrap_or_default().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(access: &str) -> Session {
        Session {
            access: access.to_owned().into(),
            refresh: Some("opaque/+=".to_owned().into()),
            id: None,
            sub: "ada".into(),
            sid: Some("s".into()),
            username: None,
            email: Some("ada@example.com".into()),
            created: 1,
            seen: 2,
            expires: 3,
        }
    }

    #[test]
    fn tokens_come_back_to_the_letter() {
        for token in ["e30.e30.AAAA", "a..b", "", "e30.e31", "opaque", "x.y=z", "ab.", "{}", "é"] {
            let before = session(token);
            let bytes = before.to_bytes().unwrap();
            assert_eq!(Session::from_bytes(&bytes).unwrap(), before, "{token}");
        }
        let jwt = format!("{0}.{0}.{0}", base64url_encode([7; 600]));
        assert!(session(&jwt).to_bytes().unwrap().len() < jwt.len() * 4 / 5);
        assert!(!format!("{:?}", session("secret-token")).contains("secret-token"));
    }
}
