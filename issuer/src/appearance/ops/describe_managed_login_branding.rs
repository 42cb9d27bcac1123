//! Cognito: DescribeManagedLoginBranding. There is no style of our own to merge yet, so `ReturnMergedResources` changes nothing.

use cognito_model::Fault;
use cognito_model::idp::types::{DescribeManagedLoginBrandingRequest, DescribeManagedLoginBrandingResponse};

use crate::aws_json::Call;
use crate::{appearance, pools};

pub async fn handle(
    call: Call,
    input: DescribeManagedLoginBrandingRequest,
) -> Result<DescribeManagedLoginBrandingResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let branding = appearance::named(store, &pool.id, &input.managed_login_branding_id).await?;
    Ok(DescribeManagedLoginBrandingResponse { managed_login_branding: Some(branding.describe()) })
}
