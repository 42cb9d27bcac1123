//! Cognito: UpdateUserPoolDomain. What is left out stays as it is. A prefix does not become a custom domain.

use cognito_model::idp::types::{UpdateUserPoolDomainRequest, UpdateUserPoolDomainResponse};
use cognito_model::{Exception, Fault};
use common::clock::UnixMillis;

use crate::aws_json::{Call, Write};
use crate::domains::model::{Domain, Settings};
use crate::domains::{self, rows, rules};
use crate::pools;
use crate::store::Batch;

pub async fn handle(call: Call, input: UpdateUserPoolDomainRequest) -> Result<UpdateUserPoolDomainResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let made = domains::named(&services.store, &pool.id, &input.domain).await?;
    if input.custom_domain_config.is_some() && !made.is_custom() {
        let text = "CustomDomainConfig can only be set for a custom domain.";
        return Err(Fault::invalid_parameter(text));
    }
    let kept = made.settings.clone();
    let settings = Settings {
        custom: input.custom_domain_config.or(kept.custom),
        managed_login_version: input.managed_login_version.unwrap_or(kept.managed_login_version),
        routing: input.routing.or(kept.routing),
    };
    rules::check(&made.name, &settings).map_err(Fault::invalid_parameter)?;
    let modified = call.now.max(UnixMillis(made.modified.0.saturating_add(1)));
    let domain = Domain { settings, modified, ..made.clone() };
    let mut batch = Batch::new();
    let update = batch.add(rows::update(&made, &domain));
    let changed =
        Fault::new(Exception::ConcurrentModification, "The domain was changed by another request. Try again.");
    call.commit_or(Write::new(&pool.id, batch).about(&domain.name), [(update, changed)]).await?;
    Ok(UpdateUserPoolDomainResponse {
        cloud_front_domain: domain.target(&services.deployment),
        managed_login_version: Some(domain.settings.managed_login_version),
        routing: domain.settings.routing,
    })
}
