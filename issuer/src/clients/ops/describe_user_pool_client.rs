//! Cognito: DescribeUserPoolClient. It shows the secret.

use cognito_model::Fault;
use cognito_model::idp::types::{DescribeUserPoolClientRequest, DescribeUserPoolClientResponse};

use crate::aws_json::Call;
use crate::clients;

pub async fn handle(call: Call, input: DescribeUserPoolClientRequest) -> Result<DescribeUserPoolClientResponse, Fault> {
    let (_, client) = clients::named(&call.services, &input.user_pool_id, &input.client_id).await?;
    let secret = clients::secret_of(&call.services, &client).await?;
    Ok(DescribeUserPoolClientResponse { user_pool_client: Some(client.describe(secret)) })
}
