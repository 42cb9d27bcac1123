//! Cognito: ListResourceServers, by identifier.

use cognito_model::Fault;
use cognito_model::idp::types::{ListResourceServersRequest, ListResourceServersResponse};

use crate::aws_json::{Call, Listing};
use crate::pools;
use crate::resource_servers::{ResourceServer, rows};

/// Cognito: ListResourceServersLimitType.
const LARGEST: usize = 50;

pub async fn handle(call: Call, input: ListResourceServersRequest) -> Result<ListResourceServersResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let listing = Listing::of_at_most(LARGEST, &call, &key, &[], input.max_results);
    let [after] = listing.after(input.next_token.as_deref())?.unwrap_or_default();
    let found = services.store.read(rows::page(&pool.id, &after, listing.to_read())).await?;
    let found = found.iter().map(rows::resource_server).collect::<Result<Vec<ResourceServer>, _>>()?;
    let page = listing.page(found, |server| [server.identifier.clone()]);
    let resource_servers = page.rows.iter().map(ResourceServer::describe).collect();
    Ok(ListResourceServersResponse { next_token: page.token, resource_servers })
}
