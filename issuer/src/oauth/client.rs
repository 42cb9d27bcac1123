//! Which client asks at a JSON endpoint, and how it proves that: `client_secret_basic`, `client_secret_post` (RFC 6749 §2.3.1), `private_key_jwt`
//! (RFC 7523 §2.2), by the certificate of its connection (RFC 8705 §2), or by nothing.
//!
//! Invariant: a client proves itself in one way, and one that says which (`auth_methods`) in none but those.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::jose::{Alg, Jwks, KeySet};
use common::secret::SecretString;
use url::form_urlencoded;

use super::assertion::{self, Assertion, Flaw};
use super::error::{Code, OAuthError};
use super::form::Form;
use super::{certificate, used};
use crate::aws_json::Call;
use crate::clients::oauth::AuthMethod;
use crate::clients::{self, Client};
use crate::domains::Site;
use crate::outbound::Kind;
use crate::pools::{self, Pool};

/// A client that has proven itself, with its pool.
#[derive(Debug)]
pub struct Proven {
    pub pool: Pool,
    pub client: Client,
    pub by: AuthMethod,
}

impl Proven {
    /// It has proven who it is; of a public client everyone knows the id.
    pub fn is_confidential(&self) -> bool {
        self.by != AuthMethod::None
    }
}

/// # Errors
/// `invalid_request` where it shows itself in two ways, or names no client; `invalid_client` for one that is not of this site's pool, and for a proof that is
/// wrong, missing, used before, or none of the client's own; storage.
pub async fn authenticate(call: &Call, site: &Site, head: &Parts, form: &Form) -> Result<Proven, OAuthError> {
    let shown = Shown::of(&head.headers, form)?;
    let by_basic = matches!(shown.proof, Proof::Basic(_));
    let proven = shown.check(call, site, head).await;
    proven.map_err(|error| if by_basic && error.code == Code::InvalidClient { error.for_basic() } else { error })
}

/// What a request says of its client.
struct Shown<'f> {
    id: String,
    proof: Proof<'f>,
}

enum Proof<'f> {
    Nothing,
    /// As it is, and decoded where that is another text: RFC 6749 §2.3.1 has the halves of Basic encoded, and not every client does so.
    Basic(Vec<SecretString>),
    Post(SecretString),
    Assertion(Assertion<'f>),
}

impl<'f> Shown<'f> {
    fn of(headers: &HeaderMap, form: &'f Form) -> Result<Self, OAuthError> {
        let (id, secret, assertion) = (form.one("client_id"), form.secret("client_secret"), asserted(form)?);
        let mut fields = headers.get_all(AUTHORIZATION).iter();
        let basic = fields.next();
        let ways = [basic.is_some(), secret.is_some(), assertion.is_some()];
        if fields.next().is_some() || ways.into_iter().filter(|way| *way).count() > 1 {
            return Err(invalid("The client shows itself in more than one way."));
        }
        let (own, proof) = match (basic, assertion) {
            (Some(field), _) => of_basic(field.as_bytes())?,
            (None, Some(text)) => {
                let assertion = Assertion::parse(text).map_err(flawed)?;
                (assertion.client_id().to_owned(), Proof::Assertion(assertion))
            }
            (None, None) => {
                let id = id.ok_or_else(|| invalid("client_id is missing."))?;
                (id.to_owned(), secret.map_or(Proof::Nothing, |secret| Proof::Post(secret.clone())))
            }
        };
        if id.is_some_and(|id| id != own) {
            return Err(invalid("client_id is not the client that the request proves."));
        }
        Ok(Self { id: own, proof })
    }

    async fn check(self, call: &Call, site: &Site, head: &Parts) -> Result<Proven, OAuthError> {
        let failed = |fault| OAuthError::of(Code::InvalidClient, fault);
        let pool = pools::find(&call.services.store, &site.pool).await.map_err(|error| failed(error.into()))?;
        let client = clients::of_request(call, &pool, &self.id).await.map_err(failed)?;
        let by = match &self.proof {
            Proof::Nothing => certificate::proves(head, &client).unwrap_or(AuthMethod::None),
            Proof::Basic(secrets) if secrets.is_empty() => AuthMethod::None,
            Proof::Basic(_) => AuthMethod::ClientSecretBasic,
            Proof::Post(_) => AuthMethod::ClientSecretPost,
            Proof::Assertion(_) => AuthMethod::PrivateKeyJwt,
        };
        if !allows(&client, by) {
            return Err(unknown());
        }
        match &self.proof {
            Proof::Nothing => {}
            Proof::Basic(secrets) => check_secret(call, &client, secrets).await?,
            Proof::Post(secret) => check_secret(call, &client, std::slice::from_ref(secret)).await?,
            Proof::Assertion(assertion) => take(call, &pool, &client, assertion).await?,
        }
        Ok(Proven { pool, client, by })
    }
}

/// Whether the client may prove itself so. One that doesn't say how has a secret, or is public.
fn allows(client: &Client, method: AuthMethod) -> bool {
    let is_of_secret = matches!(method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost);
    let methods = &client.settings.oauth.auth_methods;
    if is_of_secret && !client.has_secret() {
        return false;
    }
    if methods.is_empty() {
        return is_of_secret || (method == AuthMethod::None && !client.has_secret());
    }
    methods.contains(&method)
}

