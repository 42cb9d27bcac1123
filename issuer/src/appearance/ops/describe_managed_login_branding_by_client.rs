//! Cognito: DescribeManagedLoginBrandingByClient.

use cognito_model::Fault;
use cognito_model::idp::types::{
    DescribeManagedLoginBrandingByClientRequest, DescribeManagedLoginBrandingByClientResponse,
};

use crate::appearance::rows;
use crate::aws_json::Call;
use crate::clients;

pub async fn handle(
    call: Call,
    input: DescribeManagedLoginBrandingByClientRequest,
) -> Result<DescribeManagedLoginBrandingByClientResponse, Fault> {
    let (pool, client) = clients::named(&call.services, &input.user_pool_id, &input.client_id).await?;
    let row = call.services.store.one(rows::branding_of_client(&pool.id, client.id.as_str())).await?;
    let absent = || Fault::resource_not_found(format!("Client {} has no managed login branding.", client.id));
    let branding = rows::branding(&row.ok_or_else(absent)?)?;
    Ok(DescribeManagedLoginBrandingByClientResponse { managed_login_branding: Some(branding.describe()) })
}
