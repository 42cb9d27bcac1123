//! Cognito: AdminUpdateUserAttributes. Only here can an address be called verified without a code.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminUpdateUserAttributesRequest, AdminUpdateUserAttributesResponse};

use crate::aws_json::Call;
use crate::users::attributes::{self, Author, Edits};
use crate::{pools, users};

pub async fn handle(
    call: Call,
    input: AdminUpdateUserAttributesRequest,
) -> Result<AdminUpdateUserAttributesResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let user = users::named(store, &pool, &input.username).await?;
    let edits = Edits::of_list(&input.user_attributes)?;
    attributes::change(&call, &pool, &user.sub, &edits, Author::Admin).await?;
    Ok(AdminUpdateUserAttributesResponse {})
}
