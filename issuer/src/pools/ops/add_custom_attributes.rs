//! Cognito: AddCustomAttributes. What is there stays as it is.

use cognito_model::Fault;
use cognito_model::idp::types::{AddCustomAttributesRequest, AddCustomAttributesResponse};

use crate::aws_json::Call;
use crate::pools::model::Settings;
use crate::pools::{self, rules};

pub async fn handle(call: Call, input: AddCustomAttributesRequest) -> Result<AddCustomAttributesResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let custom_attributes = rules::extended(&pool.settings.custom_attributes, input.custom_attributes)?;
    let settings = Settings { custom_attributes, ..pool.settings.clone() };
    pools::change(&call, &pool, &settings).await?;
    Ok(AddCustomAttributesResponse {})
}
