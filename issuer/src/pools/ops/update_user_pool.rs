//! Cognito: UpdateUserPool. What is left out goes back to its default.

use cognito_model::Fault;
use cognito_model::idp::types::{UpdateUserPoolRequest, UpdateUserPoolResponse};

use crate::aws_json::{Call, Write};
use crate::pools::{self, PoolError, rows, rules, triggers};
use crate::store::{Batch, CommitError};

pub async fn handle(call: Call, input: UpdateUserPoolRequest) -> Result<UpdateUserPoolResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let (name, settings) = rules::updated(input, &pool.name, &pool.settings)?;
    let mut batch = Batch::new();
    let update = batch.add(rows::update(&pool, &name, &settings, call.now));
    match call.commit(Write::new(&pool.id, batch).about(pool.id.as_str())).await {
        Ok(()) => {
            triggers::warn(&pool.id, &settings);
            Ok(UpdateUserPoolResponse {})
        }
        Err(CommitError::Missed { index }) if index == update => Err(PoolError::Changed.into()),
        Err(error) => Err(error.into()),
    }
}
