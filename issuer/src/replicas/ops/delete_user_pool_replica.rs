//! Cognito: DeleteUserPoolReplica. The answer shows it as it goes.

use cognito_model::Fault;
use cognito_model::idp::types::{DeleteUserPoolReplicaRequest, DeleteUserPoolReplicaResponse, ReplicaStatusType};

use crate::aws_json::{Call, Write};
use crate::pools;
use crate::replicas::{self, Replica, absent, rows};
use crate::store::Batch;

pub async fn handle(call: Call, input: DeleteUserPoolReplicaRequest) -> Result<DeleteUserPoolReplicaResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let made = replicas::named(&services.store, &pool, &input.region_name).await?;
    let mut batch = Batch::new();
    let delete = batch.add(rows::delete(&pool.id, &made.region));
    let write = Write::new(&pool.id, batch).about(&made.region);
    call.commit_or(write, [(delete, absent(&pool, &made.region))]).await?;
    let gone = Replica { status: ReplicaStatusType::Deleting, ..made };
    Ok(DeleteUserPoolReplicaResponse { user_pool_replica: Some(gone.describe(&services.deployment.account_id)) })
}
