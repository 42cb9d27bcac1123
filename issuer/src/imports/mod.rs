//! Jobs that import users from CSV files (Cognito: CreateUserImportJob). Jobs are made, started, stopped and shown; nothing takes files
//! yet, so a job that was started waits (`Pending`).

mod header;
mod model;
pub mod ops;
pub mod rows;
#[cfg(test)]
mod suite;

pub use self::model::Job;

use cognito_model::Fault;

use crate::aws_json::Registered;
use crate::pools::Pool;
use crate::store::Store;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// The job that a request names.
///
/// # Errors
/// `ResourceNotFoundException: User import job … does not exist.`, storage.
pub async fn named(store: &Store, pool: &Pool, id: &str) -> Result<Job, Fault> {
    let row = store.one(rows::by_id(&pool.id, id)).await?.ok_or_else(|| absent(id))?;
    Ok(rows::job(&row)?)
}

fn absent(id: &str) -> Fault {
    Fault::resource_not_found(format!("User import job {id} does not exist."))
}
