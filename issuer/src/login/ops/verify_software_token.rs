//! Cognito: VerifySoftwareToken. The first code of a seed puts it in force; where MFA is required it also is what the user is asked for.

use cognito_model::idp::types::{
    UserPoolMfaType, VerifySoftwareTokenRequest, VerifySoftwareTokenResponse, VerifySoftwareTokenResponseType,
};
use cognito_model::{Exception, Fault};
use common::secret::SecretString;

use super::{Authorization, authorization, pool_of_session};
use crate::aws_json::{Call, Write};
use crate::devices;
use crate::factors::error::{mismatch, not_offered};
use crate::factors::software_token;
use crate::limits::{Budget, SpendError, Spender, budget};
use crate::login::set_up;
use crate::pools::mfa::Factor;
use crate::store::{Batch, CommitError};
use crate::users::self_service::{Caller, caller};
use crate::users::{TRIES, rows};

pub async fn handle(call: Call, input: VerifySoftwareTokenRequest) -> Result<VerifySoftwareTokenResponse, Fault> {
    let name = input.friendly_device_name.as_deref();
    software_token::check_name(name).map_err(Fault::invalid_parameter)?;
    let code = input.user_code.expose();
    match authorization(input.access_token.as_ref(), input.session.as_ref())? {
        Authorization::Token => by_token(&call, code, name).await,
        Authorization::Session(session) => by_session(&call, session, (code, name)).await,
    }
}

async fn by_token(call: &Call, code: &str, name: Option<&str>) -> Result<VerifySoftwareTokenResponse, Fault> {
    let Caller { pool, mut user, .. } = caller(call).await?;
    if !pool.settings.offers(Factor::SoftwareToken) {
        return Err(not_offered());
    }
    let (store, who) = (&call.services.store, Spender::user(&user.sub));
    let spent = budget::spend(call.now, store, &pool.id, Budget::VerifySoftwareToken, &who).await;
    spent.map_err(|error| match error {
        SpendError::Exhausted => Fault::new(Exception::TooManyRequests, "Too many requests"),
        other => other.into(),
    })?;
    let key = call.services.pool_keys.key(&pool.id).await?;
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        let token = software_token::of_user(&call.services, &pool.id, &user.sub).await?;
        let token = token.ok_or(software_token::TokenError::Absent)?;
        let in_force = token.verify(&key, &user, code, name, call.now)?.ok_or_else(mismatch)?;
        let mut batch = Batch::new();
        batch.add(in_force);
        // Trust in devices rested on the factor before.
        batch.add(devices::rows::distrust(&pool.id, &user.sub));
        if pool.settings.mfa() == UserPoolMfaType::On {
            batch.add(rows::set_mfa(&user, &user.mfa.clone().with(Factor::SoftwareToken), call.now));
        }
        batch.add(budget::give_back(&pool.id, Budget::VerifySoftwareToken, &who));
        outcome = call.commit(Write::new(&pool.id, batch).about(user.sub.as_str())).await;
        if !matches!(outcome, Err(CommitError::Missed { .. })) {
            break;
        }
        // Another seed was given out, or what the user is asked for was changed meanwhile.
        user = user.again(store, &pool).await?;
    }
    outcome?;
    Ok(success(None))
}

async fn by_session(
    call: &Call,
    session: &SecretString,
    answer: (&str, Option<&str>),
) -> Result<VerifySoftwareTokenResponse, Fault> {
    let pool = pool_of_session(call, session).await?;
    Ok(success(Some(set_up::verify(call, &pool, session, answer).await?)))
}

fn success(session: Option<SecretString>) -> VerifySoftwareTokenResponse {
    VerifySoftwareTokenResponse { session, status: Some(VerifySoftwareTokenResponseType::Success) }
}
