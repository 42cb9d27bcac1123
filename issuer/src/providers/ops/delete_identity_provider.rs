//! Cognito: DeleteIdentityProvider.

use cognito_model::idp::types::DeleteIdentityProviderRequest;
use cognito_model::{Fault, NoOutput};

use super::update_identity_provider::refuse_own;
use crate::aws_json::{Call, Write};
use crate::pools;
use crate::providers::{absent, rows};
use crate::store::Batch;

pub async fn handle(call: Call, input: DeleteIdentityProviderRequest) -> Result<NoOutput, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    refuse_own(&input.provider_name)?;
    let mut batch = Batch::new();
    let delete = batch.extend(rows::delete(&pool.id, &input.provider_name));
    let write = Write::new(&pool.id, batch).about(&input.provider_name);
    call.commit_or(write, [(delete, absent(&input.provider_name))]).await?;
    Ok(NoOutput)
}
