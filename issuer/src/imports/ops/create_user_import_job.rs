//! Cognito: CreateUserImportJob.

use cognito_model::Fault;
use cognito_model::idp::types::{CreateUserImportJobRequest, CreateUserImportJobResponse, UserImportJobStatusType};

use crate::aws_json::{Call, Write};
use crate::entropy;
use crate::imports::model::{Job, MOST, WAITS};
use crate::imports::rows;
use crate::pools::{self, PoolError};
use crate::store::Batch;

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const ID_LENGTH: usize = 10;

pub async fn handle(call: Call, input: CreateUserImportJobRequest) -> Result<CreateUserImportJobResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let id = entropy::text::<ID_LENGTH>(ALPHABET).map_err(Fault::internal)?;
    let job = Job {
        pool: pool.id.clone(),
        id: format!("import-{id}"),
        name: input.job_name,
        role_arn: input.cloud_watch_logs_role_arn,
        hashing: input.password_hashing_algorithm,
        status: UserImportJobStatusType::Created,
        created: call.now,
        started: None,
        completed: None,
    };
    let mut batch = Batch::new();
    let gone = batch.add(pools::rows::hold(&pool.id));
    batch.add(rows::forget_oldest(&pool.id, MOST, call.now.minus(WAITS)));
    let full = batch.add(pools::rows::room(&pool.id, rows::TABLE, MOST));
    batch.add(rows::insert(&job));
    let misses = [
        (gone, PoolError::Absent(pool.id.clone()).into()),
        (full, Fault::limit_exceeded("The user pool has as many import jobs as it may have.")),
    ];
    call.commit_or(Write::new(&pool.id, batch).about(&job.id), misses).await?;
    let described = job.describe(&services.deployment.public_url, &key, call.now);
    Ok(CreateUserImportJobResponse { user_import_job: Some(described) })
}
