//! Cognito: UpdateIdentityProvider. What is left out stays as it is; what is given replaces all of its kind.

use cognito_model::idp::types::{UpdateIdentityProviderRequest, UpdateIdentityProviderResponse};
use cognito_model::{Exception, Fault};
use common::clock::UnixMillis;

use crate::aws_json::{Call, Write};
use crate::providers::model::{Provider, Settings};
use crate::providers::{rows, rules};
use crate::store::Batch;
use crate::{pools, providers};

pub async fn handle(call: Call, input: UpdateIdentityProviderRequest) -> Result<UpdateIdentityProviderResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    refuse_own(&input.provider_name)?;
    let made = providers::named(services, &pool.id, &input.provider_name).await?;
    let details = match input.provider_details {
        Some(given) => {
            rules::details(made.kind, rules::renewed(given, &made.details)).map_err(Fault::invalid_parameter)?
        }
        None => made.details.clone(),
    };
    let kept = made.settings.clone();
    let settings = Settings {
        attribute_mapping: input.attribute_mapping.unwrap_or(kept.attribute_mapping),
        acr_mapping: input.acr_mapping.or(kept.acr_mapping),
        identifiers: input.idp_identifiers.unwrap_or(kept.identifiers),
    };
    rules::check_settings(&settings, pool.schema()).map_err(Fault::invalid_parameter)?;
    let modified = call.now.max(UnixMillis(made.modified.0.saturating_add(1)));
    let provider = Provider { details, settings, modified, ..made.clone() };
    let key = services.pool_keys.key(&pool.id).await?;
    let text = serde_json::to_vec(&provider.details).map_err(Fault::internal)?;
    let sealed = key.seal(rows::details_cell(&[&provider.name]), &text).map_err(Fault::internal)?;

    let mut batch = Batch::new();
    let update = batch.add(rows::update(&made, &provider, sealed));
    batch.add(rows::forget_identifiers(&pool.id, &provider.name));
    let identifiers = batch.extend(rows::identify(&provider));
    let changed = Fault::new(
        Exception::ConcurrentModification,
        "The identity provider was changed by another request. Try again.",
    );
    let misses = [(update, changed)].into_iter().chain(taken(&provider, identifiers));
    call.commit_or(Write::new(&pool.id, batch).about(&provider.name), misses).await?;
    Ok(UpdateIdentityProviderResponse { identity_provider: provider.describe() })
}

/// The pool itself is no provider that could be changed or deleted.
pub(super) fn refuse_own(name: &str) -> Result<(), Fault> {
    if name == rules::COGNITO {
        let text = "The identity provider COGNITO is the user pool itself.";
        return Err(Fault::new(Exception::UnsupportedIdentityProvider, text));
    }
    Ok(())
}

/// What it means that a statement of [`rows::identify`], of which `first` is the first, misses.
pub(super) fn taken(provider: &Provider, first: usize) -> impl Iterator<Item = (usize, Fault)> + Send {
    let refusal = |identifier: &String| {
        Fault::invalid_parameter(format!("Identifier {identifier} is of another identity provider of the user pool."))
    };
    let refusals: Vec<Fault> = provider.settings.identifiers.iter().map(refusal).collect();
    refusals.into_iter().enumerate().map(move |(at, fault)| (first + at, fault))
}
