//! `grant_type=refresh_token` (RFC 6749 §6): new tokens of a session, and where the client's refresh tokens are rotated the next one.

use serde_json::{Value, json};

use super::{asked_scopes, check_resources};
use crate::aws_json::Call;
use crate::oauth::client::Proven;
use crate::oauth::error::{Code, OAuthError};
use crate::oauth::form::Form;
use crate::sessions::Binding;
use crate::tokens::{self, Presented};

pub async fn grant(call: &Call, proven: &Proven, form: &Form, binding: &Binding) -> Result<Value, OAuthError> {
    let Proven { pool, client, .. } = proven;
    let token = form.demand("refresh_token")?;
    let refused = |fault| OAuthError::of(Code::InvalidGrant, fault);
    let presented = Presented::find(call, pool, client, token).await.map_err(refused)?;
    let presented = presented.with(binding, !proven.is_confidential());
    presented.check_device(call, pool, None).await.map_err(refused)?;
    check_resources(form, presented.audience())?;
    let granted = presented.scope().to_owned();
    // A token for less is not made: the answer says what it is for (RFC 6749 §3.3).
    let asked = asked_scopes(form);
    if !asked.iter().all(|scope| granted.split(' ').any(|known| known == scope)) {
        return Err(OAuthError::new(Code::InvalidScope, "The refresh token is not for that scope."));
    }
    let tokens = tokens::refresh(call, pool, client, presented).await.map_err(refused)?;
    let text = |token: &Option<common::secret::SecretString>| token.as_ref().map(|token| token.expose().to_owned());
    let mut answer = json!({
        "access_token": text(&tokens.access_token),
        "id_token": text(&tokens.id_token),
        "expires_in": tokens.expires_in,
        "token_type": binding.token_type(),
    });
    let more = [("refresh_token", text(&tokens.refresh_token)), ("scope", (!asked.is_empty()).then_some(granted))];
    if let Some(answer) = answer.as_object_mut() {
        answer.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    }
    Ok(answer)
}
