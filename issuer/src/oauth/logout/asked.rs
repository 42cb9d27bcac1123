//! What a request to sign out wants, and whether it may.

use url::form_urlencoded;

use crate::aws_json::Call;
use crate::clients::Client;
use crate::domains::Site;
use crate::oauth::authorize::{Refusal, client, page};
use crate::oauth::form::Form;
use crate::oauth::hint::{self, Hint};
use crate::oauth::state::OAuth;
use crate::pools::Pool;
use crate::sessions::BrowserSession;

/// Where the browser goes afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A page that says so.
    Nothing,
    /// A registered URI, or the sign-in page.
    Uri(String),
}

#[derive(Debug)]
pub struct Asked {
    pub goal: Goal,
    pub hint: Option<Hint>,
    /// Cognito's form, which asks nobody.
    by_cognito: bool,
}

impl Asked {
    /// # Errors
    /// A page for a client that is unknown, a URI that is not registered, and an `id_token_hint` that is none of the pool's.
    pub async fn read(oauth: &OAuth, site: &Site, call: &Call, pool: &Pool, form: &Form) -> Result<Self, Refusal> {
        let refused = |text: &'static str| Refusal::Page(text.into());
        let hint = match form.one("id_token_hint") {
            None => None,
            Some(token) => {
                let read = hint::read(&oauth.services, pool, token).await?;
                Some(read.ok_or(refused("The id_token_hint is no ID token of this service."))?)
            }
        };
        let named = form.one("client_id");
        let client = match named.or(hint.as_ref().map(|hint| hint.client.as_str())) {
            Some(id) => Some(client(oauth, site, call, id).await?.1),
            None => None,
        };
        if let (Some(client), Some(hint)) = (&client, &hint)
            && client.id.as_str() != hint.client
        {
            return Err(refused("The id_token_hint is another client's."));
        }
        let (logout_uri, redirect_uri) = (form.one("logout_uri"), form.one("redirect_uri"));
        let by_cognito = named.is_some() && (logout_uri.is_some() || redirect_uri.is_some());
        let goal = match (logout_uri, redirect_uri, form.one("post_logout_redirect_uri")) {
            (Some(uri), _, _) => Goal::Uri(registered(client.as_ref(), uri)?),
            (None, Some(_), _) if by_cognito => Goal::Uri(page(site, "login", &form.to_query())),
            (None, Some(_), _) => return Err(refused("client_id is missing.")),
            (None, None, Some(uri)) => Goal::Uri(with_state(registered(client.as_ref(), uri)?, form.one("state"))),
            (None, None, None) => Goal::Nothing,
        };
        Ok(Self { goal, hint, by_cognito })
    }

    /// Whether the session may end without its user being asked: by Cognito's form, or by who has an ID token of the user's.
    pub fn may_end(&self, session: &BrowserSession) -> bool {
        self.by_cognito || self.hint.as_ref().is_some_and(|hint| hint.sub == session.sub)
    }
}

/// One of the client's `LogoutURLs`, to the letter.
fn registered(client: Option<&Client>, uri: &str) -> Result<String, Refusal> {
    let known = client.and_then(|client| client.settings.logout_urls.as_deref()).unwrap_or_default();
    match known.iter().find(|known| *known == uri) {
        Some(known) => Ok(known.clone()),
        None => Err(Refusal::Page("The URI to go to is not registered.".into())),
    }
}

fn with_state(uri: String, state: Option<&str>) -> String {
    let Some(state) = state else { return uri };
    let joint = if uri.contains('?') { '&' } else { '?' };
    let text = form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
    format!("{uri}{joint}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_added_to_what_is_there() {
        assert_eq!(with_state("https://a/".into(), None), "https://a/");
        assert_eq!(with_state("https://a/".into(), Some("x y")), "https://a/?state=x+y");
        assert_eq!(with_state("https://a/?b=c".into(), Some("&")), "https://a/?b=c&state=%26");
    }
}
