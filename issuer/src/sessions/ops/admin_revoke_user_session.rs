//! Cognito: AdminRevokeUserSession. A session of the user that is named dies, here and at every edge.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminRevokeUserSessionRequest, AdminRevokeUserSessionResponse};

use crate::aws_json::Call;
use crate::sessions::end;
use crate::{pools, users};

pub async fn handle(call: Call, input: AdminRevokeUserSessionRequest) -> Result<AdminRevokeUserSessionResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    pools::demand_session_tracking(&pool)?;
    let user = users::named(store, &pool, &input.username).await?;
    let session = end::named(&call, &user, &input.session_id).await?;
    end::session(&call, &session, None).await?;
    Ok(AdminRevokeUserSessionResponse {})
}
