//! Cognito: UpdateTerms. What is left out stays as it is.

use cognito_model::idp::types::{UpdateTermsRequest, UpdateTermsResponse};
use cognito_model::{Exception, Fault};
use common::clock::UnixMillis;

use super::create_terms::exists;
use crate::aws_json::{Call, Write};
use crate::store::Batch;
use crate::terms::{self, Terms, absent, rows, rules};
use crate::{clients, pools};

pub async fn handle(call: Call, input: UpdateTermsRequest) -> Result<UpdateTermsResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let made = terms::named(store, &pool.id, &input.terms_id).await?;
    let links = match input.links {
        Some(given) => rules::links(Some(given)).map_err(Fault::invalid_parameter)?,
        None => made.links.clone(),
    };
    let name = input.terms_name.unwrap_or_else(|| made.name.clone());
    let modified = call.now.max(UnixMillis(made.modified.0.saturating_add(1)));
    let new = Terms { name, links, modified, ..made.clone() };
    // CreateTerms holds the client's row, too: of both, one looks after the other has written.
    let mut batch = Batch::new();
    let gone = batch.add(clients::rows::hold_named(&pool.id, &made.client));
    let taken = batch.add(rows::free(&new));
    let update = batch.add(rows::update(&made, &new));
    let changed =
        Fault::new(Exception::ConcurrentModification, "The terms were changed by another request. Try again.");
    // The terms of a client go with it.
    let misses = [(gone, absent(&input.terms_id)), (taken, exists(&new)), (update, changed)];
    call.commit_or(Write::new(&pool.id, batch).about(&new.id), misses).await?;
    Ok(UpdateTermsResponse { terms: Some(new.describe()) })
}
