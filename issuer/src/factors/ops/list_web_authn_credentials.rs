//! Cognito: ListWebAuthnCredentials, by credential.

use cognito_model::Fault;
use cognito_model::idp::types::{ListWebAuthnCredentialsRequest, ListWebAuthnCredentialsResponse};

use crate::aws_json::{Call, Listing};
use crate::factors::passkeys::{Passkey, rows};
use crate::users::self_service::{Caller, caller};

/// WebAuthnCredentialsQueryLimitType
const LARGEST: usize = 20;

pub async fn handle(
    call: Call,
    input: ListWebAuthnCredentialsRequest,
) -> Result<ListWebAuthnCredentialsResponse, Fault> {
    let Caller { pool, user, .. } = caller(&call).await?;
    let key = call.services.pool_keys.key(&pool.id).await?;
    let listing = Listing::of_at_most(LARGEST, &call, &key, &[user.sub.as_str()], input.max_results);
    let [after] = listing.after(input.next_token.as_deref())?.unwrap_or_default();
    let found = call.services.store.read(rows::page(&pool.id, &user.sub, &after, listing.to_read())).await?;
    let found = found.iter().map(rows::passkey).collect::<Result<Vec<Passkey>, _>>()?;
    let page = listing.page(found, |passkey| [passkey.credential.clone()]);
    Ok(ListWebAuthnCredentialsResponse {
        credentials: page.rows.into_iter().map(Passkey::describe).collect(),
        next_token: page.token,
    })
}
