//! What the token endpoint answers with the tokens of a user (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).

use common::secret::SecretString;
use serde_json::{Value, json};

use crate::clients::Client;
use crate::clients::oauth::Profile;
use crate::sessions::Binding;
use crate::tokens::grant::Minted;

pub fn tokens(client: &Client, minted: Minted, binding: &Binding) -> Value {
    let text = |token: &SecretString| token.expose().to_owned();
    let mut answer = json!({
        "access_token": text(&minted.access),
        "expires_in": minted.expires_in,
        "token_type": binding.token_type(),
    });
    // Cognito's has no scope.
    let is_openid = client.settings.oauth.profile == Profile::Openid;
    let more = [
        ("id_token", minted.id.as_ref().map(text)),
        ("refresh_token", minted.refresh.as_ref().map(text)),
        ("scope", is_openid.then_some(minted.scope)),
    ];
    if let Some(answer) = answer.as_object_mut() {
        answer.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    }
    answer
}
