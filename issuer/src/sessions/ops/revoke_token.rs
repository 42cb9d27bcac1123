//! Cognito: RevokeToken. The session of a refresh token dies: the token and every access and ID token that came from it.
//! An unknown or already revoked token is answered like a revoked one (RFC 7009 §2.2).

use cognito_model::idp::types::{RevokeTokenRequest, RevokeTokenResponse};
use cognito_model::{Exception, Fault};
use common::feed::{Change, Revoked};

use crate::aws_json::{Call, Write};
use crate::clients;
use crate::codes;
use crate::sessions::rows;
use crate::store::{Batch, CommitError};

pub async fn handle(call: Call, input: RevokeTokenRequest) -> Result<RevokeTokenResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await?;
    clients::check_secret(&call.services, &client, input.client_secret.as_ref()).await?;
    if !client.settings.enable_token_revocation {
        let text = "Revocation is not enabled for this client.";
        return Err(Fault::new(Exception::UnsupportedOperation, text));
    }
    // An ID or access token is a JWS: two dots. It is not what this operation revokes.
    if input.token.expose().matches('.').count() == 2 {
        return Err(Fault::new(Exception::UnsupportedTokenType, "The token type is not supported"));
    }
    let digest = codes::token_digest(input.token.expose());
    let row = call.services.store.one(rows::by_refresh_digest(&pool.id, &digest)).await?;
    let Some(session) = row.map(|row| rows::session(&row)).transpose()? else { return Ok(RevokeTokenResponse {}) };
    if session.client != client.id {
        return Err(Fault::new(Exception::Unauthorized, "The token was issued to another client."));
    }
    let mut batch = Batch::new();
    let already = batch.add(rows::revoke(&session, call.now));
    let changes = vec![Change::Revoked(Revoked::Session { origin_jti: session.origin_jti.clone() })];
    match call.commit(Write::new(&pool.id, batch).about(session.sub.as_str()).changes(changes)).await {
        Ok(()) => Ok(RevokeTokenResponse {}),
        Err(CommitError::Missed { index }) if index == already => Ok(RevokeTokenResponse {}),
        Err(error) => Err(error.into()),
    }
}
