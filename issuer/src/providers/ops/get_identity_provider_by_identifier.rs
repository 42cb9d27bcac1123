//! Cognito: GetIdentityProviderByIdentifier.

use cognito_model::Fault;
use cognito_model::idp::types::{GetIdentityProviderByIdentifierRequest, GetIdentityProviderByIdentifierResponse};

use crate::aws_json::Call;
use crate::{pools, providers};

pub async fn handle(
    call: Call,
    input: GetIdentityProviderByIdentifierRequest,
) -> Result<GetIdentityProviderByIdentifierResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let provider = providers::identified(&call.services, &pool.id, &input.idp_identifier).await?;
    Ok(GetIdentityProviderByIdentifierResponse { identity_provider: provider.describe() })
}
