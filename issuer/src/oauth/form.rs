//! Form bodies and queries (`application/x-www-form-urlencoded`): bounded, each parameter once.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use common::secret::SecretString;
use http_body_util::{BodyExt, Limited};
use url::form_urlencoded;

use super::error::{Code, OAuthError};

/// Bytes.
const BODY_LIMIT: usize = 64 * 1024;
const BODY_DEADLINE: Duration = Duration::from_secs(10);
const PARAMETERS: usize = 64;
/// May come more than once (RFC 8707 §2, RFC 8693 §2.1).
const REPEATED: [&str; 2] = ["resource", "audience"];

/// The parameters of a request, in their order. Any may be a secret.
#[derive(Debug)]
pub struct Form(Vec<(String, SecretString)>);

impl Form {
    /// # Errors
    /// `invalid_request` for another content type, a body over 64 KiB or that does not arrive in time, and as [`Form::parse`].
    pub async fn read(headers: &HeaderMap, body: Body) -> Result<Self, OAuthError> {
        check_type(headers)?;
        Self::parse(&arrived(body).await?)
    }

    /// An authorization request by POST, with the names of the parameters that come twice: where its errors go to may be among the others.
    ///
    /// # Errors
    /// As [`Form::read`].
    pub async fn read_request(headers: &HeaderMap, body: Body) -> Result<(Self, Vec<String>), OAuthError> {
        check_type(headers)?;
        Self::parse_request(&arrived(body).await?)
    }

    /// # Errors
    /// `invalid_request` for more than 64 parameters, one that comes twice (RFC 6749 §3.2), and texts that are not UTF-8 or have a NUL.
    pub fn parse(text: &[u8]) -> Result<Self, OAuthError> {
        match Self::parse_request(text)? {
            (form, twice) if twice.is_empty() => Ok(form),
            _ => Err(invalid("A parameter comes twice.")),
        }
    }

    /// The same of an authorization request, with the names of the parameters that come twice: of those the first value stays.
    ///
    /// # Errors
    /// As [`Form::parse`], but for these.
    pub fn parse_request(text: &[u8]) -> Result<(Self, Vec<String>), OAuthError> {
        let mut twice = Vec::new();
        let mut parameters: Vec<(String, SecretString)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text) {
            if parameters.len() == PARAMETERS {
                return Err(invalid("There are too many parameters."));
            }
            // What is not UTF-8 was replaced. Nothing here has use for the replacement itself.
            if [&name, &value].iter().any(|text| text.contains(['\0', char::REPLACEMENT_CHARACTER])) {
                return Err(invalid("A parameter is not UTF-8, or has a NUL."));
            }
            if !REPEATED.contains(&&*name) && parameters.iter().any(|(known, _)| *known == name) {
                twice.push(name.into_owned());
                continue;
            }
            parameters.push((name.into_owned(), SecretString::new(value)));
        }
        Ok((Self(parameters), twice))
    }

    /// All of them, written as a query again.
    pub fn to_query(&self) -> String {
        let pairs = self.0.iter().map(|(name, value)| (name, value.expose()));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    /// The same without some of them, and with this one set.
    pub fn without(&self, names: &[&str], name: &str, value: &str) -> String {
        let kept = self.0.iter().filter(|(known, _)| known != name && !names.contains(&known.as_str()));
        let pairs = kept.map(|(known, value)| (known.as_str(), value.expose())).chain([(name, value)]);
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    /// Every value of a parameter that may come more than once.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.expose()).filter(|value| !value.is_empty())
    }

    /// A parameter without a value is as if it were not there (RFC 6749 §3.1).
    pub fn one(&self, name: &str) -> Option<&str> {
        self.secret(name).map(SecretString::expose)
    }

    pub fn secret(&self, name: &str) -> Option<&SecretString> {
        let found = self.0.iter().find(|(known, value)| known == name && !value.expose().is_empty());
        found.map(|(_, value)| value)
    }

    /// # Errors
    /// `invalid_request` where it is missing.
    pub fn demand(&self, name: &'static str) -> Result<&SecretString, OAuthError> {
        self.secret(name).ok_or_else(|| invalid(format!("{name} is missing.")))
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), OAuthError> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(());
    }
    Err(invalid("Content-Type must be application/x-www-form-urlencoded."))
}

async fn arrived(body: Body) -> Result<bytes::Bytes, OAuthError> {
    let arriving = Limited::new(body, BODY_LIMIT).collect();
    match tokio::time::timeout(BODY_DEADLINE, arriving).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(invalid("The body could not be read, or is larger than 64 KiB.")),
        Err(_) => Err(invalid("The body did not arrive in time.")),
    }
}

fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(Code::InvalidRequest, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_once_and_are_text() {
        let form = Form::parse(b"a=1%20&b=&resource=x&resource=y&c=%C3%A4+").unwrap();
        assert_eq!((form.one("a"), form.one("b"), form.one("c")), (Some("1 "), None, Some("\u{e4} ")));
        let many = "x&".repeat(65);
        for bad in [&b"a=1&a=1"[..], b"a=%FF", b"a=%00", b"%FF=a", many.as_bytes()] {
            assert_eq!(Form::parse(bad).unwrap_err().code, Code::InvalidRequest, "{bad:?}");
        }
        assert!(!format!("{form:?}").contains('1'), "no value is shown");
    }
}
