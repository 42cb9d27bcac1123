//! Cognito: ListUserImportJobs, by id.

use cognito_model::Fault;
use cognito_model::idp::types::{ListUserImportJobsRequest, ListUserImportJobsResponse};

use crate::aws_json::{Call, Listing};
use crate::imports::{Job, rows};
use crate::pools;

/// An answer holds no more (Cognito: UserImportJobsListType), though more may be asked for.
const LARGEST: usize = 50;

pub async fn handle(call: Call, input: ListUserImportJobsRequest) -> Result<ListUserImportJobsResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let listing = Listing::of_at_most(LARGEST, &call, &key, &[], Some(input.max_results));
    let [after] = listing.after(input.pagination_token.as_deref())?.unwrap_or_default();
    let found = services.store.read(rows::page(&pool.id, &after, listing.to_read())).await?;
    let found = found.iter().map(rows::job).collect::<Result<Vec<Job>, _>>()?;
    let page = listing.page(found, |job| [job.id.clone()]);
    let describe = |job: &Job| job.describe(&services.deployment.public_url, &key, call.now);
    let user_import_jobs = Some(page.rows.iter().map(describe).collect());
    Ok(ListUserImportJobsResponse { pagination_token: page.token, user_import_jobs })
}
