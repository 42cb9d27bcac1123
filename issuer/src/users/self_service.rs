//! Operations by which a user acts on the own account, by access token.

use cognito_model::Fault;

use super::{User, UserError, rows};
use crate::aws_json::Call;
use crate::clients::{self, Client};
use crate::pools::{self, Pool};
use crate::store::{Row, RowError};

/// The scope without which an access token opens none of them.
const SCOPE: &str = "aws.cognito.signin.user.admin";

/// Who calls, as the rows say it now.
pub struct Caller {
    pub pool: Pool,
    /// The app client that the token was given to.
    pub client: Client,
    pub user: User,
}

/// The user of a call whose access token the router has verified.
///
/// # Errors
/// `NotAuthorizedException` without the scope, [`UserError::Absent`], storage.
pub async fn caller(call: &Call) -> Result<Caller, Fault> {
    let caller = call.caller.user()?;
    if !caller.scopes.iter().any(|scope| scope == SCOPE) {
        return Err(Fault::not_authorized("Access Token does not have required scopes"));
    }
    let store = &call.services.store;
    let row = match caller.rows.take() {
        Some(row) => Some(row),
        None => {
            let session = caller.session.as_deref().unwrap_or_default();
            store.one(rows::of_token(&caller.pool, &caller.client, &caller.sub, session)).await?
        }
    };
    if let Some(caller) = row.map(read).transpose().map_err(UserError::from)?.flatten() {
        return Ok(caller);
    }
    // One of the three is gone: each says so in its own words.
    let (pool, client) = clients::of_call(&call.services, caller.client.as_str()).await?;
    let user = super::by_sub(store, &pool, &caller.sub).await?.ok_or(UserError::Absent)?;
    Ok(Caller { pool, client, user })
}

/// `None` when user or client is not there.
fn read(row: Row) -> Result<Option<Caller>, RowError> {
    let (user, rest) = row.split(rows::COLUMNS);
    let (client, rest) = rest.split(rows::CLIENT_COLUMNS);
    let (pool, _session) = rest.split(rows::POOL_COLUMNS);
    if user.opt_text(0)?.is_none() || client.opt_text(0)?.is_none() {
        return Ok(None);
    }
    let pool = pools::rows::pool(&pool)?;
    Ok(Some(Caller { user: rows::user(&user)?.seen_in(&pool), client: clients::rows::client(&client)?, pool }))
}
