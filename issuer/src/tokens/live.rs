//! Whether an access token lives, for those who are not its bearer: resource servers that introspect it.

use cognito_model::{Exception, Fault};
use common::claims::TokenUse;
use common::clock::UnixMillis;
use common::ids::ClientId;
use common::jose::KeySet;
use common::secret::SecretString;
use common::verify::{Policy, Possession, Verified, authenticate};

use super::authenticate::check_rows;
use crate::aws_json::Call;
use crate::clients::rows as client_rows;
use crate::pools::Pool;

/// The token as verified, if it is one of the pool's that lives by the rows; also one that names an audience, or that only a holder of a key may use.
///
/// # Errors
/// Storage.
pub async fn live(call: &Call, pool: &Pool, token: &SecretString) -> Result<Option<Verified>, Fault> {
    let keys = call.services.keys.key_set(&pool.id, &pool.iss).await?;
    let policy = Policy { for_anyone: true, ..Policy::cognito(pool.iss.as_str(), TokenUse::Access) };
    let Some(verified) = verified(token.expose(), &keys, &policy, call.now) else { return Ok(None) };
    if is_of_client(&verified) {
        let Ok(client) = ClientId::parse(verified.client_id.to_string()) else { return Ok(None) };
        let row = call.services.store.one(client_rows::by_id(&pool.id, &client)).await?;
        return Ok(row.map(|_| verified));
    }
    match check_rows(&call.services, &pool.id, &verified).await {
        Ok(_) => Ok(Some(verified)),
        Err(fault) if matches!(fault.exception, Exception::NotAuthorized | Exception::UserNotFound) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// The asker has to see that the token's bearer holds what it is bound to: here it counts as held.
fn verified(token: &str, keys: &KeySet, policy: &Policy, now: UnixMillis) -> Option<Verified> {
    let verified = authenticate(token, keys, policy.profile, policy.leeway, now).ok()?;
    let bound = verified.confirmation.as_deref();
    let bearer = bound.map_or(Possession::NONE, |asks| Possession { key: asks.key, certificate: asks.certificate });
    let held = verified.held_by(&bearer).ok()?;
    policy.admit(&verified, &held).ok()?;
    Some(verified)
}

/// `client_credentials` or GetClientToken: the client stands for itself.
pub fn is_of_client(token: &Verified) -> bool {
    token.token_use == TokenUse::Access && token.sub == token.client_id && token.username.is_none()
}
