//! Cognito: RevokeUserSession. One of the caller's other sessions dies, here and at every edge; signing out ends the own.

use cognito_model::Fault;
use cognito_model::idp::types::{RevokeUserSessionRequest, RevokeUserSessionResponse};

use crate::aws_json::Call;
use crate::pools;
use crate::sessions::end;
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, input: RevokeUserSessionRequest) -> Result<RevokeUserSessionResponse, Fault> {
    let Caller { pool, user, .. } = caller(&call).await?;
    pools::demand_session_tracking(&pool)?;
    let session = end::named(&call, &user, &input.session_id).await?;
    if call.caller.user()?.session.as_ref() == Some(&session.origin_jti) {
        return Err(Fault::invalid_parameter("The session of the access token can't be revoked by itself."));
    }
    end::session(&call, &session, None).await?;
    Ok(RevokeUserSessionResponse {})
}
