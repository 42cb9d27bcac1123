//! Cognito: StartWebAuthnRegistration.

use cognito_model::Fault;
use cognito_model::idp::types::{StartWebAuthnRegistrationRequest, StartWebAuthnRegistrationResponse};
use common::jose::base64url_encode;

use crate::aws_json::{Call, Write};
use crate::codes;
use crate::entropy;
use crate::factors::passkeys::{self, CHALLENGE_LIFE, MOST, PasskeyError, rows};
use crate::store::Batch;
use crate::users::self_service::{Caller, caller};
use crate::users::{UserError, rows as user_rows};

pub async fn handle(
    call: Call,
    _input: StartWebAuthnRegistrationRequest,
) -> Result<StartWebAuthnRegistrationResponse, Fault> {
    let Caller { pool, client, user } = caller(&call).await?;
    if !passkeys::are_enabled(&pool.settings) {
        return Err(PasskeyError::NotEnabled.into());
    }
    let relying_party = passkeys::relying_party(&call.services, &pool).await?;
    let known = call.services.store.read(rows::page(&pool.id, &user.sub, "", MOST)).await?;
    let known = known.iter().map(|row| Ok(rows::passkey(row)?.credential)).collect::<Result<Vec<_>, Fault>>()?;
    let random: [u8; 32] = entropy::bytes().map_err(Fault::internal)?;
    let challenge = base64url_encode(random);
    let asked = rows::Asked {
        digest: codes::token_digest(&challenge),
        client: client.id,
        expires: call.now.plus(CHALLENGE_LIFE),
    };
    let mut batch = Batch::new();
    let gone = batch.add(user_rows::still_there(&user));
    batch.add(rows::put_challenge(&user, &asked));
    let write = Write::new(&pool.id, batch).about(user.sub.as_str());
    call.commit_or(write, [(gone, UserError::Absent.into())]).await?;
    let verification = passkeys::demand_verification(&pool.settings);
    let options = passkeys::options(&user, &relying_party, &challenge, verification, &known);
    Ok(StartWebAuthnRegistrationResponse { credential_creation_options: options })
}
