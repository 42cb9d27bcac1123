//! Cognito: ListIdentityProviders, by name.

use cognito_model::Fault;
use cognito_model::idp::types::{ListIdentityProvidersRequest, ListIdentityProvidersResponse};

use crate::aws_json::{Call, Listing};
use crate::pools;
use crate::providers::{Known, rows};

/// An answer holds no more (Cognito: ProvidersListType), though more may be asked for.
const LARGEST: usize = 50;

pub async fn handle(call: Call, input: ListIdentityProvidersRequest) -> Result<ListIdentityProvidersResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let listing = Listing::of_at_most(LARGEST, &call, &key, &[], input.max_results);
    let [after] = listing.after(input.next_token.as_deref())?.unwrap_or_default();
    let found = services.store.read(rows::page(&pool.id, &after, listing.to_read())).await?;
    let found = found.iter().map(rows::read_known).collect::<Result<Vec<Known>, _>>()?;
    let page = listing.page(found, |known| [known.name.clone()]);
    let providers = page.rows.iter().map(Known::describe_shortly).collect();
    Ok(ListIdentityProvidersResponse { next_token: page.token, providers })
}
