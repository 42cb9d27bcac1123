//! What UserInfo says to the bearer of an access token (OpenID Connect Core §5.3).

use cognito_model::{Exception, Fault};
use common::claims::TokenUse;
use common::secret::SecretString;
use common::verify::{Policy, Possession, Verified, authenticate};
use serde_json::{Map, Value, json};

use super::authenticate::check_rows;
use super::live::is_of_client;
use super::personal::{Told, personal};
use crate::aws_json::Call;
use crate::clients::oauth::Profile;
use crate::clients::{Client, rows as client_rows};
use crate::pools::Pool;
use crate::users;

/// Why it says nothing.
#[derive(Debug)]
pub enum Refused {
    /// The token is none of this pool's users', is over, or was ended.
    Invalid,
    /// It has no scope `openid`.
    Scope,
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for Refused {
    fn from(error: E) -> Self {
        match error.into() {
            fault if matches!(fault.exception, Exception::NotAuthorized | Exception::UserNotFound) => Self::Invalid,
            fault => Self::Fault(fault),
        }
    }
}

/// The claims, and the client that they are for. `possession`: what the sender has shown to hold.
///
/// # Errors
/// [`Refused`].
pub async fn user_info(
    call: &Call,
    pool: &Pool,
    token: &SecretString,
    possession: &Possession,
) -> Result<(Map<String, Value>, Client), Refused> {
    let token = verified(call, pool, token, possession).await?;
    if !token.has_scope("openid") {
        return Err(Refused::Scope);
    }
    let caller = check_rows(&call.services, &pool.id, &token).await?;
    let store = &call.services.store;
    let user = users::by_sub(store, pool, &caller.sub).await?.ok_or(Refused::Invalid)?;
    let row = store.one(client_rows::by_id(&pool.id, &caller.client)).await?.ok_or(Refused::Invalid)?;
    let client = client_rows::client(&row)?;
    let profile = client.settings.oauth.profile;
    let personal = personal(&user, &client.settings, &token.scope, profile, Told::AtUserInfo);
    let mut claims: Map<String, Value> = personal.attributes.into_iter().collect();
    claims.insert("sub".to_owned(), json!(user.sub.as_str()));
    if profile == Profile::Cognito {
        claims.insert("username".to_owned(), json!(user.username));
        // Cognito writes them as a text.
        let identities = (!personal.identities.is_empty()).then(|| Value::Array(personal.identities).to_string());
        claims.extend(identities.map(|text| ("identities".to_owned(), Value::String(text))));
    }
    Ok((claims, client))
}

async fn verified(
    call: &Call,
    pool: &Pool,
    token: &SecretString,
    possession: &Possession,
) -> Result<Verified, Refused> {
    let keys = call.services.keys.key_set(&pool.id, &pool.iss).await.map_err(Fault::from)?;
    let policy = Policy::cognito(pool.iss.as_str(), TokenUse::Access);
    let verified = authenticate(token.expose(), &keys, policy.profile, policy.leeway, call.now);
    let verified = verified.map_err(|_| Refused::Invalid)?;
    let held = verified.held_by(possession).map_err(|_| Refused::Invalid)?;
    policy.admit(&verified, &held).map_err(|_| Refused::Invalid)?;
    if is_of_client(&verified) { Err(Refused::Invalid) } else { Ok(verified) }
}
