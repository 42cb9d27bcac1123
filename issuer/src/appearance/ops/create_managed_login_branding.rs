//! Cognito: CreateManagedLoginBranding.

use cognito_model::idp::types::{CreateManagedLoginBrandingRequest, CreateManagedLoginBrandingResponse};
use cognito_model::{Exception, Fault};
use uuid::Uuid;

use crate::appearance::branding::{Branding, MOST, Style};
use crate::appearance::rows;
use crate::aws_json::{Call, Write};
use crate::clients::{self, ClientError};
use crate::pools::{self, PoolError};
use crate::store::Batch;

pub async fn handle(
    call: Call,
    input: CreateManagedLoginBrandingRequest,
) -> Result<CreateManagedLoginBrandingResponse, Fault> {
    let (pool, client) = clients::named(&call.services, &input.user_pool_id, &input.client_id).await?;
    let provided = input.use_cognito_provided_values.unwrap_or(false);
    let style = Style::new(provided, input.settings, input.assets.unwrap_or_default());
    let branding = Branding {
        pool: pool.id.clone(),
        id: Uuid::new_v4().to_string(),
        client: client.id.to_string(),
        style: style.map_err(Fault::invalid_parameter)?,
        created: call.now,
        modified: call.now,
    };
    let mut batch = Batch::new();
    let no_pool = batch.add(pools::rows::hold(&pool.id));
    let gone = batch.add(clients::rows::hold(&client));
    let full = batch.add(pools::rows::room(&pool.id, rows::BRANDINGS, MOST));
    let taken = batch.add(rows::insert(&branding));
    let exists = format!("Managed login branding already exists for client {}.", client.id);
    let misses = [
        (no_pool, PoolError::Absent(pool.id.clone()).into()),
        (gone, ClientError::Absent(input.client_id).into()),
        (full, Fault::limit_exceeded("The user pool has as many managed login brandings as it may have.")),
        (taken, Fault::new(Exception::ManagedLoginBrandingExists, exists)),
    ];
    call.commit_or(Write::new(&pool.id, batch).about(&branding.id), misses).await?;
    Ok(CreateManagedLoginBrandingResponse { managed_login_branding: Some(branding.describe()) })
}
