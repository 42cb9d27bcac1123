//! Cognito: AdminSetUserSettings, the old way to turn codes by text message on and off.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminSetUserSettingsRequest, AdminSetUserSettingsResponse};

use crate::aws_json::Call;
use crate::factors::change_preferences;
use crate::factors::preferences::{Author, Wishes};
use crate::{pools, users};

pub async fn handle(call: Call, input: AdminSetUserSettingsRequest) -> Result<AdminSetUserSettingsResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let user = users::named(&call.services.store, &pool, &input.username).await?;
    let wishes = Wishes::of_options(&input.mfa_options).map_err(Fault::invalid_parameter)?;
    change_preferences(&call, &pool, &user.sub, Author::Administrator, &wishes).await?;
    Ok(AdminSetUserSettingsResponse {})
}
