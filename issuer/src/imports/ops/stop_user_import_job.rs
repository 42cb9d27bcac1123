//! Cognito: StopUserImportJob.

use cognito_model::Fault;
use cognito_model::idp::types::{StopUserImportJobRequest, StopUserImportJobResponse};

use super::start_user_import_job::{precondition, step};
use crate::aws_json::Call;
use crate::{imports, pools};

pub async fn handle(call: Call, input: StopUserImportJobRequest) -> Result<StopUserImportJobResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let made = imports::named(&services.store, &pool, &input.job_id).await?;
    let not_now = || precondition("Only a job that was started and has not ended can be stopped.");
    let stopped = made.stop(call.now).ok_or_else(not_now)?;
    step(&call, &pool, &made, &stopped, not_now()).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let described = stopped.describe(&services.deployment.public_url, &key, call.now);
    Ok(StopUserImportJobResponse { user_import_job: Some(described) })
}
