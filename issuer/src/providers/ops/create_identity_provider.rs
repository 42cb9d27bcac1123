//! Cognito: CreateIdentityProvider.

use cognito_model::idp::types::{CreateIdentityProviderRequest, CreateIdentityProviderResponse};
use cognito_model::{Exception, Fault};

use super::update_identity_provider::taken;
use crate::aws_json::{Call, Write};
use crate::pools::{self, PoolError};
use crate::providers::model::{Provider, Settings};
use crate::providers::{rows, rules};
use crate::store::Batch;

pub async fn handle(call: Call, input: CreateIdentityProviderRequest) -> Result<CreateIdentityProviderResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    rules::check_name(&input.provider_name, input.provider_type).map_err(Fault::invalid_parameter)?;
    let details = rules::details(input.provider_type, input.provider_details).map_err(Fault::invalid_parameter)?;
    let settings = Settings {
        attribute_mapping: input.attribute_mapping.unwrap_or_default(),
        acr_mapping: input.acr_mapping,
        identifiers: input.idp_identifiers.unwrap_or_default(),
    };
    rules::check_settings(&settings, pool.schema()).map_err(Fault::invalid_parameter)?;
    let provider = Provider {
        pool: pool.id.clone(),
        name: input.provider_name,
        kind: input.provider_type,
        details,
        settings,
        created: call.now,
        modified: call.now,
    };
    let key = services.pool_keys.key(&pool.id).await?;
    let text = serde_json::to_vec(&provider.details).map_err(Fault::internal)?;
    let sealed = key.seal(rows::details_cell(&[&provider.name]), &text).map_err(Fault::internal)?;

    let mut batch = Batch::new();
    let gone = batch.add(pools::rows::hold(&pool.id));
    let full = batch.add(pools::rows::room(&pool.id, rows::TABLE, rules::MOST));
    let there = batch.add(rows::insert(&provider, sealed));
    let identifiers = batch.extend(rows::identify(&provider));
    let exists = format!("A provider with the name {} already exists.", provider.name);
    let misses = [
        (gone, PoolError::Absent(pool.id.clone()).into()),
        (full, Fault::limit_exceeded("The user pool has as many identity providers as it may have.")),
        (there, Fault::new(Exception::DuplicateProvider, exists)),
    ];
    let misses = misses.into_iter().chain(taken(&provider, identifiers));
    call.commit_or(Write::new(&pool.id, batch).about(&provider.name), misses).await?;
    Ok(CreateIdentityProviderResponse { identity_provider: provider.describe() })
}
