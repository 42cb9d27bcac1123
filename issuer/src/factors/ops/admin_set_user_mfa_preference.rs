//! Cognito: AdminSetUserMFAPreference.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminSetUserMFAPreferenceRequest, AdminSetUserMFAPreferenceResponse};

use crate::aws_json::Call;
use crate::factors::change_preferences;
use crate::factors::preferences::{Author, Wishes};
use crate::{pools, users};

pub async fn handle(
    call: Call,
    input: AdminSetUserMFAPreferenceRequest,
) -> Result<AdminSetUserMFAPreferenceResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let user = users::named(&call.services.store, &pool, &input.username).await?;
    change_preferences(&call, &pool, &user.sub, Author::Administrator, &Wishes::from(input)).await?;
    Ok(AdminSetUserMFAPreferenceResponse {})
}
