//! Cognito: VerifyUserAttribute.

use cognito_model::Fault;
use cognito_model::idp::types::{VerifyUserAttributeRequest, VerifyUserAttributeResponse};

use crate::aws_json::Call;
use crate::users::attributes::proof;
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, input: VerifyUserAttributeRequest) -> Result<VerifyUserAttributeResponse, Fault> {
    let Caller { pool, user, .. } = caller(&call).await?;
    let address = proof::address(&input.attribute_name)?;
    proof::verify(&call, &pool, user, address, input.code.expose()).await?;
    Ok(VerifyUserAttributeResponse {})
}
