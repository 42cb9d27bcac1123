//! Cognito: ConfirmForgotPassword. The code is consumed, the password set, the user confirmed, and every token ended, in one batch.
//!
//! A refused password costs no try and leaves the code. To clients that hide who exists a wrong code, a wrong name and a user without a code
//! are one answer (I41).

use cognito_model::idp::types::{
    ConfirmForgotPasswordRequest, ConfirmForgotPasswordResponse, EventResponseType, EventType,
};
use cognito_model::{Exception, Fault};

use crate::aws_json::Call;
use crate::clients::{self, Client};
use crate::codes::{self, CodeError};
use crate::envelope::PoolKey;
use crate::events::{self, Happened};
use crate::limits::{Budget, Spender, budget, lockout};
use crate::pools::Pool;
use crate::recovery::code::Binding;
use crate::recovery::error::RecoveryError;
use crate::recovery::rules;
use crate::store::Statement;
use crate::users::deliveries::Destination;
use crate::users::sign_out::{self, Also, Outcome};
use crate::users::{self, Status, User, UserError, credentials, rows};

pub async fn handle(call: Call, input: ConfirmForgotPasswordRequest) -> Result<ConfirmForgotPasswordResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await?;
    clients::check_secret_hash(&call.services, &client, &input.username, input.secret_hash.as_ref()).await?;
    let user_at = clients::user_place(&call, &client, input.user_context_data.as_ref());
    let call = call.with_user_at(user_at);
    let services = &call.services;
    let ways = rules::ways(&pool.settings)?;
    pool.settings.password_policy().check(input.password.expose()).map_err(UserError::from)?;
    let key = services.pool_keys.key(&pool.id).await?;
    let user = users::by_name(&services.store, &pool, &input.username).await?;
    let who = users::spender(&key, &pool, user.as_ref(), &input.username);
    budget::spend(call.now, &services.store, &pool.id, Budget::ConfirmForgotPassword, &who).await?;
    let proven = match prove(&call, &key, user.as_ref(), &ways, input.confirmation_code.expose()).await {
        Ok(proven) => proven,
        Err(refusal) => return Err(told(&call, &pool, &client, user.as_ref(), refusal).await?),
    };
    let fresh = credentials::replace(services, &pool, &proven.user, &input.password).await?;
    let outcome = sign_out::if_still(&call, &pool, &proven.user.sub, |user| {
        rules::still(&proven.user, &proven.to, user, &ways).then(|| {
            let happened = Happened::new(EventType::ForgotPassword, EventResponseType::Pass);
            let mut statements = vec![
                // The guard on state and attributes: the address is still the one that was proven.
                rows::update_profile(user, Status::Confirmed, &user.attributes, call.now),
                rows::update_credentials(user, &fresh, Status::Confirmed, None, call.now),
                proven.consume.clone(),
                give_back(&pool, &who),
                lockout::forget(&lockout::Subject::user(&pool.id, &user.sub)),
            ];
            statements.extend(events::statements(&call, &pool, user, happened));
            Also::statements(statements)
        })
    })
    .await?;
    match outcome {
        Outcome::Done => Ok(ConfirmForgotPasswordResponse {}),
        Outcome::Overtaken => Err(told(&call, &pool, &client, user.as_ref(), CodeError::Absent.into()).await?),
    }
}

/// A user who brought the right code, and the statement that uses it up.
struct Proven {
    user: User,
    to: Destination,
    consume: Statement,
}

async fn prove(
    call: &Call,
    key: &PoolKey,
    user: Option<&User>,
    ways: &[rules::Way],
    claimed: &str,
) -> Result<Proven, RecoveryError> {
    let (user, to) = rules::by_user(user, ways).map_err(|refusal| match refusal {
        // In these nobody is sent a code.
        RecoveryError::State | RecoveryError::NoAddress => CodeError::Absent.into(),
        other => other,
    })?;
    let binding = Binding::of(&user, &to);
    let consume = codes::check(call.now, &call.services.store, key, binding.slot(&user), claimed).await?;
    Ok(Proven { user, to, consume })
}

/// What the client is told. Where no wrong code was counted, the commit of that is made up for.
async fn told(
    call: &Call,
    pool: &Pool,
    client: &Client,
    user: Option<&User>,
    refusal: RecoveryError,
) -> Result<Fault, Fault> {
    let happened = Happened::new(EventType::ForgotPassword, EventResponseType::Fail);
    events::failure(call, pool, user, happened, Exception::CodeMismatch).await?;
    if !client.settings.hides_users() || !refusal.tells_who_exists() {
        return Ok(refusal.into());
    }
    let hidden = Fault::from(CodeError::Mismatch);
    call.record_now(&pool.id, hidden.exception.name()).await?;
    Ok(hidden)
}

fn give_back(pool: &Pool, who: &Spender) -> Statement {
    budget::give_back(&pool.id, Budget::ConfirmForgotPassword, who)
}
