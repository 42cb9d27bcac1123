//! Cognito: CompleteWebAuthnRegistration.

use cognito_model::Fault;
use cognito_model::idp::types::{CompleteWebAuthnRegistrationRequest, CompleteWebAuthnRegistrationResponse};

use crate::aws_json::{Call, Write};
use crate::factors::passkeys::{self, Expected, MOST, PasskeyError, rows};
use crate::store::Batch;
use crate::users::self_service::{Caller, caller};

pub async fn handle(
    call: Call,
    input: CompleteWebAuthnRegistrationRequest,
) -> Result<CompleteWebAuthnRegistrationResponse, Fault> {
    let Caller { pool, client, user } = caller(&call).await?;
    if !passkeys::are_enabled(&pool.settings) {
        return Err(PasskeyError::NotEnabled.into());
    }
    let relying_party = passkeys::relying_party(&call.services, &pool).await?;
    let asked = call.services.store.one(rows::challenge_of(&pool.id, &user.sub)).await?;
    let asked = asked.map(|row| rows::asked(&row)).transpose()?.filter(|asked| asked.expires > call.now);
    let asked = asked.ok_or(PasskeyError::NoChallenge)?;
    if asked.client != client.id {
        return Err(PasskeyError::OtherClient.into());
    }
    let expected = Expected {
        user: &user,
        relying_party: &relying_party,
        challenge: asked.digest,
        verification: passkeys::demand_verification(&pool.settings),
    };
    let passkey = passkeys::verify(input.credential, &expected, call.now)?;
    let mut batch = Batch::new();
    let full = batch.add(rows::has_room(&user, MOST));
    let used = batch.add(rows::use_challenge(&user, &asked));
    let taken = batch.add(rows::insert(&passkey));
    let misses = [
        (full, PasskeyError::TooMany.into()),
        (used, PasskeyError::NoChallenge.into()),
        (taken, PasskeyError::NotSupported("The credential is registered already.").into()),
    ];
    call.commit_or(Write::new(&pool.id, batch).about(user.sub.as_str()), misses).await?;
    Ok(CompleteWebAuthnRegistrationResponse {})
}
