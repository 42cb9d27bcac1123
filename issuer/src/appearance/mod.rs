//! How a client's pages look: CSS and a logo for the classic ones (Cognito: SetUICustomization), settings and images for managed login
//! (CreateManagedLoginBranding). No page shows them yet.
//!
//! Invariants: a client has one of each at most, and they go with it; CSS reaches nothing but the classes that pages offer; an image is of
//! the type that it is said to be.

mod branding;
mod css;
mod customization;
mod images;
pub mod ops;
pub mod rows;
#[cfg(test)]
mod suite;

pub use self::branding::Branding;

use cognito_model::Fault;
use common::ids::PoolId;

use crate::aws_json::Registered;
use crate::store::Store;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// The branding that a request names.
///
/// # Errors
/// `ResourceNotFoundException: Managed login branding … does not exist.`, storage.
pub async fn named(store: &Store, pool: &PoolId, id: &str) -> Result<Branding, Fault> {
    let row = store.one(rows::branding_by_id(pool, id)).await?.ok_or_else(|| absent(id))?;
    Ok(rows::branding(&row)?)
}

fn absent(id: &str) -> Fault {
    Fault::resource_not_found(format!("Managed login branding {id} does not exist."))
}
