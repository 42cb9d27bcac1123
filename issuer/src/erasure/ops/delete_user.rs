//! Cognito: DeleteUser, by the user.

use cognito_model::idp::types::DeleteUserRequest;
use cognito_model::{Fault, NoOutput};

use crate::aws_json::Call;
use crate::erasure;
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, _input: DeleteUserRequest) -> Result<NoOutput, Fault> {
    let Caller { pool, user, .. } = caller(&call).await?;
    erasure::erase(&call, &pool, &user.sub).await?;
    Ok(NoOutput)
}
