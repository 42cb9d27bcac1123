//! Second factors of users: software tokens, what each user is asked for, passkeys (Cognito: AssociateSoftwareToken, SetUserMFAPreference,
//! StartWebAuthnRegistration, …). `signin` asks for them.
//!
//! Invariants: a code of a software token passes once, over all issuers; a seed counts from its first code on; what a user is asked for is in
//! the user's row (`users::mfa`), and [`demand()`] alone says what follows from it; what changes a user's factors ends trust in their devices. Who has used up a budget of tries is not listened to.

mod configured;
mod demand;
pub mod error;
pub mod one_time;
pub mod ops;
pub mod passkeys;
pub mod preferences;
pub mod rows;
pub mod software_token;
#[cfg(test)]
mod suite;
pub mod totp;

pub use self::demand::{Demand, demand};

use cognito_model::Fault;
use cognito_model::idp::types::UserPoolMfaType;
use common::ids::{PoolId, Sub};

use self::preferences::{Author, Wishes};
use self::software_token::TokenError;
use crate::aws_json::{Call, Registered, Write};
use crate::devices;
use crate::pools::Pool;
use crate::services::Services;
use crate::store::{Batch, CommitError, Migration, Statement};
use crate::users::{self, TRIES, User, UserError};

/// The tables of this feature.
pub const MIGRATIONS: [&Migration; 2] = [&rows::MIGRATION, &passkeys::rows::MIGRATION];

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// Deletes what hangs on a user of this feature's tables.
pub fn forget(pool: &PoolId, sub: &Sub) -> Vec<Statement> {
    let mut statements = vec![rows::forget(pool, sub)];
    statements.extend(passkeys::rows::forget(pool, sub));
    statements
}

/// What a sign-in of this user is asked for. Where MFA is OFF, nothing is read for it.
pub async fn demand_of(services: &Services, pool: &Pool, user: &User) -> Result<Demand, TokenError> {
    if pool.settings.mfa() == UserPoolMfaType::Off {
        return Ok(Demand::Nothing);
    }
    let has_token = software_token::is_registered(services, &pool.id, &user.sub).await?;
    Ok(demand(&pool.settings, user, has_token))
}

/// Changes what a user is asked for, on what is there at the time.
///
/// # Errors
/// `InvalidParameterException`, [`UserError::Absent`], storage.
pub async fn change_preferences(
    call: &Call,
    pool: &Pool,
    sub: &Sub,
    author: Author,
    wishes: &Wishes,
) -> Result<(), Fault> {
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        let user = users::by_sub(&call.services.store, pool, sub).await?.ok_or(UserError::Absent)?;
        let has_token = software_token::is_registered(&call.services, &pool.id, sub).await?;
        let after = preferences::change(&pool.settings, &user, has_token, author, wishes);
        let after = after.map_err(Fault::invalid_parameter)?;
        let mut batch = Batch::new();
        batch.add(users::rows::set_mfa(&user, &after, call.now));
        if after != user.mfa {
            batch.add(devices::rows::distrust(&pool.id, sub));
        }
        outcome = call.commit(Write::new(&pool.id, batch).about(sub.as_str())).await;
        if !matches!(outcome, Err(CommitError::Missed { .. })) {
            break;
        }
    }
    Ok(outcome?)
}
