//! Errors that an authorization request is answered with.

use std::borrow::Cow;

use cognito_model::Fault;

/// RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6, RFC 8707 §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthCode {
    InvalidRequest,
    UnauthorizedClient,
    AccessDenied,
    UnsupportedResponseType,
    InvalidScope,
    InvalidTarget,
    LoginRequired,
    ConsentRequired,
    RequestNotSupported,
    RequestUriNotSupported,
    RegistrationNotSupported,
}

impl AuthCode {
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
        }
    }
}

/// The error that a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthError {
    pub code: AuthCode,
    /// Of printable ASCII without `"` and `\`.
    pub description: Option<Cow<'static, str>>,
}

impl AuthError {
    pub const fn new(code: AuthCode, description: &'static str) -> Self {
        Self { code, description: Some(Cow::Borrowed(description)) }
    }

    /// For the audit record.
    pub fn fault(&self) -> Fault {
        let text = self.description.clone().unwrap_or(Cow::Borrowed(self.code.name()));
        match self.code {
            AuthCode::AccessDenied
            | AuthCode::LoginRequired
            | AuthCode::ConsentRequired
            | AuthCode::UnauthorizedClient => Fault::not_authorized(text),
            _ => Fault::invalid_parameter(text),
        }
    }
}
