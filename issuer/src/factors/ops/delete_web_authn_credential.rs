//! Cognito: DeleteWebAuthnCredential.

use cognito_model::Fault;
use cognito_model::idp::types::{DeleteWebAuthnCredentialRequest, DeleteWebAuthnCredentialResponse};

use crate::aws_json::{Call, Write};
use crate::factors::passkeys::rows;
use crate::store::Batch;
use crate::users::self_service::{Caller, caller};

/// Characters of a credential's id: 1,023 bytes in base64url.
const LONGEST: usize = 1_364;

pub async fn handle(
    call: Call,
    input: DeleteWebAuthnCredentialRequest,
) -> Result<DeleteWebAuthnCredentialResponse, Fault> {
    let Caller { pool, user, .. } = caller(&call).await?;
    let absent = || Fault::resource_not_found("The credential does not exist.");
    let id = input.credential_id.as_str();
    if id.len() > LONGEST || !id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(absent());
    }
    let mut batch = Batch::new();
    let gone = batch.add(rows::delete(&pool.id, &user.sub, id));
    call.commit_or(Write::new(&pool.id, batch).about(user.sub.as_str()), [(gone, absent())]).await?;
    Ok(DeleteWebAuthnCredentialResponse {})
}
