//! Cognito: DeleteResourceServer.

use cognito_model::idp::types::DeleteResourceServerRequest;
use cognito_model::{Fault, NoOutput};

use crate::aws_json::{Call, Write};
use crate::pools;
use crate::resource_servers::{absent, rows};
use crate::store::Batch;

pub async fn handle(call: Call, input: DeleteResourceServerRequest) -> Result<NoOutput, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let mut batch = Batch::new();
    let delete = batch.add(rows::delete(&pool.id, &input.identifier));
    let write = Write::new(&pool.id, batch).about(&input.identifier);
    call.commit_or(write, [(delete, absent(&input.identifier))]).await?;
    Ok(NoOutput)
}
