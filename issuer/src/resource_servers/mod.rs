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
pub use self::rules::REGISTER_SCOPE;

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

/// Those of a client's scopes that are of the pool's resource servers, each once. A scope that is gone is none of them, nor is one of OpenID Connect or
/// Cognito.
pub async fn known_custom(store: &Store, pool: &PoolId, scopes: &[String]) -> Result<Vec<String>, Fault> {
    let mut known = Known::default();
    let mut found: Vec<String> = Vec::new();
    for scope in scopes.iter().filter(|scope| !rules::STANDARD_SCOPES.contains(&scope.as_str())) {
        if !found.contains(scope) && known.has(store, pool, scope).await? {
            found.push(scope.clone());
        }
    }
    Ok(found)
}

/// The first of a client's scopes that is none of OpenID Connect's, none of Cognito's and none of the pool's resource servers.
pub async fn first_unknown<'a>(store: &Store, pool: &PoolId, scopes: &'a [String]) -> Result<Option<&'a str>, Fault> {
    let mut known = Known::default();
    for scope in scopes.iter().filter(|scope| !rules::STANDARD_SCOPES.contains(&scope.as_str())) {
        if !known.has(store, pool, scope).await? {
            return Ok(Some(scope));
        }
    }
    Ok(None)
}

/// Whether it is a scope that every pool has.
pub fn is_standard(scope: &str) -> bool {
    rules::STANDARD_SCOPES.contains(&scope)
}

/// Resource servers that were looked up, each once.
#[derive(Default)]
struct Known(BTreeMap<String, Option<ResourceServer>>);

impl Known {
    /// Whether `identifier/scope` is of one of the pool's.
    async fn has(&mut self, store: &Store, pool: &PoolId, scope: &str) -> Result<bool, Fault> {
        if scope == REGISTER_SCOPE {
            return Ok(true);
        }
        let Some((identifier, name)) = scope.rsplit_once('/') else { return Ok(false) };
        if !self.0.contains_key(identifier) {
            let row = store.one(rows::by_identifier(pool, identifier)).await?;
            let server = row.map(|row| rows::resource_server(&row)).transpose()?;
            self.0.insert(identifier.to_owned(), server);
        }
        Ok(self.0.get(identifier).and_then(Option::as_ref).is_some_and(|server| server.has(name)))
    }
}

fn absent(identifier: &str) -> Fault {
    Fault::resource_not_found(format!("Resource server {identifier} does not exist."))
}
