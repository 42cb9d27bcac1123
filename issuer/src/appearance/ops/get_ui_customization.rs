//! Cognito: GetUICustomization: the client's own, else that of all clients, else nothing.

use cognito_model::Fault;
use cognito_model::idp::types::{GetUICustomizationRequest, GetUICustomizationResponse, UICustomizationType};

use super::set_ui_customization::target;
use crate::appearance::customization::ALL;
use crate::appearance::rows;
use crate::aws_json::Call;

pub async fn handle(call: Call, input: GetUICustomizationRequest) -> Result<GetUICustomizationResponse, Fault> {
    let services = &call.services;
    let (pool, client) = target(services, &input.user_pool_id, input.client_id.as_deref()).await?;
    let own = client.as_ref().map_or(ALL, |client| client.id.as_str());
    let mut found = services.store.one(rows::customization_of(&pool.id, own)).await?;
    if found.is_none() && client.is_some() {
        found = services.store.one(rows::customization_of(&pool.id, ALL)).await?;
    }
    let ui_customization = match found {
        Some(row) => rows::customization(&row)?.describe(&services.deployment.public_url),
        None => UICustomizationType::default(),
    };
    Ok(GetUICustomizationResponse { ui_customization })
}
