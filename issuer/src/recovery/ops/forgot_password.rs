//! Cognito: ForgotPassword. A code goes to the address that AccountRecoverySetting prefers among those that the user has verified.
//!
//! Clients that hide who exists get the answer of a success for everyone (I41): at the price of a commit, which a code that is sent has
//! too.

use cognito_model::Fault;
use cognito_model::idp::types::{EventResponseType, EventType, ForgotPasswordRequest, ForgotPasswordResponse};

use crate::aws_json::{Call, Write};
use crate::clients;
use crate::events::{self, Happened};
use crate::limits::{Budget, budget};
use crate::recovery::{code, rules};
use crate::store::Batch;
use crate::users::{self, decoys};

pub async fn handle(call: Call, input: ForgotPasswordRequest) -> Result<ForgotPasswordResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await?;
    clients::check_secret_hash(&call.services, &client, &input.username, input.secret_hash.as_ref()).await?;
    let user_at = clients::user_place(&call, &client, input.user_context_data.as_ref());
    let call = call.with_user_at(user_at);
    let services = &call.services;
    let ways = rules::ways(&pool.settings)?;
    let key = services.pool_keys.key(&pool.id).await?;
    let user = users::by_name(&services.store, &pool, &input.username).await?;
    let who = users::spender(&key, &pool, user.as_ref(), &input.username);
    budget::spend(call.now, &services.store, &pool.id, Budget::ForgotPassword, &who).await?;
    let (user, to) = match rules::by_user(user.as_ref(), &ways) {
        Ok(found) => found,
        Err(refusal) if !client.settings.hides_users() => return Err(refusal.into()),
        Err(_) => {
            call.record_now(&pool.id, "ok").await?;
            let ways = rules::addresses(&ways);
            let delivery = decoys::delivery(&key, &pool, user.as_ref(), &input.username, &ways);
            return Ok(ForgotPasswordResponse { code_delivery_details: Some(delivery) });
        }
    };
    let (code, message) = code::issue(&call, &key, &pool, &user, &to)?;
    let mut batch = Batch::new();
    batch.add(code);
    let happened = Happened::new(EventType::ForgotPassword, EventResponseType::InProgress);
    batch.extend(events::statements(&call, &pool, &user, happened));
    call.commit(Write::new(&pool.id, batch).about(user.sub.as_str()).messages(vec![message])).await?;
    Ok(ForgotPasswordResponse { code_delivery_details: Some(to.describe()) })
}
