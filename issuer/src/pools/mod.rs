//! User pools: settings, attribute schema and the rules that both imply (Cognito: CreateUserPool, DescribeUserPool).
//!
//! Invariants: a pool is read from its row at every request, never from a cache; `iss` is unique in a deployment; a setting
//! is refused, acts, or is kept and shown for the part that will act on it (docs/DIVERGENCES.md lists those).

mod error;
pub mod founding;
mod logs;
mod mail;
pub mod mfa;
pub mod model;
pub mod ops;
pub mod rows;
pub mod rules;
pub mod schema;
#[cfg(test)]
mod suite;
pub mod tags;
#[cfg(test)]
mod tests;
mod triggers;

pub use self::error::PoolError;
pub use self::model::Pool;

use cognito_model::{Exception, Fault};
use common::ids::PoolId;

use self::model::Settings;
use crate::aws_json::{Call, Registered, Write};
use crate::config::Deployment;
use crate::services::Services;
use crate::store::{Batch, CommitError, Store};

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

/// The id in the ARN of a pool of this deployment: `arn:aws:cognito-idp:<region>:<account>:userpool/<id>`.
pub fn id_of_arn(arn: &str, deployment: &Deployment) -> Option<PoolId> {
    let (region, rest) = arn.strip_prefix("arn:aws:cognito-idp:")?.split_once(':')?;
    let id = rest.strip_prefix(deployment.account_id.as_str())?.strip_prefix(":userpool/")?;
    PoolId::parse(id).ok().filter(|id| id.region() == region)
}

/// The pool with this ARN.
pub async fn of_arn(services: &Services, arn: &str) -> Result<Pool, PoolError> {
    let id = id_of_arn(arn, &services.deployment).ok_or_else(|| PoolError::NoArn(arn.to_owned()))?;
    find(&services.store, &id).await
}

/// Refuses what a pool without UserSessionTracking has no answer to.
///
/// # Errors
/// `OperationNotEnabledException`
pub fn demand_session_tracking(pool: &Pool) -> Result<(), Fault> {
    if pool.settings.tracks_sessions() {
        return Ok(());
    }
    let text = "User session tracking is not enabled for this user pool.";
    Err(Fault::new(Exception::OperationNotEnabled, text))
}

/// How often a change is decided anew when the pool is changed meanwhile: not every operation has an exception to say so.
const TRIES: usize = 20;

/// Changes settings of the pool with this id, for operations that don't know ConcurrentModificationException. `change` decides on the pool as it
/// is now.
///
/// # Errors
/// Those of `change`; `InternalErrorException` (503) when others keep changing the pool; storage.
async fn amend(
    call: &Call,
    pool_id: &str,
    change: impl Fn(&Pool) -> Result<Settings, PoolError>,
) -> Result<Pool, Fault> {
    for _ in 0..TRIES {
        let pool = named(&call.services.store, pool_id).await?;
        let settings = change(&pool)?;
        match self::change(call, &pool, &settings).await {
            Err(PoolError::Changed) => {}
            outcome => return Ok(outcome.map(|()| pool)?),
        }
    }
    Err(Fault::unavailable("other requests keep changing the pool"))
}

/// Stores settings that were decided on the pool as it was read.
///
/// # Errors
/// [`PoolError::Changed`] when another request was quicker, storage.
async fn change(call: &Call, pool: &Pool, settings: &Settings) -> Result<(), PoolError> {
    let mut batch = Batch::new();
    let update = batch.add(rows::update(pool, &pool.name, settings, call.now));
    match call.commit(Write::new(&pool.id, batch).about(pool.id.as_str())).await {
        Ok(()) => Ok(()),
        Err(CommitError::Missed { index }) if index == update => Err(PoolError::Changed),
        Err(error) => Err(error.into()),
    }
}
