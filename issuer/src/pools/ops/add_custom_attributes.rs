//! Cognito: AddCustomAttributes. What is there stays as it is.

use cognito_model::Fault;
use cognito_model::idp::types::{AddCustomAttributesRequest, AddCustomAttributesResponse};

use crate::aws_json::Call;
use crate::pools::model::Settings;
use crate::pools::{self, rules};

pub async fn handle(call: Call, input: AddCustomAttributesRequest) -> Result<AddCustomAttributesResponse, Fault> {
    pools::amend(&call, &input.user_pool_id, |pool| {
        let custom_attributes = rules::extended(&pool.settings.custom_attributes, input.custom_attributes.clone())?;
        Ok(Settings { custom_attributes, ..pool.settings.clone() })
    })
    .await?;
    Ok(AddCustomAttributesResponse {})
}
