//! Cognito: DescribeIdentityProvider.

use cognito_model::Fault;
use cognito_model::idp::types::{DescribeIdentityProviderRequest, DescribeIdentityProviderResponse};

use crate::aws_json::Call;
use crate::{pools, providers};

pub async fn handle(
    call: Call,
    input: DescribeIdentityProviderRequest,
) -> Result<DescribeIdentityProviderResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let provider = providers::named(&call.services, &pool.id, &input.provider_name).await?;
    Ok(DescribeIdentityProviderResponse { identity_provider: provider.describe() })
}
