//! Terms of use and privacy policies that a client's pages lead to (Cognito: CreateTerms). No page shows them yet.
//!
//! Invariant: a client has one document of each name at most.

mod model;
pub mod ops;
pub mod rows;
mod rules;
#[cfg(test)]
mod suite;

pub use self::model::Terms;

use cognito_model::Fault;
use common::ids::PoolId;

use crate::aws_json::Registered;
use crate::store::Store;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// The terms that a request names.
///
/// # Errors
/// `ResourceNotFoundException: Terms … does not exist.`, storage.
pub async fn named(store: &Store, pool: &PoolId, id: &str) -> Result<Terms, Fault> {
    let row = store.one(rows::by_id(pool, id)).await?.ok_or_else(|| absent(id))?;
    Ok(rows::terms(&row)?)
}

fn absent(name: &str) -> Fault {
    Fault::resource_not_found(format!("Terms {name} does not exist."))
}
