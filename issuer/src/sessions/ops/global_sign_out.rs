//! Cognito: GlobalSignOut. Every token of the caller dies, here and at every edge.

use cognito_model::Fault;
use cognito_model::idp::types::{GlobalSignOutRequest, GlobalSignOutResponse};

use crate::aws_json::Call;
use crate::pools;
use crate::users::sign_out;

pub async fn handle(call: Call, _input: GlobalSignOutRequest) -> Result<GlobalSignOutResponse, Fault> {
    let caller = call.caller.user()?.clone();
    let pool = pools::find(&call.services.store, &caller.pool).await?;
    sign_out::everywhere(&call, &pool, &caller.sub, |_| Vec::new()).await?;
    Ok(GlobalSignOutResponse {})
}
