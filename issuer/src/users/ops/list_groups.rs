//! Cognito: ListGroups, by name.

use cognito_model::Fault;
use cognito_model::idp::types::{ListGroupsRequest, ListGroupsResponse};

use crate::aws_json::{Call, Listing};
use crate::pools;
use crate::users::groups::{self, Group};

pub async fn handle(call: Call, input: ListGroupsRequest) -> Result<ListGroupsResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let listing = Listing::new(&call, &key, &[], input.limit);
    let [after] = listing.after(input.next_token.as_deref())?.unwrap_or_default();
    let rows = services.store.read(groups::page(&pool.id, &after, listing.to_read())).await?;
    let found = rows.iter().map(groups::group).collect::<Result<Vec<Group>, _>>()?;
    let page = listing.page(found, |group| [group.name.clone()]);
    Ok(ListGroupsResponse { groups: Some(page.rows.iter().map(Group::describe).collect()), next_token: page.token })
}
