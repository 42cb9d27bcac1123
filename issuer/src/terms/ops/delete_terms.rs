//! Cognito: DeleteTerms.

use cognito_model::idp::types::DeleteTermsRequest;
use cognito_model::{Fault, NoOutput};

use crate::aws_json::{Call, Write};
use crate::pools;
use crate::store::Batch;
use crate::terms::{absent, rows};

pub async fn handle(call: Call, input: DeleteTermsRequest) -> Result<NoOutput, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let mut batch = Batch::new();
    let delete = batch.add(rows::delete(&pool.id, &input.terms_id));
    call.commit_or(Write::new(&pool.id, batch).about(&input.terms_id), [(delete, absent(&input.terms_id))]).await?;
    Ok(NoOutput)
}
