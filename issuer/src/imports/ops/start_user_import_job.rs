//! Cognito: StartUserImportJob. The job waits from then on for what will do it.

use cognito_model::idp::types::{StartUserImportJobRequest, StartUserImportJobResponse};
use cognito_model::{Exception, Fault};

use crate::aws_json::{Call, Write};
use crate::imports::{self, Job, rows};
use crate::pools::{self, Pool};
use crate::store::Batch;

pub async fn handle(call: Call, input: StartUserImportJobRequest) -> Result<StartUserImportJobResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let made = imports::named(&services.store, &pool, &input.job_id).await?;
    let not_now = || precondition("Only a job with the status Created can be started.");
    let started = made.start(call.now).ok_or_else(not_now)?;
    step(&call, &pool, &made, &started, not_now()).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let described = started.describe(&services.deployment.public_url, &key, call.now);
    Ok(StartUserImportJobResponse { user_import_job: Some(described) })
}

pub(super) fn precondition(text: &'static str) -> Fault {
    Fault::new(Exception::PreconditionNotMet, text)
}

/// Stores a job's next state; `not_now` is what it means that another request was quicker.
pub(super) async fn step(call: &Call, pool: &Pool, read: &Job, new: &Job, not_now: Fault) -> Result<(), Fault> {
    let mut batch = Batch::new();
    let step = batch.add(rows::step(read, new));
    call.commit_or(Write::new(&pool.id, batch).about(&read.id), [(step, not_now)]).await
}
