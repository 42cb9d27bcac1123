//! Cognito: ListUserPoolClientSecrets, the oldest first. All that there are are on one page, and none is shown.

use cognito_model::Fault;
use cognito_model::idp::types::{ListUserPoolClientSecretsRequest, ListUserPoolClientSecretsResponse};

use crate::aws_json::{Call, Listing};
use crate::clients;

pub async fn handle(
    call: Call,
    input: ListUserPoolClientSecretsRequest,
) -> Result<ListUserPoolClientSecretsResponse, Fault> {
    let services = &call.services;
    let (pool, client) = clients::named(services, &input.user_pool_id, &input.client_id).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    // No page has a successor, so no token is good.
    Listing::new(&call, &key, &[client.id.as_str()], None).after::<1>(input.next_token.as_deref())?;
    let secrets = client.secrets.iter().map(|secret| secret.describe(&client.id, None)).collect();
    Ok(ListUserPoolClientSecretsResponse { client_secrets: Some(secrets), next_token: None })
}
