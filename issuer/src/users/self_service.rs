//! Operations by which a user acts on the own account, by access token.

use cognito_model::Fault;

use super::{User, UserError};
use crate::aws_json::Call;
use crate::clients::{self, Client};
use crate::pools::Pool;

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
    let (pool, client) = clients::of_call(&call.services, caller.client.as_str()).await?;
    let user = super::by_sub(&call.services.store, &pool, &caller.sub).await?.ok_or(UserError::Absent)?;
    Ok(Caller { pool, client, user })
}
