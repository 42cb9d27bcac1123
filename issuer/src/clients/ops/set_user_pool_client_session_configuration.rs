//! Cognito: SetUserPoolClientSessionConfiguration, where the pool tracks sessions.

use cognito_model::Fault;
use cognito_model::idp::types::{
    SetUserPoolClientSessionConfigurationRequest, SetUserPoolClientSessionConfigurationResponse,
};
use common::clock::UnixMillis;

use crate::aws_json::{Call, Write};
use crate::clients::model::Settings;
use crate::clients::{self, Client, ClientError, rows};
use crate::pools;
use crate::store::Batch;

pub async fn handle(
    call: Call,
    input: SetUserPoolClientSessionConfigurationRequest,
) -> Result<SetUserPoolClientSessionConfigurationResponse, Fault> {
    let (pool, client) = clients::named(&call.services, &input.user_pool_id, &input.client_id).await?;
    pools::demand_session_tracking(&pool)?;
    let sso_session_minutes = Some(input.sso_session.max_validity_minutes);
    let modified = call.now.max(UnixMillis(client.modified.0.saturating_add(1)));
    let settings = Settings { sso_session_minutes, ..client.settings.clone() };
    let new = Client { settings, modified, ..client.clone() };
    let mut batch = Batch::new();
    let update = batch.add(rows::update(&client, &new));
    let write = Write::new(&pool.id, batch).about(client.id.as_str());
    call.commit_or(write, [(update, ClientError::Changed.into())]).await?;
    Ok(SetUserPoolClientSessionConfigurationResponse {
        client_id: Some(client.id.to_string()),
        sso_session: Some(input.sso_session),
        user_pool_id: Some(pool.id.to_string()),
    })
}
