//! Resource servers: the APIs of a pool and the scopes that they know (Cognito: CreateResourceServer). A client's
//! `AllowedOAuthScopes` names them as `identifier/scope`.
//!
//! A scope that goes stays in the lists of clients that have it, as with Cognito; it is good for nothing there.

mod model;
pub mod ops;
pub mod rows;
mod rules;
#[cfg(test)]
mod suite;

pub use self::model::ResourceServer;

use std::collections::BTreeMap;

use cognito_model::Fault;
use common::ids::PoolId;

use crate::aws_json::Registered;
use crate::store::Store;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// The resource server that a request names.
///
/// # Errors
/// `ResourceNotFoundException: Resource server … does not exist.`, storage.
pub async fn named(store: &Store, pool: &PoolId, identifier: &str) -> Result<ResourceServer, Fault> {
    let row = store.one(rows::by_identifier(pool, identifier)).await?.ok_or_else(|| absent(identifier))?;
    Ok(rows::resource_server(&row)?)
}

/// The first of a client's scopes that is none of OpenID Connect's, none of Cognito's and none of the pool's resource servers.
pub async fn first_unknown<'a>(store: &Store, pool: &PoolId, scopes: &'a [String]) -> Result<Option<&'a str>, Fault> {
    let mut servers: BTreeMap<&str, Option<ResourceServer>> = BTreeMap::new();
    for scope in scopes {
        if rules::STANDARD_SCOPES.contains(&scope.as_str()) {
            continue;
        }
        let Some((identifier, name)) = scope.rsplit_once('/') else { return Ok(Some(scope)) };
        if !servers.contains_key(identifier) {
            let row = store.one(rows::by_identifier(pool, identifier)).await?;
            servers.insert(identifier, row.map(|row| rows::resource_server(&row)).transpose()?);
        }
        let known = servers.get(identifier).and_then(Option::as_ref).is_some_and(|server| server.has(name));
        if !known {
            return Ok(Some(scope));
        }
    }
    Ok(None)
}

fn absent(identifier: &str) -> Fault {
    Fault::resource_not_found(format!("Resource server {identifier} does not exist."))
}
