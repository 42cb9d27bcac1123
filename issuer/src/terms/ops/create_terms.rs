//! Cognito: CreateTerms.

use cognito_model::idp::types::{CreateTermsRequest, CreateTermsResponse};
use cognito_model::{Exception, Fault};
use uuid::Uuid;

use crate::aws_json::{Call, Write};
use crate::clients::{self, ClientError};
use crate::store::Batch;
use crate::terms::{Terms, rows, rules};

pub async fn handle(call: Call, input: CreateTermsRequest) -> Result<CreateTermsResponse, Fault> {
    let (pool, client) = clients::named(&call.services, &input.user_pool_id, &input.client_id).await?;
    let terms = Terms {
        pool: pool.id.clone(),
        id: Uuid::new_v4().to_string(),
        client: client.id.to_string(),
        name: input.terms_name,
        links: rules::links(input.links).map_err(Fault::invalid_parameter)?,
        created: call.now,
        modified: call.now,
    };
    let mut batch = Batch::new();
    let gone = batch.add(clients::rows::hold(&client));
    let taken = batch.add(rows::insert(&terms));
    let misses = [(gone, ClientError::Absent(input.client_id).into()), (taken, exists(&terms))];
    call.commit_or(Write::new(&pool.id, batch).about(&terms.id), misses).await?;
    Ok(CreateTermsResponse { terms: Some(terms.describe()) })
}

pub(super) fn exists(terms: &Terms) -> Fault {
    let text = format!("Terms with the name {} already exist for client {}.", terms.name, terms.client);
    Fault::new(Exception::TermsExists, text)
}
