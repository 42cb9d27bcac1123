//! Cognito: DeleteManagedLoginBranding.

use cognito_model::idp::types::DeleteManagedLoginBrandingRequest;
use cognito_model::{Fault, NoOutput};

use crate::appearance::{absent, rows};
use crate::aws_json::{Call, Write};
use crate::pools;
use crate::store::Batch;

pub async fn handle(call: Call, input: DeleteManagedLoginBrandingRequest) -> Result<NoOutput, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let id = &input.managed_login_branding_id;
    let mut batch = Batch::new();
    let delete = batch.add(rows::delete(&pool.id, id));
    call.commit_or(Write::new(&pool.id, batch).about(id), [(delete, absent(id))]).await?;
    Ok(NoOutput)
}
