//! Cognito: DeleteUserAttributes, by the user.

use cognito_model::Fault;
use cognito_model::idp::types::{DeleteUserAttributesRequest, DeleteUserAttributesResponse};

use crate::aws_json::Call;
use crate::users::attributes::{self, Author, Edits};
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, input: DeleteUserAttributesRequest) -> Result<DeleteUserAttributesResponse, Fault> {
    let Caller { pool, client, user } = caller(&call).await?;
    let edits = Edits::removing(input.user_attribute_names);
    attributes::change(&call, &pool, &user.sub, &edits, Author::User(&client.settings)).await?;
    Ok(DeleteUserAttributesResponse {})
}
