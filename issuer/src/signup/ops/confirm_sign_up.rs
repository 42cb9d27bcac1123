//! Cognito: ConfirmSignUp. The code is consumed, the user confirmed, its address marked verified and claimed as an alias in one
//! batch. To clients that hide who exists a wrong code and a wrong name are one answer (I41).

use cognito_model::idp::types::{ConfirmSignUpRequest, ConfirmSignUpResponse};
use cognito_model::{Exception, Fault};

use crate::aws_json::{Call, Write};
use crate::clients;
use crate::codes::{self, CodeError};
use crate::limits::{Budget, budget};
use crate::pools::Pool;
use crate::signup::code;
use crate::store::{Batch, CommitError, Statement};
use crate::users::deliveries::{self, Destination};
use crate::users::{self, Status, User, login_names, rows};

pub async fn handle(call: Call, input: ConfirmSignUpRequest) -> Result<ConfirmSignUpResponse, Fault> {
    let services = &call.services;
    let (pool, client) = clients::of_call(services, &input.client_id).await?;
    clients::check_secret_hash(services, &client, &input.username, input.secret_hash.as_ref()).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let user = users::by_name(&services.store, &pool, &input.username).await?;
    let who = users::spender(&key, &pool, user.as_ref(), &input.username);
    budget::spend(call.now, &services.store, &pool.id, Budget::ConfirmSignUp, &who).await?;
    let (user, to) = match waiting(&pool, user) {
        Ok(found) => found,
        Err(refusal) if !client.settings.hides_users() => return Err(refusal),
        Err(_) => return Err(hidden(&call, &pool).await?),
    };
    let slot = code::slot(&pool, &user, &to);
    let consume = match codes::check(call.now, &services.store, &key, slot, input.confirmation_code.expose()).await {
        Ok(consume) => consume,
        // An end or a count would tell that there is a user who waits for a code.
        Err(CodeError::Absent | CodeError::Expired | CodeError::Exhausted) if client.settings.hides_users() => {
            return Err(hidden(&call, &pool).await?);
        }
        Err(error) => return Err(error.into()),
    };
    let spent = [consume, budget::give_back(&pool.id, Budget::ConfirmSignUp, &who)];
    confirm(&call, &pool, &user, &to, spent, input.force_alias_creation.unwrap_or(false)).await?;
    Ok(ConfirmSignUpResponse::default())
}

/// The refusal of a wrong code where none was looked at: at the price of a commit, which a wrong code that is counted has too.
async fn hidden(call: &Call, pool: &Pool) -> Result<Fault, Fault> {
    let refusal = Fault::from(CodeError::Mismatch);
    call.record_now(&pool.id, refusal.exception.name()).await?;
    Ok(refusal)
}

/// The user and the address that a code was sent to, if there is a code to wait for.
fn waiting(pool: &Pool, user: Option<User>) -> Result<(User, Destination), Fault> {
    let user = user.ok_or_else(|| Fault::user_not_found("Username/client id combination not found."))?;
    if user.status != Status::Unconfirmed {
        let text = format!("User cannot be confirmed. Current status is {}", user.status.as_str());
        return Err(Fault::not_authorized(text));
    }
    // Without an address to verify no code was sent; only an administrator can confirm such a user.
    let to = deliveries::to_verify(pool, &user).ok_or(CodeError::Absent)?;
    Ok((user, to))
}

async fn confirm(
    call: &Call,
    pool: &Pool,
    user: &User,
    to: &Destination,
    spent: [Statement; 2],
    take_aliases: bool,
) -> Result<(), Fault> {
    let mut attributes = user.attributes.clone();
    attributes.insert(format!("{}_verified", to.attribute), "true".to_owned());
    let mut batch = Batch::new();
    let used = batch.extend(spent);
    batch.add(rows::update_profile(user, Status::Confirmed, &attributes, call.now));
    let before = login_names::aliases(pool, &user.attributes);
    let mut claims = Vec::new();
    for (kind, key) in login_names::aliases(pool, &attributes) {
        if before.contains(&(kind, key.clone())) {
            continue;
        }
        if take_aliases {
            batch.add(rows::take_alias(&pool.id, &key));
        }
        claims.push((batch.add(rows::claim_name(&pool.id, &key, kind, &user.sub)), kind));
    }
    match call.commit(Write::new(&pool.id, batch).about(user.sub.as_str())).await {
        Ok(()) => Ok(()),
        Err(CommitError::Missed { index }) if index == used => Err(CodeError::Absent.into()),
        Err(CommitError::Missed { index }) => match claims.iter().find(|(at, _)| *at == index) {
            Some((_, kind)) => Err(login_names::taken(kind).into()),
            None => Err(Fault::new(Exception::NotAuthorized, "User cannot be confirmed. It has changed meanwhile.")),
        },
        Err(error) => Err(error.into()),
    }
}
