//! Cognito: ListTerms, by id.

use cognito_model::Fault;
use cognito_model::idp::types::{ListTermsRequest, ListTermsResponse};

use crate::aws_json::{Call, Listing};
use crate::pools;
use crate::terms::{Terms, rows};

pub async fn handle(call: Call, input: ListTermsRequest) -> Result<ListTermsResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let listing = Listing::new(&call, &key, &[], input.max_results);
    let [after] = listing.after(input.next_token.as_deref())?.unwrap_or_default();
    let found = services.store.read(rows::page(&pool.id, &after, listing.to_read())).await?;
    let found = found.iter().map(rows::terms).collect::<Result<Vec<Terms>, _>>()?;
    let page = listing.page(found, |terms| [terms.id.clone()]);
    Ok(ListTermsResponse { next_token: page.token, terms: page.rows.iter().map(Terms::describe_shortly).collect() })
}
