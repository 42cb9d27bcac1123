//! Errors of the registration endpoint: RFC 7591 §3.2.2, and RFC 6750 §3.1 where a token is asked for.

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use cognito_model::{Exception, Fault};
use serde_json::json;

use crate::clients::metadata::MetadataError;
use crate::oauth::error::{Code, OAuthError, answer, plain};

#[derive(Debug)]
pub enum Refusal {
    /// Nothing registers in this pool.
    Absent,
    /// No access token, or none that opens this.
    Token,
    /// The pool has as many clients as registration may fill it up to.
    Full,
    /// What the client said. The name of the error, and the fault by which the audit record knows it.
    Said(&'static str, Box<Fault>),
    /// What is none of the client's.
    Ours(Box<Fault>),
}

impl Refusal {
    pub fn metadata(why: impl Into<String>) -> Self {
        Self::Said("invalid_client_metadata", Box::new(Fault::invalid_parameter(why.into())))
    }

    /// A refusal of settings as a whole, in Cognito's words.
    pub fn of_settings(fault: Fault) -> Self {
        if fault.status() >= 500 { fault.into() } else { Self::metadata(fault.message.into_owned()) }
    }

    /// For the audit record.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Absent => None,
            Self::Token => Some(&TOKEN),
            Self::Full => Some(&FULL),
            Self::Said(_, fault) | Self::Ours(fault) => Some(fault),
        }
    }
}

static TOKEN: std::sync::LazyLock<Fault> =
    std::sync::LazyLock::new(|| Fault::not_authorized("No access token that may do this."));
static FULL: std::sync::LazyLock<Fault> =
    std::sync::LazyLock::new(|| Fault::limit_exceeded("The user pool has as many app clients as it may."));

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Ours(Box::new(fault))
    }
}

impl From<MetadataError> for Refusal {
    fn from(error: MetadataError) -> Self {
        let name = match error {
            MetadataError::RedirectUri(_) => "invalid_redirect_uri",
            MetadataError::Metadata(_) => "invalid_client_metadata",
            MetadataError::SoftwareStatement => "unapproved_software_statement",
        };
        Self::Said(name, Box::new(Fault::invalid_parameter(error.to_string())))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = |name: &str, text: &str| json!({ "error": name, "error_description": plain(text) });
        match self {
            Self::Absent => StatusCode::NOT_FOUND.into_response(),
            Self::Token => {
                let mut response = answer(StatusCode::UNAUTHORIZED, &error("invalid_token", &TOKEN.message));
                let scheme = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
                response
            }
            Self::Full => answer(StatusCode::FORBIDDEN, &error("access_denied", &FULL.message)),
            Self::Said(name, fault) => answer(StatusCode::BAD_REQUEST, &error(name, &fault.message)),
            Self::Ours(fault) => {
                let wait = (fault.exception == Exception::TooManyRequests).then_some(fault.retry_after).flatten();
                let mut response = OAuthError::of(Code::InvalidRequest, *fault).into_response();
                if let Some(wait) = wait {
                    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
                }
                response
            }
        }
    }
}
