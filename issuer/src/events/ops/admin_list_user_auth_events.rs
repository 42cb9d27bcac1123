//! Cognito: AdminListUserAuthEvents, the newest first.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminListUserAuthEventsRequest, AdminListUserAuthEventsResponse};

use crate::aws_json::{Call, Listing};
use crate::events::model::Event;
use crate::events::{demand, rows};
use crate::{pools, users};

pub async fn handle(
    call: Call,
    input: AdminListUserAuthEventsRequest,
) -> Result<AdminListUserAuthEventsResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    demand(&pool)?;
    let user = users::named(&services.store, &pool, &input.username).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let listing = Listing::new(&call, &key, &[user.sub.as_str()], input.max_results);
    let before = listing.after::<1>(input.next_token.as_deref())?;
    let before = before.as_ref().map(|[id]| id.as_str());
    let found = services.store.read(rows::page(&pool.id, &user.sub, before, listing.to_read())).await?;
    let found = found.iter().map(rows::event).collect::<Result<Vec<Event>, _>>()?;
    let page = listing.page(found, |event| [event.id.clone()]);
    let auth_events = page.rows.iter().map(Event::describe).collect();
    Ok(AdminListUserAuthEventsResponse { auth_events: Some(auth_events), next_token: page.token })
}
