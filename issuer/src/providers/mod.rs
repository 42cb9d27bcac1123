//! Identity providers of a pool: whom else it believes about users, by SAML 2.0, OpenID Connect or the ways of four companies (Cognito:
//! CreateIdentityProvider). Nobody signs in by one yet; settings are checked, kept and shown.
//!
//! Invariants: names and identifiers are unique in a pool; `ProviderDetails` lie enveloped as a whole, since client secrets and private
//! keys are among them.

mod model;
pub mod ops;
pub mod rows;
mod rules;
#[cfg(test)]
mod suite;

#[cfg(test)]
pub use self::model::Settings;
pub use self::model::{Known, Provider};

use std::collections::BTreeSet;

use cognito_model::Fault;
use common::ids::PoolId;

use crate::aws_json::Registered;
use crate::services::Services;
use crate::store::{Row, Store};

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// The provider that a request names.
///
/// # Errors
/// `ResourceNotFoundException: Identity provider … does not exist.`, storage.
pub async fn named(services: &Services, pool: &PoolId, name: &str) -> Result<Provider, Fault> {
    let row = services.store.one(rows::by_name(pool, name)).await?.ok_or_else(|| absent(name))?;
    opened(services, pool, &row).await
}

/// The provider that has this identifier.
pub async fn identified(services: &Services, pool: &PoolId, identifier: &str) -> Result<Provider, Fault> {
    let row = services.store.one(rows::by_identifier(pool, identifier)).await?.ok_or_else(|| absent(identifier))?;
    opened(services, pool, &row).await
}

/// Whether the pool has a provider of this name, and of which kind and mapping it is. Its details stay sealed.
pub async fn known(store: &Store, pool: &PoolId, name: &str) -> Result<Option<Known>, Fault> {
    // What holds controls is no name, and engines take no NUL.
    if rules::check_name_characters(name).is_err() {
        return Ok(None);
    }
    let row = store.one(rows::known(pool, name)).await?;
    Ok(row.map(|row| rows::read_known(&row)).transpose()?)
}

/// # Errors
/// `ResourceNotFoundException: Identity provider … does not exist.`, storage.
pub async fn check_exists(store: &Store, pool: &PoolId, name: &str) -> Result<Known, Fault> {
    known(store, pool, name).await?.ok_or_else(|| absent(name))
}

/// The first of a client's `SupportedIdentityProviders` that the pool does not have; it always has `COGNITO`, itself.
pub async fn first_unknown<'a>(store: &Store, pool: &PoolId, names: &'a [String]) -> Result<Option<&'a str>, Fault> {
    let distinct: BTreeSet<&String> = names.iter().filter(|name| *name != rules::COGNITO).collect();
    // With more than a pool can have, one of the first is unknown.
    for name in distinct.into_iter().take(usize::try_from(rules::MOST).unwrap_or(usize::MAX).saturating_add(1)) {
        if known(store, pool, name).await?.is_none() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

async fn opened(services: &Services, pool: &PoolId, row: &Row) -> Result<Provider, Fault> {
    let stored = rows::stored(row)?;
    let key = services.pool_keys.key(pool).await?;
    let details = key.open(rows::details_cell(&[&stored.name]), &stored.details).map_err(Fault::internal)?;
    Ok(Provider {
        pool: pool.clone(),
        name: stored.name,
        kind: stored.kind,
        details: serde_json::from_slice(details.expose()).map_err(Fault::internal)?,
        settings: stored.settings,
        created: stored.created,
        modified: stored.modified,
    })
}

fn absent(name: &str) -> Fault {
    Fault::resource_not_found(format!("Identity provider {name} does not exist."))
}
