//! Cognito: CreateUserPoolReplica.

use cognito_model::idp::types::{CreateUserPoolReplicaRequest, CreateUserPoolReplicaResponse, ReplicaStatusType};
use cognito_model::{Exception, Fault};

use crate::aws_json::{Call, Write};
use crate::pools::{self, PoolError, tags};
use crate::replicas::model::{MOST, Replica, check_region};
use crate::replicas::rows;
use crate::store::Batch;

pub async fn handle(call: Call, input: CreateUserPoolReplicaRequest) -> Result<CreateUserPoolReplicaResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    check_region(&input.region_name).map_err(Fault::invalid_parameter)?;
    if input.region_name == pool.id.region() {
        let text = format!("User pool {} is in {} already.", pool.id, input.region_name);
        return Err(Fault::invalid_parameter(text));
    }
    let tags = input.user_pool_tags.unwrap_or_default();
    tags::check(&tags).map_err(|why| Fault::new(Exception::UserPoolTagging, why))?;
    let replica = Replica {
        pool: pool.id.clone(),
        region: input.region_name,
        status: ReplicaStatusType::Inactive,
        tags,
        created: call.now,
        modified: call.now,
    };
    let mut batch = Batch::new();
    let gone = batch.add(pools::rows::hold(&pool.id));
    let full = batch.add(pools::rows::room(&pool.id, rows::TABLE, MOST));
    batch.add(rows::insert(&replica));
    let misses = [
        (gone, PoolError::Absent(pool.id.clone()).into()),
        (full, Fault::limit_exceeded("A user pool can have one replica.")),
    ];
    call.commit_or(Write::new(&pool.id, batch).about(&replica.region), misses).await?;
    Ok(CreateUserPoolReplicaResponse { user_pool_replica: Some(replica.describe(&services.deployment.account_id)) })
}
