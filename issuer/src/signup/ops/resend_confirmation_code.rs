//! Cognito: ResendConfirmationCode. Clients that hide who exists get the answer of a success for unknown users.

use cognito_model::Fault;
use cognito_model::idp::types::{
    CodeDeliveryDetailsType, DeliveryMediumType, ResendConfirmationCodeRequest, ResendConfirmationCodeResponse,
};

use crate::aws_json::{Call, Write};
use crate::clients;
use crate::messages::Kind;
use crate::signup::code;
use crate::store::Batch;
use crate::users::{self, Status, deliveries};

pub async fn handle(call: Call, input: ResendConfirmationCodeRequest) -> Result<ResendConfirmationCodeResponse, Fault> {
    let services = &call.services;
    let (pool, client) = clients::of_call(services, &input.client_id).await?;
    clients::check_secret_hash(services, &client, &input.username, input.secret_hash.as_ref()).await?;
    let Some(user) = users::by_name(&services.store, &pool, &input.username).await? else {
        return if client.settings.hides_users() {
            Ok(ResendConfirmationCodeResponse { code_delivery_details: Some(decoy(&input.username)) })
        } else {
            Err(Fault::user_not_found("Username/client id combination not found."))
        };
    };
    if user.status != Status::Unconfirmed {
        return Err(Fault::invalid_parameter("User is already confirmed."));
    }
    let Some(to) = deliveries::to_verify(&pool, &user) else {
        return Err(Fault::invalid_parameter("Auto verification not turned on."));
    };
    let key = services.pool_keys.key(&pool.id).await.map_err(Fault::unavailable)?;
    let fresh = code::issue(call.now, &key, code::slot(&pool, &user, &to))?;
    let message = deliveries::verification(&pool, &user, &to, Kind::ResendCode, fresh.text.expose(), call.now);
    let mut batch = Batch::new();
    batch.add(fresh.statement);
    call.commit(Write::new(&pool.id, batch).about(user.sub.as_str()).messages(vec![message])).await?;
    Ok(ResendConfirmationCodeResponse { code_delivery_details: Some(to.describe()) })
}

/// The same for the same name, and in the form of a real one.
fn decoy(username: &str) -> CodeDeliveryDetailsType {
    let first = username.chars().next().unwrap_or('a');
    CodeDeliveryDetailsType {
        attribute_name: Some("email".into()),
        delivery_medium: Some(DeliveryMediumType::Email),
        destination: Some(format!("{first}***@e***")),
    }
}
