//! Cognito: ListUsersInGroup, by `sub`.

use cognito_model::Fault;
use cognito_model::idp::types::{ListUsersInGroupRequest, ListUsersInGroupResponse};

use crate::aws_json::{Call, Listing};
use crate::pools;
use crate::store::RowError;
use crate::users::{User, groups, rows};

pub async fn handle(call: Call, input: ListUsersInGroupRequest) -> Result<ListUsersInGroupResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let group = groups::named(&services.store, &pool.id, &input.group_name).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let listing = Listing::new(&call, &key, &[&group.name], input.limit);
    let [after] = listing.after(input.next_token.as_deref())?.unwrap_or_default();
    let query = groups::members(&pool.id, &group.name, &after, listing.to_read());
    let rows = services.store.read(query).await?;
    let seen = rows.iter().map(|row| Ok(rows::user(row)?.seen_in(&pool)));
    let found = seen.collect::<Result<Vec<User>, RowError>>()?;
    let page = listing.page(found, |user| [user.sub.to_string()]);
    Ok(ListUsersInGroupResponse { users: Some(page.rows.iter().map(User::describe).collect()), next_token: page.token })
}
