//! Errors of the JSON endpoints: RFC 6749 §5.2, and what RFC 7009, RFC 8707 and RFC 9449 add.

use std::borrow::Cow;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use cognito_model::{Exception, Fault};
use serde_json::json;

/// The `error` of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    /// RFC 8707 §2.
    InvalidTarget,
    /// RFC 7009 §2.2.1.
    UnsupportedTokenType,
    /// RFC 9449 §5.
    InvalidDpopProof,
    /// RFC 9449 §8.
    UseDpopNonce,
    TemporarilyUnavailable,
    ServerError,
    /// Of the authorization endpoint.
    Named(&'static str),
}

const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

impl Code {
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
            Self::Named(name) => name,
        }
    }
}

/// An error, and the fault by which the audit record and the metrics know it.
#[derive(Debug)]
pub struct OAuthError {
    pub code: Code,
    pub fault: Box<Fault>,
    description: Option<Cow<'static, str>>,
    /// The client showed itself by `Authorization: Basic`, and is told by which scheme it may again.
    by_basic: bool,
    /// For the client's next DPoP proof.
    nonce: Option<HeaderValue>,
}

impl OAuthError {
    pub fn new(code: Code, description: impl Into<Cow<'static, str>>) -> Self {
        let description = description.into();
        let fault = match code {
            Code::InvalidClient
            | Code::InvalidGrant
            | Code::UnauthorizedClient
            | Code::InvalidDpopProof
            | Code::UseDpopNonce => Fault::not_authorized(description.clone()),
            _ => Fault::invalid_parameter(description.clone()),
        };
        Self { code, fault: Box::new(fault), description: Some(description), by_basic: false, nonce: None }
    }

    /// An error of the authorization endpoint, at one that answers in JSON (RFC 9126 §2.3).
    pub fn named(name: &'static str, fault: Fault) -> Self {
        let description = fault.message.clone();
        Self {
            code: Code::Named(name),
            fault: Box::new(fault),
            description: Some(description),
            by_basic: false,
            nonce: None,
        }
    }

    /// What a fault of an operation is here: `code`, unless the fault is none of the client's.
    pub fn of(code: Code, fault: Fault) -> Self {
        let code = match fault.exception {
            Exception::TooManyRequests => Code::TemporarilyUnavailable,
            _ if fault.status() == 503 => Code::TemporarilyUnavailable,
            _ if fault.status() >= 500 => Code::ServerError,
            _ => code,
        };
        let is_clients = !matches!(code, Code::TemporarilyUnavailable | Code::ServerError);
        let description = is_clients.then(|| fault.message.clone());
        Self { code, fault: Box::new(fault), description, by_basic: false, nonce: None }
    }

    /// To a client that came by Basic (RFC 6749 §5.2: 401 and the scheme).
    pub fn for_basic(self) -> Self {
        Self { by_basic: true, ..self }
    }

    /// With a nonce for the client's next DPoP proof (RFC 9449 §8.1).
    pub fn with_nonce(self, nonce: HeaderValue) -> Self {
        Self { nonce: Some(nonce), ..self }
    }

    fn status(&self) -> StatusCode {
        match (self.code, self.fault.exception) {
            (Code::InvalidClient, _) if self.by_basic => StatusCode::UNAUTHORIZED,
            (Code::TemporarilyUnavailable, Exception::TooManyRequests) => StatusCode::TOO_MANY_REQUESTS,
            (Code::TemporarilyUnavailable, _) => StatusCode::SERVICE_UNAVAILABLE,
            (Code::ServerError, _) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        if let Some(cause) = self.fault.cause() {
            tracing::error!(exception = self.fault.exception.name(), cause, "an OAuth request could not be answered");
        }
        let status = self.status();
        let mut body = json!({ "error": self.code.name() });
        if let (Some(body), Some(description)) = (body.as_object_mut(), self.description) {
            body.insert("error_description".to_owned(), plain(&description).into());
        }
        let mut response = answer(status, &body);
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"token\", charset=\"UTF-8\""));
        }
        if let Some(nonce) = self.nonce {
            headers.insert(DPOP_NONCE, nonce);
        }
        if let Some(wait) = self.fault.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        response
    }
}

/// A JSON answer that nobody keeps (RFC 6749 §5.1).
pub fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers = [(CONTENT_TYPE, "application/json;charset=UTF-8"), (CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    (status, headers, body.to_string()).into_response()
}

/// RFC 6749 §5.2: printable ASCII without `"` and `\`.
pub(super) fn plain(text: &str) -> String {
    let is_plain = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    text.chars().map(|c| if is_plain(&c) { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_clients_says_nothing_of_it() {
        let cases = [
            (OAuthError::new(Code::InvalidGrant, "x"), 400, "invalid_grant"),
            (OAuthError::new(Code::InvalidClient, "x"), 400, "invalid_client"),
            (OAuthError::new(Code::InvalidClient, "x").for_basic(), 401, "invalid_client"),
            (OAuthError::of(Code::InvalidGrant, Fault::internal("disk")), 500, "server_error"),
            (
                OAuthError::of(Code::InvalidGrant, Fault::new(Exception::TooManyRequests, "x")),
                429,
                "temporarily_unavailable",
            ),
            (OAuthError::of(Code::InvalidScope, Fault::invalid_parameter("x")), 400, "invalid_scope"),
        ];
        for (error, status, name) in cases {
            assert_eq!((error.status().as_u16(), error.code.name()), (status, name));
            assert_eq!(error.description.is_some(), status <= 401, "{name}");
        }
        assert_eq!(plain("a \"b\" \\ ü\n"), "a ?b? ? ??");
    }
}
