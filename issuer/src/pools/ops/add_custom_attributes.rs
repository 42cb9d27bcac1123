//! Cognito: AddCustomAttributes. What is there stays as it is.

use cognito_model::Fault;
use cognito_model::idp::types::{AddCustomAttributesRequest, AddCustomAttributesResponse};

use crate::aws_json::Call;
use crate::pools::model::{Changing, Settings};
use crate::pools::{self, PoolError, rules};

pub async fn handle(call: Call, input: AddCustomAttributesRequest) -> Result<AddCustomAttributesResponse, Fault> {
    pools::amend(&call, &input.user_pool_id, |pool| {
        let custom_attributes = rules::extended(&pool.settings.custom_attributes, input.custom_attributes.clone())?;
        let old_name = pool.settings.changing.as_ref().and_then(Changing::old_name);
        if let Some(name) = old_name.filter(|old| custom_attributes.iter().any(|a| a.name.as_deref() == Some(*old))) {
            return Err(PoolError::Settings(format!("{name}: users may still have values under this name.")));
        }
        Ok(Settings { custom_attributes, ..pool.settings.clone() })
    })
    .await?;
    Ok(AddCustomAttributesResponse {})
}
