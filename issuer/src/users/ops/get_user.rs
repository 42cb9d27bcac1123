//! Cognito: GetUser. The router has verified the access token and found its user alive.

use cognito_model::idp::types::{GetUserRequest, GetUserResponse};
use cognito_model::{Exception, Fault};

use crate::aws_json::Call;
use crate::{clients, pools, users};

/// The scope without which an access token opens no self-service operation.
const SELF_SERVICE: &str = "aws.cognito.signin.user.admin";

pub async fn handle(call: Call, _input: GetUserRequest) -> Result<GetUserResponse, Fault> {
    let caller = call.caller.user()?;
    if !caller.scopes.iter().any(|scope| scope == SELF_SERVICE) {
        return Err(Fault::not_authorized("Access Token does not have required scopes"));
    }
    let pool = pools::find(&call.services.store, &caller.pool).await?;
    let user = users::by_sub(&call.services.store, &pool, &caller.sub)
        .await?
        .ok_or_else(|| Fault::new(Exception::UserNotFound, "User does not exist."))?;
    let (_, client) = clients::of_call(&call.services, caller.client.as_str()).await?;
    Ok(GetUserResponse {
        user_attributes: user.attribute_list(|name| client.settings.may_read(name)),
        username: user.username,
        ..GetUserResponse::default()
    })
}
