//! Cognito: UpdateManagedLoginBranding. What is left out stays as it is.

use cognito_model::idp::types::{UpdateManagedLoginBrandingRequest, UpdateManagedLoginBrandingResponse};
use cognito_model::{Exception, Fault};
use common::clock::UnixMillis;

use crate::appearance::{self, Branding, rows};
use crate::aws_json::{Call, Write};
use crate::pools;
use crate::store::Batch;

pub async fn handle(
    call: Call,
    input: UpdateManagedLoginBrandingRequest,
) -> Result<UpdateManagedLoginBrandingResponse, Fault> {
    let store = &call.services.store;
    let missing = |member: &str| Fault::invalid_parameter(format!("{member} must be given."));
    // The model requires neither, and there is nothing to be done without.
    let pool = input.user_pool_id.ok_or_else(|| missing("UserPoolId"))?;
    let id = input.managed_login_branding_id.ok_or_else(|| missing("ManagedLoginBrandingId"))?;
    let pool = pools::named(store, &pool).await?;
    let made = appearance::named(store, &pool.id, &id).await?;
    let style = made.style.updated(input.use_cognito_provided_values, input.settings, input.assets);
    let branding = Branding {
        style: style.map_err(Fault::invalid_parameter)?,
        modified: call.now.max(UnixMillis(made.modified.0.saturating_add(1))),
        ..made.clone()
    };
    let mut batch = Batch::new();
    let update = batch.add(rows::update(&made, &branding));
    let changed = Fault::new(
        Exception::ConcurrentModification,
        "The managed login branding was changed by another request. Try again.",
    );
    call.commit_or(Write::new(&pool.id, batch).about(&branding.id), [(update, changed)]).await?;
    Ok(UpdateManagedLoginBrandingResponse { managed_login_branding: Some(branding.describe()) })
}
