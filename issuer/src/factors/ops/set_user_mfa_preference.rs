//! Cognito: SetUserMFAPreference.

use cognito_model::Fault;
use cognito_model::idp::types::{SetUserMFAPreferenceRequest, SetUserMFAPreferenceResponse};

use crate::aws_json::Call;
use crate::factors::change_preferences;
use crate::factors::preferences::{Author, Wishes};
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, input: SetUserMFAPreferenceRequest) -> Result<SetUserMFAPreferenceResponse, Fault> {
    let Caller { pool, user, .. } = caller(&call).await?;
    change_preferences(&call, &pool, &user.sub, Author::User, &Wishes::from(input)).await?;
    Ok(SetUserMFAPreferenceResponse {})
}
