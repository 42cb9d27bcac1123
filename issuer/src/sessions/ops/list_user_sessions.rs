//! Cognito: ListUserSessions. The caller's own, over every app client.

use cognito_model::Fault;
use cognito_model::idp::types::{ListUserSessionsRequest, ListUserSessionsResponse};

use crate::aws_json::Call;
use crate::pools;
use crate::sessions::list;
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, input: ListUserSessionsRequest) -> Result<ListUserSessionsResponse, Fault> {
    let Caller { pool, user, .. } = caller(&call).await?;
    pools::demand_session_tracking(&pool)?;
    let current = call.caller.user()?.session.as_deref();
    let page = list::page(&call, &pool, &user, current, input.next_token.as_deref()).await?;
    Ok(ListUserSessionsResponse { next_token: page.next, sessions: Some(page.sessions) })
}
