//! The check of an access token that a user presents to the issuer. It asks the rows, never a cache (DESIGN §3 "Not-before").

use cognito_model::Fault;
use common::claims::TokenUse;
use common::clock::UnixMillis;
use common::cognito::pool_of_token;
use common::ids::{ClientId, Sub};
use common::reject::Reject;
use common::secret::SecretString;
use common::verify::not_before::outlives;
use common::verify::{Policy, Verified, verify};

use crate::aws_json::UserCaller;
use crate::pools;
use crate::services::Services;
use crate::sessions::rows as session_rows;
use crate::users::{self, UserError};

/// # Errors
/// `NotAuthorizedException` (`Invalid Access Token`, `Access Token has expired`, `Access Token has been revoked`), `UserNotFoundException` for a
/// token whose user was deleted, storage.
pub async fn authenticate(services: &Services, token: &SecretString, now: UnixMillis) -> Result<UserCaller, Fault> {
    let invalid = || Fault::not_authorized("Invalid Access Token");
    let pool_id = pool_of_token(token.expose()).ok_or_else(invalid)?;
    let pool = match pools::find(&services.store, &pool_id).await {
        Ok(pool) => pool,
        Err(pools::PoolError::Absent(_)) => return Err(invalid()),
        Err(error) => return Err(error.into()),
    };
    let keys = services.keys.key_set(&pool.id, &pool.iss).await?;
    // So GetDerivedToken's for another service open nothing here.
    let policy = Policy::cognito(pool.iss.as_str(), TokenUse::Access);
    let verified = verify(token.expose(), &keys, &policy, now).map_err(|reject| match reject {
        Reject::Expired => Fault::not_authorized("Access Token has expired"),
        _ => invalid(),
    })?;
    check_rows(services, &pool, &verified).await
}

/// Asks the rows of a user's token: whether user, client and session live.
pub(super) async fn check_rows(services: &Services, pool: &pools::Pool, token: &Verified) -> Result<UserCaller, Fault> {
    let invalid = || Fault::not_authorized("Invalid Access Token");
    let revoked = || Fault::not_authorized("Access Token has been revoked");
    let sub = Sub::parse(token.sub.to_string()).map_err(|_| invalid())?;
    let client = ClientId::parse(token.client_id.to_string()).map_err(|_| invalid())?;
    let origin_jti = token.origin_jti.as_ref().map(ToString::to_string);
    let session = origin_jti.as_deref().unwrap_or_default();
    let query = users::rows::with_session(&pool.id, &sub, &client, session);
    let row = services.store.one(query).await?.ok_or(UserError::Absent)?;
    let user = users::rows::user(&row).map_err(UserError::from)?;
    let column = |at: usize| row.opt_text(at).map(|text| text.is_some()).map_err(UserError::from);
    let (has_client, has_session) = (column(users::rows::COLUMNS)?, column(users::rows::COLUMNS + 1)?);
    let is_revoked = row.opt_millis(users::rows::COLUMNS + 2).map_err(UserError::from)?.is_some();
    // A deleted client's tokens are dead. A session is kept for as long as its tokens live (`sessions::rows::prune`): one that is gone gives
    // no token leave to live.
    let session_ended = origin_jti.is_some() && (!has_session || is_revoked);
    if !user.enabled || !outlives(token, user.valid_after) || !has_client || session_ended {
        return Err(revoked());
    }
    if let (None, Some(device)) = (&origin_jti, &token.device_key) {
        // Tokens of clients without token revocation name no session; all of a device end with it.
        let alive = session_rows::of_device(&pool.id, &sub, device, user.valid_after, 1);
        if services.store.one(alive).await?.is_none() {
            return Err(revoked());
        }
    }
    let scopes = token.scopes().map(str::to_owned).collect();
    Ok(UserCaller { pool: pool.id.clone(), client, sub, session: origin_jti, scopes })
}
