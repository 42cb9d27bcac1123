//! Cognito: ListUserPoolReplicas: the pool itself, then its replica. All that there are are on one page.

use cognito_model::Fault;
use cognito_model::idp::types::{ListUserPoolReplicasRequest, ListUserPoolReplicasResponse};

use crate::aws_json::{Call, Listing};
use crate::pools;
use crate::replicas::model::{Replica, primary};
use crate::replicas::rows;

pub async fn handle(call: Call, input: ListUserPoolReplicasRequest) -> Result<ListUserPoolReplicasResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    // No page has a successor, so no token is good.
    Listing::new(&call, &key, &[], None).after::<1>(input.next_token.as_deref())?;
    let found = services.store.read(rows::of_pool(&pool.id)).await?;
    let found = found.iter().map(rows::replica).collect::<Result<Vec<Replica>, _>>()?;
    let account_id = &services.deployment.account_id;
    let all = [primary(&pool.id, account_id)].into_iter().chain(found.iter().map(|one| one.describe(account_id)));
    Ok(ListUserPoolReplicasResponse { next_token: None, user_pool_replicas: Some(all.collect()) })
}
