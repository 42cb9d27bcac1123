//! Replicas of a pool in other regions (Cognito: CreateUserPoolReplica). One deployment is one region, and nothing is copied anywhere yet:
//! that a pool is to have a replica is kept and shown.

mod model;
pub mod ops;
pub mod rows;
#[cfg(test)]
mod suite;

pub use self::model::Replica;

use cognito_model::Fault;

use crate::aws_json::Registered;
use crate::pools::Pool;
use crate::store::Store;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// The pool's replica in a region.
///
/// # Errors
/// `ResourceNotFoundException: User pool … has no replica in ….`, storage.
pub async fn named(store: &Store, pool: &Pool, region: &str) -> Result<Replica, Fault> {
    model::check_region(region).map_err(Fault::invalid_parameter)?;
    let row = store.one(rows::by_region(&pool.id, region)).await?.ok_or_else(|| absent(pool, region))?;
    Ok(rows::replica(&row)?)
}

fn absent(pool: &Pool, region: &str) -> Fault {
    Fault::resource_not_found(format!("User pool {} has no replica in {region}.", pool.id))
}
