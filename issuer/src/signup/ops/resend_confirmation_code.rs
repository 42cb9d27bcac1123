//! Cognito: ResendConfirmationCode. Clients that hide who exists get the answer of a success for everyone: for users who do not exist,
//! are confirmed, or have no address (I41).

use cognito_model::Fault;
use cognito_model::idp::types::{
    EventResponseType, EventType, ResendConfirmationCodeRequest, ResendConfirmationCodeResponse,
};

use crate::aws_json::{Call, Write};
use crate::clients;
use crate::events::{self, Happened};
use crate::limits::{Budget, budget};
use crate::messages::Kind;
use crate::pools::Pool;
use crate::signup::code;
use crate::store::Batch;
use crate::users::deliveries::{self, Destination};
use crate::users::{self, Status, User, decoys};

pub async fn handle(call: Call, input: ResendConfirmationCodeRequest) -> Result<ResendConfirmationCodeResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await?;
    clients::check_secret_hash(&call.services, &client, &input.username, input.secret_hash.as_ref()).await?;
    let user_at = clients::user_place(&call, &client, input.user_context_data.as_ref());
    let call = call.with_user_at(user_at);
    let services = &call.services;
    let key = services.pool_keys.key(&pool.id).await?;
    let user = users::by_name(&services.store, &pool, &input.username).await?;
    let who = users::spender(&key, &pool, user.as_ref(), &input.username);
    budget::spend(call.now, &services.store, &pool.id, Budget::ResendConfirmationCode, &who).await?;
    let (user, to) = match waiting(&pool, user.as_ref()) {
        Ok(found) => found,
        Err(refusal) if !client.settings.hides_users() || !sends_codes(&pool) => return Err(refusal),
        Err(_) => {
            // At the price of a commit, which a code that is sent has too.
            call.record_now(&pool.id, "ok").await?;
            let ways: Vec<_> = deliveries::PREFERRED.into_iter().filter(|way| way.sends_code(&pool)).collect();
            let delivery = decoys::delivery(&key, &pool, user.as_ref(), &input.username, &ways);
            return Ok(ResendConfirmationCodeResponse { code_delivery_details: Some(delivery) });
        }
    };
    let fresh = code::issue(call.now, &key, code::slot(&pool, &user, &to))?;
    let message = deliveries::verification(&pool, &user, &to, Kind::ResendCode, fresh.text.expose(), call.now);
    let mut batch = Batch::new();
    batch.add(fresh.statement);
    let happened = Happened::new(EventType::ResendCode, EventResponseType::Pass);
    batch.extend(events::statements(&call, &pool, &user, happened));
    call.commit(Write::new(&pool.id, batch).about(user.sub.as_str()).messages(vec![message])).await?;
    Ok(ResendConfirmationCodeResponse { code_delivery_details: Some(to.describe()) })
}

/// The user and the address, if a code is to be sent at all.
fn waiting(pool: &Pool, user: Option<&User>) -> Result<(User, Destination), Fault> {
    if !sends_codes(pool) {
        return Err(Fault::invalid_parameter("Auto verification not turned on."));
    }
    let user = user.ok_or_else(|| Fault::user_not_found("Username/client id combination not found."))?;
    if user.status != Status::Unconfirmed {
        return Err(Fault::invalid_parameter("User is already confirmed."));
    }
    match deliveries::to_verify(pool, user) {
        Some(to) => Ok((user.clone(), to)),
        None => Err(Fault::invalid_parameter("Auto verification not turned on.")),
    }
}

fn sends_codes(pool: &Pool) -> bool {
    !pool.settings.auto_verified_attributes.is_empty()
}
