//! Cognito: DescribeUserImportJob.

use cognito_model::Fault;
use cognito_model::idp::types::{DescribeUserImportJobRequest, DescribeUserImportJobResponse};

use crate::aws_json::Call;
use crate::{imports, pools};

pub async fn handle(call: Call, input: DescribeUserImportJobRequest) -> Result<DescribeUserImportJobResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let job = imports::named(&services.store, &pool, &input.job_id).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let described = job.describe(&services.deployment.public_url, &key, call.now);
    Ok(DescribeUserImportJobResponse { user_import_job: Some(described) })
}
