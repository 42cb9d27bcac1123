//! Cognito: AdminListUserSessions.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminListUserSessionsRequest, AdminListUserSessionsResponse};

use crate::aws_json::Call;
use crate::sessions::list;
use crate::{pools, users};

pub async fn handle(call: Call, input: AdminListUserSessionsRequest) -> Result<AdminListUserSessionsResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    pools::demand_session_tracking(&pool)?;
    let user = users::named(store, &pool, &input.username).await?;
    let page = list::page(&call, &pool, &user, None, input.next_token.as_deref()).await?;
    Ok(AdminListUserSessionsResponse { next_token: page.next, sessions: Some(page.sessions) })
}
