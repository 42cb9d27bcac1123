//! Cognito: SetUICustomization, for one client or, without one or as `ALL`, for all that have nothing of their own. What is left out goes.

use cognito_model::Fault;
use cognito_model::idp::types::{SetUICustomizationRequest, SetUICustomizationResponse};

use crate::appearance::customization::{ALL, Customization, checked};
use crate::appearance::rows;
use crate::aws_json::{Call, Write};
use crate::clients::{self, Client, ClientError};
use crate::domains;
use crate::pools::{self, Pool, PoolError};
use crate::services::Services;
use crate::store::Batch;

pub async fn handle(call: Call, input: SetUICustomizationRequest) -> Result<SetUICustomizationResponse, Fault> {
    let services = &call.services;
    let (pool, client) = target(services, &input.user_pool_id, input.client_id.as_deref()).await?;
    let image =
        checked(input.css.as_deref(), input.image_file.map(|image| image.0)).map_err(Fault::invalid_parameter)?;
    if !domains::has_any(&services.store, &pool.id).await? {
        let text = "There has to be an existing domain associated with this user pool";
        return Err(Fault::invalid_parameter(text));
    }
    let own = client.as_ref().map_or(ALL, |client| client.id.as_str()).to_owned();
    let before = services.store.one(rows::customization_of(&pool.id, &own)).await?;
    let created = before.map(|row| row.millis(5)).transpose()?.unwrap_or(call.now);
    let customization =
        Customization { pool: pool.id.clone(), client: own, css: input.css, image, created, modified: call.now };
    let mut batch = Batch::new();
    let (gone, absent) = match &client {
        Some(client) => (batch.add(clients::rows::hold(client)), ClientError::Absent(client.id.to_string()).into()),
        None => (batch.add(pools::rows::hold(&pool.id)), PoolError::Absent(pool.id.clone()).into()),
    };
    batch.add(rows::put(&customization));
    call.commit_or(Write::new(&pool.id, batch).about(&customization.client), [(gone, absent)]).await?;
    Ok(SetUICustomizationResponse { ui_customization: customization.describe(&services.deployment.public_url) })
}

/// The pool, and the client unless all are meant.
pub(super) async fn target(
    services: &Services,
    pool: &str,
    client: Option<&str>,
) -> Result<(Pool, Option<Client>), Fault> {
    match client.filter(|client| *client != ALL) {
        Some(client) => {
            let (pool, client) = clients::named(services, pool, client).await?;
            Ok((pool, Some(client)))
        }
        None => Ok((pools::named(&services.store, pool).await?, None)),
    }
}
