//! Cognito: GetUserAttributeVerificationCode. The code goes to the address that the user has now.

use cognito_model::Fault;
use cognito_model::idp::types::{GetUserAttributeVerificationCodeRequest, GetUserAttributeVerificationCodeResponse};

use crate::aws_json::Call;
use crate::users::attributes::proof;
use crate::users::self_service::{Caller, caller};

pub async fn handle(
    call: Call,
    input: GetUserAttributeVerificationCodeRequest,
) -> Result<GetUserAttributeVerificationCodeResponse, Fault> {
    let Caller { pool, user, .. } = caller(&call).await?;
    let address = proof::address(&input.attribute_name)?;
    let delivery = proof::send_to_present(&call, &pool, user, address).await?;
    Ok(GetUserAttributeVerificationCodeResponse { code_delivery_details: Some(delivery) })
}
