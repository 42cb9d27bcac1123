//! Cognito: RevokeToken. The session of a refresh token dies ([`sessions::revoke_presented`]).

use cognito_model::idp::types::{RevokeTokenRequest, RevokeTokenResponse};
use cognito_model::{Exception, Fault};

use crate::aws_json::Call;
use crate::clients;
use crate::sessions;

pub async fn handle(call: Call, input: RevokeTokenRequest) -> Result<RevokeTokenResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await.map_err(unauthorized)?;
    clients::check_secret(&call.services, &client, input.client_secret.as_ref()).await.map_err(unauthorized)?;
    sessions::revoke_presented(&call, &pool, &client, &input.token).await?;
    Ok(RevokeTokenResponse {})
}

/// Cognito's model gives this operation neither of the exceptions that others have for a client that is unknown or shows no secret.
fn unauthorized(fault: Fault) -> Fault {
    match fault.exception {
        Exception::NotAuthorized | Exception::ResourceNotFound => Fault::new(Exception::Unauthorized, fault.message),
        _ => fault,
    }
}
