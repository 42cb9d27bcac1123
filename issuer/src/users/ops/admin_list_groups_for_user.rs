//! Cognito: AdminListGroupsForUser, by name.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminListGroupsForUserRequest, AdminListGroupsForUserResponse};

use crate::aws_json::{Call, Listing};
use crate::pools;
use crate::users;
use crate::users::groups::{self, Group};

pub async fn handle(call: Call, input: AdminListGroupsForUserRequest) -> Result<AdminListGroupsForUserResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let user = users::named(&services.store, &pool, &input.username).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let listing = Listing::new(&call, &key, &[user.sub.as_str()], input.limit);
    let [after] = listing.after(input.next_token.as_deref())?.unwrap_or_default();
    let query = groups::page_of_user(&pool.id, &user.sub, &after, listing.to_read());
    let rows = services.store.read(query).await?;
    let found = rows.iter().map(groups::group).collect::<Result<Vec<Group>, _>>()?;
    let page = listing.page(found, |group| [group.name.clone()]);
    let groups = Some(page.rows.iter().map(Group::describe).collect());
    Ok(AdminListGroupsForUserResponse { groups, next_token: page.token })
}
