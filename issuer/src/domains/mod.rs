//! Domains of pools: the host names of their pages and OAuth endpoints (Cognito: CreateUserPoolDomain).
//!
//! Invariants: a domain is of one pool of the deployment; a pool has one prefix and one domain of its own at most; a pool with a domain
//! is not deleted.

pub mod host;
mod model;
pub mod ops;
pub mod published;
pub mod rows;
mod rules;
#[cfg(test)]
mod suite;

pub use self::host::Site;
pub use self::model::Domain;

use cognito_model::Fault;
use common::ids::PoolId;

use crate::aws_json::Registered;
use crate::store::Store;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// The pool's domain of this name.
///
/// # Errors
/// Cognito's one text for a domain that is not there and for one of another pool; storage.
pub async fn named(store: &Store, pool: &PoolId, domain: &str) -> Result<Domain, Fault> {
    let found = match store.one(rows::by_name(domain)).await? {
        Some(row) => Some(rows::domain(&row)?).filter(|found| found.pool == *pool),
        None => None,
    };
    found.ok_or_else(absent)
}

/// Whether the pool has any.
pub async fn has_any(store: &Store, pool: &PoolId) -> Result<bool, Fault> {
    Ok(store.one(rows::of_pool(pool)).await?.is_some())
}

fn absent() -> Fault {
    Fault::invalid_parameter("No such domain or user pool exists.")
}
