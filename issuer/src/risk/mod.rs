//! What a pool, or one client of it, does about risky sign-ins (Cognito: SetRiskConfiguration). Nothing judges risks yet; what is set is
//! checked, kept and shown.

mod model;
pub mod ops;
pub mod rows;
mod rules;
#[cfg(test)]
mod suite;

use cognito_model::Fault;

use crate::aws_json::Registered;
use crate::clients::{self, Client};
use crate::pools::{self, Pool};
use crate::services::Services;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// The pool, and the client if one is named.
async fn target(services: &Services, pool: &str, client: Option<&str>) -> Result<(Pool, Option<Client>), Fault> {
    match client {
        Some(client) => {
            let (pool, client) = clients::named(services, pool, client).await?;
            Ok((pool, Some(client)))
        }
        None => Ok((pools::named(&services.store, pool).await?, None)),
    }
}
