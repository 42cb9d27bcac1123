//! The check of an access token that a user presents to the issuer. It asks the rows, never a cache (DESIGN §3 "Not-before").

use std::sync::Arc;

use cognito_model::Fault;
use common::claims::TokenUse;
use common::clock::UnixMillis;
use common::cognito::pool_of_token;
use common::ids::{ClientId, PoolId, Sub};
use common::jose::KeySet;
use common::reject::Reject;
use common::secret::SecretString;
use common::verify::not_before::outlives;
use common::verify::{Policy, Verified, verify};

use crate::aws_json::{AsRead, UserCaller};
use crate::pools;
use crate::services::Services;
use crate::sessions::rows as session_rows;
use crate::store::{Row, RowError};
use crate::users::{self, UserError};

/// # Errors
/// `NotAuthorizedException` (`Invalid Access Token`, `Access Token has expired`, `Access Token has been revoked`), `UserNotFoundException` for a
/// token whose user was deleted, storage.
pub async fn authenticate(services: &Services, token: &SecretString, now: UnixMillis) -> Result<UserCaller, Fault> {
    let pool = pool_of_token(token.expose()).ok_or_else(invalid)?;
    // Keys that are at hand say whether the token is worth a read; the rows that are read then say whether the pool is still there.
    let keys = match services.keys.held(&pool) {
        Some(keys) => keys,
        None => keys_of(services, &pool).await?,
    };
    // So GetDerivedToken's for another service open nothing here.
    let policy = Policy::cognito(&**keys.issuer(), TokenUse::Access);
    let verified = verify(token.expose(), &keys, &policy, now).map_err(|reject| match reject {
        Reject::Expired => Fault::not_authorized("Access Token has expired"),
        _ => invalid(),
    })?;
    check_rows(services, &pool, &verified).await
}

async fn keys_of(services: &Services, pool: &PoolId) -> Result<Arc<KeySet>, Fault> {
    match pools::find(&services.store, pool).await {
        Ok(pool) => Ok(services.keys.key_set(&pool.id, &pool.iss).await?),
        Err(pools::PoolError::Absent(_)) => Err(invalid()),
        Err(error) => Err(error.into()),
    }
}

/// Asks the rows of a user's token that has been verified by the pool's keys: whether user, client and session live.
pub(super) async fn check_rows(services: &Services, pool: &PoolId, token: &Verified) -> Result<UserCaller, Fault> {
    let revoked = || Fault::not_authorized("Access Token has been revoked");
    let sub = Sub::parse(token.sub.to_string()).map_err(|_| invalid())?;
    let client = ClientId::parse(token.client_id.to_string()).map_err(|_| invalid())?;
    let session = token.origin_jti.as_ref().map(ToString::to_string);
    let query = users::rows::of_token(pool, &client, &sub, session.as_deref().unwrap_or_default());
    let row = services.store.one(query).await?.ok_or_else(invalid)?;
    let read = Read::of(&row).map_err(UserError::from)?;
    if read.iss != &*token.iss {
        return Err(invalid());
    }
    let (enabled, valid_after) = read.user.ok_or(UserError::Absent)?;
    // A deleted client's tokens are dead. A session is kept for as long as its tokens live (`sessions::rows::prune`): one that is gone gives
    // no token leave to live.
    let session_ended = session.is_some() && !read.session_lives;
    if !enabled || !outlives(token, valid_after) || !read.has_client || session_ended {
        return Err(revoked());
    }
    if let (None, Some(device)) = (&session, &token.device_key) {
        // Tokens of clients without token revocation name no session; all of a device end with it.
        let alive = session_rows::of_device(pool, &sub, device, valid_after, 1);
        if services.store.one(alive).await?.is_none() {
            return Err(revoked());
        }
    }
    let scopes = token.scopes().map(str::to_owned).collect();
    Ok(UserCaller { pool: pool.clone(), client, sub, session, scopes, rows: AsRead::new(row) })
}

/// What of [`users::rows::of_token`] says whether the token lives.
struct Read<'a> {
    iss: &'a str,
    /// Whether it is enabled, and since when its tokens count.
    user: Option<(bool, UnixMillis)>,
    has_client: bool,
    session_lives: bool,
}

impl<'a> Read<'a> {
    fn of(row: &'a Row) -> Result<Self, RowError> {
        let client = users::rows::COLUMNS;
        let pool = client + users::rows::CLIENT_COLUMNS;
        let session = pool + users::rows::POOL_COLUMNS;
        let user = match row.opt_text(0)? {
            Some(_) => Some((row.flag(4)?, row.millis(8)?)),
            None => None,
        };
        Ok(Self {
            iss: row.text(pool + 2)?,
            user,
            has_client: row.opt_text(client)?.is_some(),
            session_lives: row.opt_text(session)?.is_some() && row.opt_millis(session + 1)?.is_none(),
        })
    }
}

fn invalid() -> Fault {
    Fault::not_authorized("Invalid Access Token")
}
