//! Which client asks at a JSON endpoint, and how it proves that: `client_secret_basic`, `client_secret_post` (RFC 6749 §2.3.1), or nothing where it has no
//! secret.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::secret::SecretString;
use url::form_urlencoded;

use super::error::{Code, OAuthError};
use super::form::Form;
use crate::clients::{self, Client};
use crate::domains::Site;
use crate::pools::Pool;
use crate::services::Services;

/// A client that has proven itself, with its pool.
#[derive(Debug)]
pub struct Proven {
    pub pool: Pool,
    pub client: Client,
}

/// # Errors
/// `invalid_request` where it shows itself in two ways, or names no client; `invalid_client` for one that is not of this site's pool, and for a secret that
/// is wrong, missing, or shown by a client that has none; storage.
pub async fn authenticate(
    services: &Services,
    site: &Site,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Proven, OAuthError> {
    let shown = Shown::of(headers, form)?;
    let by_basic = shown.by_basic;
    let failed = |error: OAuthError| if by_basic { error.for_basic() } else { error };
    let unknown =
        || failed(OAuthError::new(Code::InvalidClient, "The client is unknown here, or its secret is wrong."));
    let found = clients::of_call(services, &shown.id).await;
    let (pool, client) = found.map_err(|fault| failed(OAuthError::of(Code::InvalidClient, fault)))?;
    if client.pool != site.pool {
        return Err(unknown());
    }
    if client.has_secret() == shown.secrets.is_empty() {
        return Err(unknown());
    }
    for secret in &shown.secrets {
        match clients::check_secret(services, &client, Some(secret)).await {
            Ok(()) => return Ok(Proven { pool, client }),
            Err(fault) if fault.status() >= 500 => return Err(OAuthError::of(Code::InvalidClient, fault)),
            Err(_) => {}
        }
    }
    if client.has_secret() { Err(unknown()) } else { Ok(Proven { pool, client }) }
}

/// What a request says of its client.
struct Shown {
    id: String,
    /// As it is, and decoded where that is another text: RFC 6749 §2.3.1 has the halves of Basic encoded, and not every client does so.
    secrets: Vec<SecretString>,
    by_basic: bool,
}

impl Shown {
    fn of(headers: &HeaderMap, form: &Form) -> Result<Self, OAuthError> {
        let (id, secret) = (form.one("client_id"), form.secret("client_secret"));
        let mut fields = headers.get_all(AUTHORIZATION).iter();
        let Some(field) = fields.next() else {
            let id = id.ok_or_else(|| invalid("client_id is missing."))?;
            return Ok(Self { id: id.to_owned(), secrets: secret.cloned().into_iter().collect(), by_basic: false });
        };
        if fields.next().is_some() || secret.is_some() {
            return Err(invalid("The client shows itself in more than one way."));
        }
        let refused = || OAuthError::new(Code::InvalidClient, "The Authorization field is no Basic.").for_basic();
        let (raw_id, raw_secret) = basic(field.as_bytes()).ok_or_else(refused)?;
        let decoded = decoded(&raw_id).ok_or_else(refused)?;
        if id.is_some_and(|id| id != decoded) {
            return Err(invalid("client_id is not the client of the Authorization field."));
        }
        let also = self::decoded(&raw_secret).filter(|text| *text != raw_secret);
        let secrets = [Some(raw_secret), also].into_iter().flatten().filter(|secret| !secret.is_empty());
        Ok(Self { id: decoded, secrets: secrets.map(SecretString::new).collect(), by_basic: true })
    }
}

/// RFC 7617 §2: id and secret, before they are decoded.
fn basic(field: &[u8]) -> Option<(String, String)> {
    let (scheme, given) = std::str::from_utf8(field).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(given.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// A text that was encoded as a form's value is; `None` where it can't have been.
fn decoded(text: &str) -> Option<String> {
    if text.contains(['&', '=']) {
        return Some(text.to_owned());
    }
    let mut values = form_urlencoded::parse(text.as_bytes());
    match (values.next(), values.next()) {
        (None, _) => Some(String::new()),
        (Some((name, _)), None) => Some(name.into_owned()),
        _ => None,
    }
}

fn invalid(text: &'static str) -> OAuthError {
    OAuthError::new(Code::InvalidRequest, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(basic: Option<&str>, form: &str) -> Result<(String, Vec<String>), Code> {
        let mut headers = HeaderMap::new();
        if let Some(basic) = basic {
            headers.insert(AUTHORIZATION, format!("Basic {}", STANDARD.encode(basic)).parse().unwrap());
        }
        let shown = Shown::of(&headers, &Form::parse(form.as_bytes()).unwrap()).map_err(|error| error.code)?;
        Ok((shown.id, shown.secrets.iter().map(|secret| secret.expose().to_owned()).collect()))
    }

    #[test]
    fn a_client_shows_itself_in_one_way() {
        assert_eq!(shown(None, "client_id=a&client_secret=b"), Ok(("a".into(), vec!["b".into()])));
        assert_eq!(shown(Some("a:b"), ""), Ok(("a".into(), vec!["b".into()])));
        assert_eq!(shown(Some("a:b%2B+c"), "client_id=a"), Ok(("a".into(), vec!["b%2B+c".into(), "b+ c".into()])));
        assert_eq!(shown(Some("a:"), ""), Ok(("a".into(), Vec::new())));
        assert_eq!(shown(Some("a:b"), "client_secret=b"), Err(Code::InvalidRequest));
        assert_eq!(shown(Some("a:b"), "client_id=c"), Err(Code::InvalidRequest));
        assert_eq!(shown(None, "client_secret=b"), Err(Code::InvalidRequest));
        assert_eq!(shown(Some("ab"), ""), Err(Code::InvalidClient));
    }
}
