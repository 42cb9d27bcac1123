//! What an introspection endpoint says of a token (RFC 7662), read as strictly as a token.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::UnixMillis;
use crate::jose::MAX_TOKEN_BYTES;
use crate::jose::json::Object;
use crate::reject::Reject;
use crate::verify::confirmation::Confirmation;
use crate::verify::profile::{Profile, optional, required};
use crate::verify::times::{self, Leeway};
use crate::verify::verified::Verified;

/// Longest answer that is read; bytes.
pub const MAX_INTROSPECTION_BYTES: usize = 64 * 1024;
/// Longest token that is sent to an endpoint; bytes.
pub const MAX_OPAQUE_BYTES: usize = MAX_TOKEN_BYTES;

/// The terms under which an issuer's answers are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntrospectionTerms {
    /// What `iss` must be where the answer has one, and whose token it is in any case.
    pub iss: Arc<str>,
    pub leeway: Leeway,
    /// How long a token is taken to live whose answer has no `exp`.
    pub without_exp: Duration,
}

/// An answer that could be read.
#[derive(Debug)]
pub enum Introspected {
    /// Good: a verified token like others.
    Active(Box<Verified>),
    /// `active` is false: expired, revoked, of another server, or never made; the endpoint does not say which (RFC 7662 §2.2).
    Inactive,
    /// Active, and not what an access token of this issuer is.
    Refused(Reject),
}

/// The answer is none: not JSON with one reading, or without a boolean `active`. It says nothing about the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is no JSON object with a boolean `active`")]
pub struct UnreadableAnswer;

/// Whether the text may be asked about at all: the syntax of bearer tokens (RFC 6750 §2.1), within [`MAX_OPAQUE_BYTES`].
pub fn is_opaque_token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    (1..=MAX_OPAQUE_BYTES).contains(&token.len()) && !body.is_empty() && body.bytes().all(allowed)
}

/// Whether a token is meant as a compact JWS: three parts, of which the first begins like the base64url of `{`.
pub fn looks_like_jws(token: &str) -> bool {
    let mut start = token.bytes();
    let brace = start.next() == Some(b'e')
        && start.next().is_some_and(|second| matches!(second, b'w'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    brace && token.bytes().filter(|byte| *byte == b'.').count() == 2
}

impl IntrospectionTerms {
    /// Reads the body of an answer with status 200.
    pub fn read(&self, body: &str, now: UnixMillis) -> Result<Introspected, UnreadableAnswer> {
        let claims = Object::parse(body).map_err(|_| UnreadableAnswer)?;
        match claims.value::<bool>("active") {
            Ok(Some(true)) => Ok(match self.verified(claims, now) {
                Ok(verified) => Introspected::Active(Box::new(verified)),
                Err(reject) => Introspected::Refused(reject),
            }),
            Ok(Some(false)) => Ok(Introspected::Inactive),
            Ok(None) | Err(_) => Err(UnreadableAnswer),
        }
    }

    fn verified(&self, claims: Object, now: UnixMillis) -> Result<Verified, Reject> {
        const PROFILE: Profile = Profile::Introspected;
        if optional(&claims, "iss")?.is_some_and(|iss| *iss != *self.iss) {
            return Err(Reject::WrongIssuer);
        }
        let identity = PROFILE.identity(&claims)?;
        let times = times::check_introspected(&claims, self.leeway, self.without_exp, now)?;
        // RFC 8705 §3.2, RFC 9449 §6.2.
        let confirmation = Confirmation::read(&claims)?.map(Box::new);
        Ok(Verified {
            iss: Arc::clone(&self.iss),
            confirmation,
            // Not `client_id` in its place: a client could have been registered under the name of a user (RFC 9700 §4.15).
            sub: required(&claims, "sub")?,
            token_use: identity.token_use,
            client_id: identity.client_id,
            audience: identity.audience,
            scope: PROFILE.scope(&claims)?,
            groups: PROFILE.groups(&claims)?,
            username: optional(&claims, "username")?,
            jti: optional(&claims, "jti")?,
            mint: None,
            origin_jti: None,
            device_key: None,
            exp: times.exp,
            iat: times.iat,
            auth_time: times.auth_time,
            kid: "".into(),
            profile: PROFILE,
            leeway: self.leeway,
            claims,
        })
    }
}
