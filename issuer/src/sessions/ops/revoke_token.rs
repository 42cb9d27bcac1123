//! Cognito: RevokeToken. The session of a refresh token dies: the token and every access and ID token that came from it. A token that was
//! rotated out is as good for it as its successor. An unknown or already revoked token is answered like a revoked one (RFC 7009 §2.2).

use cognito_model::idp::types::{RevokeTokenRequest, RevokeTokenResponse};
use cognito_model::{Exception, Fault};

use crate::aws_json::Call;
use crate::clients;
use crate::sessions;

pub async fn handle(call: Call, input: RevokeTokenRequest) -> Result<RevokeTokenResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await.map_err(unauthorized)?;
    clients::check_secret(&call.services, &client, input.client_secret.as_ref()).await.map_err(unauthorized)?;
    if !client.settings.enable_token_revocation {
        let text = "Revocation is not enabled for this client.";
        return Err(Fault::new(Exception::UnsupportedOperation, text));
    }
    // An ID or access token is a JWS: two dots. It is not what this operation revokes.
    if input.token.expose().matches('.').count() == 2 {
        return Err(Fault::new(Exception::UnsupportedTokenType, "The token type is not supported"));
    }
    let found = sessions::of_token(&call.services, &pool.id, &input.token).await?;
    let Some((session, _)) = found else { return Ok(RevokeTokenResponse {}) };
    if session.client != client.id {
        return Err(Fault::new(Exception::Unauthorized, "The token was issued to another client."));
    }
    sessions::end::session(&call, &session, None).await?;
    Ok(RevokeTokenResponse {})
}

/// Cognito's model gives this operation neither of the exceptions that others have for a client that is unknown or shows no secret.
fn unauthorized(fault: Fault) -> Fault {
    match fault.exception {
        Exception::NotAuthorized | Exception::ResourceNotFound => Fault::new(Exception::Unauthorized, fault.message),
        _ => fault,
    }
}
