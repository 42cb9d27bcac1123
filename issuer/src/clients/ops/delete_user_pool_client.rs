//! Cognito: DeleteUserPoolClient. The client's tokens die with it, here and at every edge; Cognito lets them live.

use cognito_model::idp::types::DeleteUserPoolClientRequest;
use cognito_model::{Fault, NoOutput};
use common::feed::{Change, Removable, Revoked};

use crate::aws_json::{Call, Write};
use crate::clients::{self, ClientError, rows};
use crate::store::{Batch, CommitError};

pub async fn handle(call: Call, input: DeleteUserPoolClientRequest) -> Result<NoOutput, Fault> {
    let (pool, client) = clients::named(&call.services, &input.user_pool_id, &input.client_id).await?;
    let mut batch = Batch::new();
    let delete = batch.extend(rows::delete(&pool.id, &client.id));
    let changes = vec![
        Change::Revoked(Revoked::Client { client_id: client.id.clone() }),
        Change::Removed(Removable::Client(client.id.clone())),
    ];
    match call.commit(Write::new(&pool.id, batch).about(client.id.as_str()).changes(changes)).await {
        Ok(()) => Ok(NoOutput),
        Err(CommitError::Missed { index }) if index == delete => Err(ClientError::Absent(input.client_id).into()),
        Err(error) => Err(error.into()),
    }
}
