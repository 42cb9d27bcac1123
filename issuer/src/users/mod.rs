//! Users: records, attributes, login names, groups, and the `valid_after` mark (DESIGN §3 "Tenancy and ids", "Not-before").
//!
//! Invariants: `sub` and `username` never change; a login name (user name or alias) belongs to one user of a pool; `valid_after`
//! only grows, and every write that must end a user's tokens goes through [`sign_out::everywhere`]; every change of attributes goes
//! through [`attributes`], which keeps login names in step.

pub mod address;
pub mod attributes;
pub mod create;
pub mod credentials;
pub mod decoys;
pub mod deliveries;
mod error;
pub mod filter;
mod former;
pub mod groups;
pub mod links;
pub mod login_names;
pub mod mfa;
pub mod model;
pub mod ops;
pub mod rows;
pub mod search;
pub mod self_service;
pub mod sign_out;
#[cfg(test)]
mod tests;

pub use self::error::UserError;
pub use self::mfa::MfaPreferences;
pub use self::model::{Status, User};

use common::ids::{PoolId, Sub};

use crate::aws_json::Registered;
use crate::envelope::PoolKey;
use crate::limits::Spender;
use crate::pools::Pool;
use crate::store::{Migration, Statement, Store};

/// The tables of this feature.
pub const MIGRATIONS: [&Migration; 9] = [
    &rows::MIGRATION,
    &rows::NAMES_BY_KEY,
    &former::MIGRATION,
    &attributes::waiting::MIGRATION,
    &search::MIGRATION,
    &groups::MIGRATION,
    &mfa::MIGRATION,
    &search::derived::MIGRATION,
    &search::PARTIAL,
];

/// How often a write is tried again when other writes of the same user keep running into it.
pub const TRIES: usize = 20;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// Deletes what hangs on a user of this feature's tables; after [`rows::delete`].
pub fn forget(pool: &PoolId, sub: &Sub) -> Vec<Statement> {
    let mut statements = rows::forget(pool, sub);
    statements.push(attributes::waiting::forget(pool, sub));
    statements
}

/// The user with this user name, alias or `sub`.
pub async fn by_name(store: &Store, pool: &Pool, name: &str) -> Result<Option<User>, UserError> {
    let key = login_names::key(pool, name);
    let row = store.one(rows::by_login(&pool.id, &key)).await?;
    if let Some(row) = row {
        let user = rows::user(&row)?;
        if login_names::is_in_force(pool, row.text(rows::COLUMNS)?, &key, &user) {
            return Ok(Some(user.seen_in(pool)));
        }
    }
    // Where the user name is an e-mail address or phone number, Cognito takes the `sub` too: it is the internal user name.
    match Sub::parse(name) {
        Ok(sub) => by_sub(store, pool, &sub).await,
        Err(_) => Ok(None),
    }
}

/// The user that an administrator's request names.
///
/// # Errors
/// [`UserError::Absent`] (`UserNotFoundException: User does not exist.`), storage.
pub async fn named(store: &Store, pool: &Pool, name: &str) -> Result<User, UserError> {
    by_name(store, pool, name).await?.ok_or(UserError::Absent)
}

/// Whose budget a try at this name is taken from: the user's, or that of a name that is nobody's.
pub fn spender(key: &PoolKey, pool: &Pool, user: Option<&User>, name: &str) -> Spender {
    match user {
        Some(user) => Spender::user(&user.sub),
        None => Spender::stranger(key, &login_names::key(pool, name)),
    }
}

pub async fn by_sub(store: &Store, pool: &Pool, sub: &Sub) -> Result<Option<User>, UserError> {
    let row = store.one(rows::by_sub(&pool.id, sub)).await?;
    Ok(row.map(|row| rows::user(&row)).transpose()?.map(|user| user.seen_in(pool)))
}
