//! `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4).

use cognito_model::Fault;
use serde_json::Value;

use super::answer;
use crate::aws_json::Call;
use crate::oauth::client::Proven;
use crate::oauth::devices::{self, Polled};
use crate::oauth::error::{Code, OAuthError};
use crate::oauth::form::Form;
use crate::sessions::{Binding, browser};
use crate::tokens::Asked;
use crate::tokens::grant::{GrantError, Granted, Proven as Earlier, grant as mint};
use crate::users;

pub const NAME: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub async fn grant(call: &Call, proven: &Proven, form: &Form, binding: &Binding) -> Result<Value, OAuthError> {
    let Proven { pool, client, .. } = proven;
    let failed = |fault: Fault| OAuthError::of(Code::InvalidGrant, fault);
    let code = form.demand("device_code")?;
    let store = &call.services.store;
    let refused = |name, text: &'static str| OAuthError::named(name, Fault::not_authorized(text));
    let expired = || refused("expired_token", "The device code is unknown, over or used.");
    // Not the instant of the call: polls that wait for the database are no nearer to each other.
    let now = call.services.now();
    let allowed = match devices::poll(store, &pool.id, &client.id, code.expose(), now).await.map_err(failed)? {
        Polled::Expired => return Err(expired()),
        Polled::Pending => return Err(refused("authorization_pending", "The user has not answered yet.")),
        Polled::TooSoon => return Err(refused("slow_down", "The polls come too soon.")),
        Polled::Denied => return Err(refused("access_denied", "The user has refused.")),
        Polled::Allowed(allowed) => allowed,
    };
    let user = users::by_sub(store, pool, &allowed.sub).await.map_err(|error| failed(error.into()))?;
    let granted = Granted {
        user: user.ok_or_else(expired)?,
        proven: Earlier::Earlier(allowed.minted),
        authenticated: allowed.authenticated,
        scope: &allowed.scope,
        details: allowed.details.clone().bound(binding),
        asked: Asked::default(),
        parent: Some(&allowed.sid),
        device: None,
        seen: None,
        refresh: client.settings.gives_refresh_tokens(),
    };
    let uses = |_: &str| vec![allowed.used(&pool.id), browser::goes_on(&pool.id, &allowed.sid)];
    match mint(call, pool, client, granted, uses).await {
        Ok(minted) => Ok(answer::tokens(client, minted, binding)),
        Err(GrantError::Uses(_)) => Err(expired()),
        Err(GrantError::Fault(fault)) => Err(failed(fault)),
    }
}
