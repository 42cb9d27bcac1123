//! Cognito: SetUserSettings, the old way to turn codes by text message on and off.

use cognito_model::Fault;
use cognito_model::idp::types::{SetUserSettingsRequest, SetUserSettingsResponse};

use crate::aws_json::Call;
use crate::factors::change_preferences;
use crate::factors::preferences::{Author, Wishes};
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, input: SetUserSettingsRequest) -> Result<SetUserSettingsResponse, Fault> {
    let Caller { pool, user, .. } = caller(&call).await?;
    let wishes = Wishes::of_options(&input.mfa_options).map_err(Fault::invalid_parameter)?;
    change_preferences(&call, &pool, &user.sub, Author::User, &wishes).await?;
    Ok(SetUserSettingsResponse {})
}
