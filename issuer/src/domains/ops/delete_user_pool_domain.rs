//! Cognito: DeleteUserPoolDomain.

use cognito_model::Fault;
use cognito_model::idp::types::{DeleteUserPoolDomainRequest, DeleteUserPoolDomainResponse};

use crate::aws_json::{Call, Write};
use crate::domains::{self, absent, published, rows};
use crate::pools;
use crate::store::Batch;

pub async fn handle(call: Call, input: DeleteUserPoolDomainRequest) -> Result<DeleteUserPoolDomainResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let domain = domains::named(store, &pool.id, &input.domain).await?;
    let mut batch = Batch::new();
    let delete = batch.add(rows::delete(&domain));
    let write = Write::new(&pool.id, batch).about(&domain.name).changes(vec![published::removed(&domain)]);
    call.commit_or(write, [(delete, absent())]).await?;
    Ok(DeleteUserPoolDomainResponse {})
}
