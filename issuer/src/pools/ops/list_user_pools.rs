//! Cognito: ListUserPools, by id.

use cognito_model::Fault;
use cognito_model::idp::types::{ListUserPoolsRequest, ListUserPoolsResponse};

use crate::aws_json::{Call, Listing};
use crate::pools::{Pool, rows};

pub async fn handle(call: Call, input: ListUserPoolsRequest) -> Result<ListUserPoolsResponse, Fault> {
    let services = &call.services;
    let listing = Listing::new(&call, &services.deployment_key, &[], Some(input.max_results));
    let [after] = listing.after(input.next_token.as_deref())?.unwrap_or_default();
    // Ids begin with the region, so those of one are neighbours.
    let region = call.caller.region().map(|region| format!("{region}_")).unwrap_or_default();
    let rows = services.store.read(rows::page(after.as_str().max(region.as_str()), listing.to_read())).await?;
    let mut found = rows.iter().map(rows::pool).collect::<Result<Vec<Pool>, _>>()?;
    found.retain(|pool| pool.id.as_str().starts_with(&region));
    let page = listing.page(found, |pool| [pool.id.to_string()]);
    let user_pools = Some(page.rows.iter().map(Pool::describe_shortly).collect());
    Ok(ListUserPoolsResponse { user_pools, next_token: page.token })
}
