//! Browser sessions ([`browser`]) and token sessions: one finished sign-in is one row, which is also the refresh family and the `origin_jti` of its tokens
//! (DESIGN §3 "Sign-in model"); and sign-out.
//!
//! Invariants: only the SHA-256 of a refresh token is stored; a session is dead when it is revoked, expired, or begun at or before
//! the user's `valid_after`; of all refresh tokens that a session ever had, one is good, and one more during its grace.

pub mod browser;
mod details;
pub mod end;
mod family;
pub mod grace;
mod id;
pub mod limit;
mod list;
pub mod model;
pub mod ops;
mod refresh_token;
pub mod rows;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod tracking_suite;

pub use self::browser::BrowserSession;
pub use self::details::{Binding, Details};
pub use self::family::Standing;
pub use self::model::{Rotation, Session};
pub use self::refresh_token::RefreshToken;

use cognito_model::{Exception, Fault};
use common::ids::PoolId;
use common::secret::SecretString;

use crate::aws_json::{Call, Registered};
use crate::clients::Client;
use crate::pools::Pool;
use crate::services::Services;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// The session of a refresh token, whichever of the session's it is, and the token as it was read.
pub async fn of_token(
    services: &Services,
    pool: &PoolId,
    text: &SecretString,
) -> Result<Option<(Session, RefreshToken)>, Fault> {
    let key = services.pool_keys.key(pool).await?;
    let token = RefreshToken::new(&key, text.clone());
    let row = services.store.one(token.session(pool)).await?;
    let session = row.map(|row| rows::session(&row)).transpose()?;
    Ok(session.map(|session| (session, token)))
}

/// Ends the session of a refresh token that a client, which has proven itself, wants revoked: the token and every access and ID token that came from it.
/// A token that was rotated out is as good for it as its successor. An unknown or already revoked token is answered like a revoked one (RFC 7009 §2.2).
///
/// # Errors
/// `UnsupportedOperationException` where the client has no token revocation, `UnsupportedTokenTypeException` for access and ID tokens,
/// `UnauthorizedException` for another client's token, storage.
pub async fn revoke_presented(call: &Call, pool: &Pool, client: &Client, token: &SecretString) -> Result<(), Fault> {
    if !client.settings.enable_token_revocation {
        let text = "Revocation is not enabled for this client.";
        return Err(Fault::new(Exception::UnsupportedOperation, text));
    }
    // An ID or access token is a JWS: two dots.
    if token.expose().matches('.').count() == 2 {
        return Err(Fault::new(Exception::UnsupportedTokenType, "The token type is not supported"));
    }
    let Some((session, _)) = of_token(&call.services, &pool.id, token).await? else { return Ok(()) };
    if session.client != client.id {
        return Err(Fault::new(Exception::Unauthorized, "The token was issued to another client."));
    }
    Ok(end::session(call, &session, None).await?)
}
