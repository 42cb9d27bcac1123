//! Cognito: UpdateUserPoolReplica.

use cognito_model::Fault;
use cognito_model::idp::types::{
    ReplicaStatusType, UpdateReplicaStatusType, UpdateUserPoolReplicaRequest, UpdateUserPoolReplicaResponse,
};

use crate::aws_json::{Call, Write};
use crate::pools;
use crate::replicas::{self, Replica, absent, rows};
use crate::store::Batch;

pub async fn handle(call: Call, input: UpdateUserPoolReplicaRequest) -> Result<UpdateUserPoolReplicaResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let status = match input.status {
        UpdateReplicaStatusType::Active => ReplicaStatusType::Active,
        UpdateReplicaStatusType::Inactive => ReplicaStatusType::Inactive,
    };
    let made = replicas::named(&services.store, &pool, &input.region_name).await?;
    let replica = Replica { status, ..made };
    let mut batch = Batch::new();
    let update = batch.add(rows::update(&replica, call.now));
    let write = Write::new(&pool.id, batch).about(&replica.region);
    call.commit_or(write, [(update, absent(&pool, &replica.region))]).await?;
    Ok(UpdateUserPoolReplicaResponse { user_pool_replica: Some(replica.describe(&services.deployment.account_id)) })
}
