//! Cognito: UpdateUserAttributes, by the user.

use cognito_model::Fault;
use cognito_model::idp::types::{UpdateUserAttributesRequest, UpdateUserAttributesResponse};

use crate::aws_json::Call;
use crate::users::attributes::{self, Author, Edits};
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, input: UpdateUserAttributesRequest) -> Result<UpdateUserAttributesResponse, Fault> {
    let Caller { pool, client, user } = caller(&call).await?;
    let edits = Edits::of_list(&input.user_attributes)?;
    let sent = attributes::change(&call, &pool, &user.sub, &edits, Author::User(&client.settings)).await?;
    Ok(UpdateUserAttributesResponse { code_delivery_details_list: Some(sent) })
}
