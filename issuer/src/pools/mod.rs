//! User pools: settings, attribute schema and the rules that both imply (Cognito: CreateUserPool, DescribeUserPool).
//!
//! Invariants: a pool is read from its row at every request, never from a cache; `iss` is unique in a deployment; settings that
//! ask for what this version does not have are refused when the pool is made, never ignored.

mod error;
mod mail;
pub mod model;
pub mod ops;
pub mod rows;
pub mod rules;
pub mod schema;
#[cfg(test)]
mod tests;
mod unsupported;

pub use self::error::PoolError;
pub use self::model::Pool;

use common::ids::PoolId;

use crate::aws_json::Registered;
use crate::store::Store;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// The pool with this id.
///
/// # Errors
/// [`PoolError::Absent`] (`ResourceNotFoundException: User pool … does not exist.`), storage.
pub async fn find(store: &Store, pool: &PoolId) -> Result<Pool, PoolError> {
    let row = store.one(rows::by_id(pool)).await?.ok_or_else(|| PoolError::Absent(pool.clone()))?;
    Ok(rows::pool(&row)?)
}

/// The pool that a request names.
pub async fn named(store: &Store, pool_id: &str) -> Result<Pool, PoolError> {
    let id = PoolId::parse(pool_id).map_err(|_| PoolError::Malformed(pool_id.to_owned()))?;
    find(store, &id).await
}
