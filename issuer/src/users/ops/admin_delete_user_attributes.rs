//! Cognito: AdminDeleteUserAttributes.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminDeleteUserAttributesRequest, AdminDeleteUserAttributesResponse};

use crate::aws_json::Call;
use crate::users::attributes::{self, Author, Edits};
use crate::{pools, users};

pub async fn handle(
    call: Call,
    input: AdminDeleteUserAttributesRequest,
) -> Result<AdminDeleteUserAttributesResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let user = users::named(store, &pool, &input.username).await?;
    let edits = Edits::removing(input.user_attribute_names);
    attributes::change(&call, &pool, &user.sub, &edits, Author::Admin).await?;
    Ok(AdminDeleteUserAttributesResponse {})
}
