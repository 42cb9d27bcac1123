//! Where an authorization request is answered, and how the answer travels (OAuth 2.0 Multiple Response Type Encoding Practices §2.1, OAuth 2.0
//! Form Post Response Mode).

use axum::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use url::{Url, form_urlencoded};

use super::error::AuthError;
use crate::clients::oauth::ResponseMode;
use crate::html::{Page, Safe};

/// The way back to the client: a registered `redirect_uri`, and what every answer to it says.
#[derive(Clone, Debug)]
pub struct Return {
    pub redirect_uri: String,
    pub mode: ResponseMode,
    pub state: Option<String>,
    /// RFC 9207.
    pub iss: String,
}

impl Return {
    /// An error (RFC 6749 §4.1.2.1).
    pub fn error(&self, error: &AuthError, by_post: bool) -> Response {
        let description = error.description.as_ref().map(|text| ("error_description", text.to_string()));
        self.send([("error", error.code.name().to_owned())].into_iter().chain(description), by_post)
    }

    /// `by_post`: the request that is answered was a POST, whose body must not be sent again (SECURITY.md I03).
    pub fn send(&self, parameters: impl IntoIterator<Item = (&'static str, String)>, by_post: bool) -> Response {
        let state = self.state.iter().map(|state| ("state", state.clone()));
        let all: Vec<_> = parameters.into_iter().chain(state).chain([("iss", self.iss.clone())]).collect();
        match self.mode {
            ResponseMode::FormPost => self.form(&all),
            ResponseMode::Query | ResponseMode::Fragment => {
                let status = if by_post { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
                redirect(status, &self.url(&all))
            }
        }
    }

    fn url(&self, parameters: &[(&'static str, String)]) -> String {
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        // A registered URI has no fragment.
        let joint = match self.mode {
            ResponseMode::Fragment => '#',
            _ if self.redirect_uri.contains('?') => '&',
            _ => '?',
        };
        format!("{}{joint}{text}", self.redirect_uri)
    }

    /// A page whose form goes to the client: by a script where scripts run, else by its button.
    fn form(&self, parameters: &[(&'static str, String)]) -> Response {
        let mut content = Safe::constant("<form method=\"post\" action=\"")
            .and(Safe::text(&self.redirect_uri))
            .and(Safe::constant("\"><p>You are being sent back to the app.</p>"));
        for (name, value) in parameters {
            content = content.and(Safe::hidden(name, value));
        }
        let content = content.and(Safe::constant("<button>Continue</button></form>"));
        Page::new("Continue", content).leading_to(&self.source()).sending_itself().answer(StatusCode::OK)
    }

    /// The source of a content security policy that the `redirect_uri` is of.
    pub fn source(&self) -> String {
        match Url::parse(&self.redirect_uri) {
            Ok(url) if matches!(url.scheme(), "https" | "http") => url.origin().ascii_serialization(),
            Ok(url) => format!("{}:", url.scheme()),
            Err(_) => String::new(),
        }
    }
}

/// To another page or back to a client. Nobody keeps it, and nobody hears where it came from.
pub fn redirect(status: StatusCode, to: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(to) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(redirect_uri: &str, mode: ResponseMode) -> Return {
        Return { redirect_uri: redirect_uri.into(), mode, state: Some("a b&c".into()), iss: "https://i/p".into() }
    }

    #[test]
    fn answers_travel_as_they_were_asked_for() {
        let code = || [("code", "x".to_owned())];
        let location = |to: Return| {
            let response = to.send(code(), false);
            (response.status().as_u16(), response.headers()[LOCATION].to_str().unwrap().to_owned())
        };
        let tail = "code=x&state=a+b%26c&iss=https%3A%2F%2Fi%2Fp";
        let cases = [
            ("https://app.test/cb", ResponseMode::Query, format!("https://app.test/cb?{tail}")),
            ("https://app.test/cb?a=1", ResponseMode::Query, format!("https://app.test/cb?a=1&{tail}")),
            ("https://app.test/cb", ResponseMode::Fragment, format!("https://app.test/cb#{tail}")),
            ("com.example.app:/cb", ResponseMode::Query, format!("com.example.app:/cb?{tail}")),
        ];
        for (uri, mode, want) in cases {
            assert_eq!(location(to(uri, mode)), (302, want));
        }
        assert_eq!(to("https://app.test/cb", ResponseMode::Query).send(code(), true).status(), 303);
        let form = to("https://app.test/cb", ResponseMode::FormPost).send(code(), true);
        assert_eq!((form.status().as_u16(), form.headers().get(LOCATION)), (200, None));
        let policy = form.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("form-action 'self' https://app.test;"), "{policy}");
        assert!(policy.contains("script-src 'sha256-"), "{policy}");
    }
}
