//! Cognito: ChangePassword, by access token and the previous password (SECURITY.md I34). Tokens stay good, as in Cognito: see the module.

use cognito_model::idp::types::{ChangePasswordRequest, ChangePasswordResponse, EventResponseType, EventType};
use cognito_model::{Exception, Fault};
use common::secret::SecretString;

use crate::aws_json::{Call, Write};
use crate::events::{self, Happened};
use crate::limits::{Budget, Spender, budget, lockout};
use crate::recovery::code;
use crate::services::Services;
use crate::store::{Batch, CommitError};
use crate::users::self_service::{Caller, caller};
use crate::users::{Status, User, UserError, credentials, rows};

pub async fn handle(call: Call, input: ChangePasswordRequest) -> Result<ChangePasswordResponse, Fault> {
    let services = &call.services;
    let Caller { pool, user, .. } = caller(&call).await?;
    check_state(&user)?;
    pool.settings.password_policy().check(input.proposed_password.expose()).map_err(UserError::from)?;
    let previous = previous(&user, input.previous_password.as_ref())?;
    let who = Spender::user(&user.sub);
    budget::spend(call.now, &services.store, &pool.id, Budget::ChangePassword, &who).await?;
    if let Some(previous) = previous
        && let Err(refusal) = verify(services, &user, previous).await
    {
        let happened = Happened::new(EventType::PasswordChange, EventResponseType::Fail);
        events::failure(&call, &pool, Some(&user), happened, refusal.exception).await?;
        return Err(refusal);
    }
    let fresh = credentials::replace(services, &pool, &user, &input.proposed_password).await?;

    let mut batch = Batch::new();
    let alive = batch.add(rows::still_signed_in(&user));
    let unchanged = batch.add(rows::update_credentials(&user, &fresh, user.status, None, call.now));
    batch.add(code::discard(&user));
    batch.add(budget::give_back(&pool.id, Budget::ChangePassword, &who));
    batch.add(lockout::forget(&lockout::Subject::user(&pool.id, &user.sub)));
    let happened = Happened::new(EventType::PasswordChange, EventResponseType::Pass);
    batch.extend(events::statements(&call, &pool, &user, happened));
    match call.commit(Write::new(&pool.id, batch).about(user.sub.as_str())).await {
        Ok(()) => Ok(ChangePasswordResponse {}),
        Err(CommitError::Missed { index }) if index == alive => {
            Err(Fault::not_authorized("Access Token has been revoked"))
        }
        // Another change was first, so this is not the previous password any more.
        Err(CommitError::Missed { index }) if index == unchanged => Err(wrong()),
        Err(error) => Err(error.into()),
    }
}

/// Only a confirmed user has a password to change here: the others have an administrator's, or none that counts.
fn check_state(user: &User) -> Result<(), Fault> {
    match user.status {
        Status::Confirmed => Ok(()),
        Status::Unconfirmed => Err(Fault::new(Exception::UserNotConfirmed, "User is not confirmed.")),
        Status::ExternalProvider => Err(Fault::not_authorized("User password cannot be changed in the current state.")),
        Status::ResetRequired | Status::ForceChangePassword => {
            Err(Fault::new(Exception::PasswordResetRequired, "Password reset required for the user"))
        }
    }
}

/// What must be verified: nothing for a user who has no password and names none.
fn previous<'a>(user: &User, given: Option<&'a SecretString>) -> Result<Option<&'a SecretString>, Fault> {
    match (given, &user.credentials) {
        (None, Some(_)) => Err(Fault::invalid_parameter("Missing required parameter PreviousPassword")),
        (given, _) => Ok(given),
    }
}

async fn verify(services: &Services, user: &User, previous: &SecretString) -> Result<(), Fault> {
    if credentials::verify(services, Some(user), previous).await? { Ok(()) } else { Err(wrong()) }
}

fn wrong() -> Fault {
    Fault::not_authorized("Incorrect username or password.")
}
