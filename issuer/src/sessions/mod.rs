//! Token sessions: one finished sign-in is one row, which is also the refresh family and the `origin_jti` of its tokens
//! (DESIGN §3 "Sign-in model"); and sign-out.
//!
//! Invariants: only the SHA-256 of a refresh token is stored; a session is dead when it is revoked, expired, or begun at or before
//! the user's `valid_after`; of all refresh tokens that a session ever had, one is good, and one more during its grace.

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

pub use self::details::Details;
pub use self::family::Standing;
pub use self::model::{Rotation, Session};
pub use self::refresh_token::RefreshToken;

use cognito_model::Fault;
use common::ids::PoolId;
use common::secret::SecretString;

use crate::aws_json::Registered;
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
