//! Cognito: DescribeTerms.

use cognito_model::Fault;
use cognito_model::idp::types::{DescribeTermsRequest, DescribeTermsResponse};

use crate::aws_json::Call;
use crate::{pools, terms};

pub async fn handle(call: Call, input: DescribeTermsRequest) -> Result<DescribeTermsResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let found = terms::named(store, &pool.id, &input.terms_id).await?;
    Ok(DescribeTermsResponse { terms: Some(found.describe()) })
}