async fn check_secret(call: &Call, client: &Client, secrets: &[SecretString]) -> Result<(), OAuthError> {
    for secret in secrets {
        match clients::check_secret(&call.services, client, Some(secret)).await {
            Ok(()) => return Ok(()),
            Err(fault) if fault.status() >= 500 => return Err(OAuthError::of(Code::InvalidClient, fault)),
            Err(_) => {}
        }
    }
    if secrets.is_empty() { Ok(()) } else { Err(unknown()) }
}

/// Checks an assertion and uses it up.
async fn take(call: &Call, pool: &Pool, client: &Client, assertion: &Assertion<'_>) -> Result<(), OAuthError> {
    let keys = keys_of(call, client, false).await?;
    let used = match assertion.check(&keys, &pool.iss, call.now) {
        // The client may have published another key since.
        Err(Flaw::Key) if client.settings.oauth.jwks_uri.is_some() => {
            let keys = keys_of(call, client, true).await?;
            assertion.check(&keys, &pool.iss, call.now).map_err(flawed)?
        }
        outcome => outcome.map_err(flawed)?,
    };
    let first = used::take(&call.services.store, &pool.id, &used).await;
    if first.map_err(|fault| OAuthError::of(Code::InvalidClient, fault))? {
        Ok(())
    } else {
        Err(OAuthError::new(Code::InvalidClient, "The client assertion was used before."))
    }
}

/// The client's public keys: those that are registered, or that its `jwks_uri` has. `anew`: it missed one.
async fn keys_of(call: &Call, client: &Client, anew: bool) -> Result<KeySet, OAuthError> {
    let unusable = |why| OAuthError::new(Code::InvalidClient, format!("The client's keys can't be used: {why}."));
    let settings = &client.settings.oauth;
    let text = match (&settings.jwks, &settings.jwks_uri) {
        (Some(jwks), _) => jwks.to_string(),
        (None, Some(uri)) => {
            let outbound = &call.services.outbound;
            let document =
                if anew { outbound.renewed(uri, Kind::Json).await } else { outbound.cached(uri, Kind::Json).await };
            let document = document.map_err(|error| unusable(error.to_string()))?;
            String::from_utf8(document.body.to_vec()).map_err(|_| unusable("they are no text".to_owned()))?
        }
        (None, None) => return Err(unusable("it has registered none".to_owned())),
    };
    let jwks = Jwks::parse_foreign(&text).map_err(|error| unusable(error.to_string()))?;
    let keys = KeySet::with_algorithms(client.id.as_str(), jwks, Alg::RS256, &assertion::ALGS);
    keys.map_err(|error| unusable(error.to_string()))
}

/// The assertion of a request (RFC 7521 §4.2).
fn asserted(form: &Form) -> Result<Option<&str>, OAuthError> {
    match (form.one("client_assertion_type"), form.one("client_assertion")) {
        (None, None) => Ok(None),
        (Some(assertion::TYPE), Some(assertion)) => Ok(Some(assertion)),
        (Some(_), Some(_)) => Err(OAuthError::new(Code::InvalidClient, "There is no such client_assertion_type here.")),
        _ => Err(invalid("client_assertion and client_assertion_type go together.")),
    }
}

fn of_basic<'f>(field: &[u8]) -> Result<(String, Proof<'f>), OAuthError> {
    let refused = || OAuthError::new(Code::InvalidClient, "The Authorization field is no Basic.").for_basic();
    let (raw_id, raw_secret) = basic(field).ok_or_else(refused)?;
    let id = decoded(&raw_id).ok_or_else(refused)?;
    let also = decoded(&raw_secret).filter(|text| *text != raw_secret);
    let secrets = [Some(raw_secret), also].into_iter().flatten().filter(|secret| !secret.is_empty());
    Ok((id, Proof::Basic(secrets.map(SecretString::new).collect())))
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

fn unknown() -> OAuthError {
    OAuthError::new(Code::InvalidClient, "The client is unknown here, or its proof is wrong or not its own.")
}

fn flawed(flaw: Flaw) -> OAuthError {
    OAuthError::new(Code::InvalidClient, format!("The client assertion does not count: {flaw}."))
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
        let form = Form::parse(form.as_bytes()).unwrap();
        let shown = Shown::of(&headers, &form).map_err(|error| error.code)?;
        let secrets = match shown.proof {
            Proof::Basic(secrets) => secrets,
            Proof::Post(secret) => vec![secret],
            Proof::Nothing | Proof::Assertion(_) => Vec::new(),
        };
        Ok((shown.id, secrets.iter().map(|secret| secret.expose().to_owned()).collect()))
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

    #[test]
    fn an_assertion_is_one_of_the_ways() {
        let typed = format!("client_assertion_type={}", assertion::TYPE);
        let with = |more: &str| format!("{typed}&client_assertion=a.b.c{more}");
        for form in [&typed, "client_assertion=a.b.c&client_id=c", &with("&client_secret=b&client_id=c")] {
            assert_eq!(shown(None, form), Err(Code::InvalidRequest), "{form}");
        }
        assert_eq!(shown(Some("a:b"), &with("")), Err(Code::InvalidRequest));
        assert_eq!(shown(None, &with("&client_id=a")), Err(Code::InvalidClient));
        let other =
            "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:saml2-bearer&client_assertion=a.b.c";
        assert_eq!(shown(None, other), Err(Code::InvalidClient));
    }
}
