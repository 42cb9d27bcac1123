//! What an operation answers when it does not succeed.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde_json::Map;

use crate::exception::Exception;

/// How long a client is asked to wait when storage is away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The one text for everything that is our fault.
const INTERNAL: &str = "Internal error.";

/// A refusal or failure in two halves: what the client is told, and what the log is told.
///
/// There is no `Display`, so that the internal half cannot slip into an answer by formatting.
pub struct Fault {
    pub exception: Exception,
    pub message: Cow<'static, str>,
    /// `reasonCode` of `InvalidParameterException`, the only exception that has one.
    pub reason_code: Option<&'static str>,
    /// For the `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// More members of the exception, such as `Field`, by name.
    details: Vec<(&'static str, String)>,
    /// It is about a user who does not exist, which the answer does not say. For edges alone.
    pub is_of_nobody: bool,
    internal: Option<String>,
}

impl Fault {
    pub fn new(exception: Exception, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            exception,
            message: message.into(),
            reason_code: None,
            retry_after: None,
            details: Vec::new(),
            is_of_nobody: false,
            internal: None,
        }
    }

    /// The same, about a user who does not exist.
    #[must_use]
    pub fn of_nobody(self) -> Self {
        Self { is_of_nobody: true, ..self }
    }

    pub fn invalid_parameter(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Exception::InvalidParameter, message)
    }

    pub fn not_authorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Exception::NotAuthorized, message)
    }

    pub fn resource_not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Exception::ResourceNotFound, message)
    }

    pub fn user_not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Exception::UserNotFound, message)
    }

    pub fn limit_exceeded(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Exception::LimitExceeded, message)
    }

    /// The request is not what the protocol speaks: bad JSON or a member of the wrong type.
    pub fn serialization(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Exception::Serialization, message)
    }

    /// A defect of ours: 500, a fixed text outside, `internal` for the log.
    pub fn internal(internal: impl fmt::Display) -> Self {
        Self::new(Exception::InternalError, INTERNAL).caused_by(internal)
    }

    /// Storage or another part is away: 503 with `Retry-After`, a fixed text outside, `internal` for the log.
    pub fn unavailable(internal: impl fmt::Display) -> Self {
        Self { retry_after: Some(RETRY_AFTER), ..Self::new(Exception::Unavailable, INTERNAL).caused_by(internal) }
    }

    /// The same with a reason code.
    pub fn with_reason(self, reason_code: &'static str) -> Self {
        Self { reason_code: Some(reason_code), ..self }
    }

    /// The same with another member of the exception.
    #[must_use]
    pub fn with_detail(mut self, member: &'static str, value: impl Into<String>) -> Self {
        self.details.push((member, value.into()));
        self
    }

    /// The same with a cause for the log. The cause must hold no secrets.
    pub fn caused_by(self, internal: impl fmt::Display) -> Self {
        Self { internal: Some(internal.to_string()), ..self }
    }

    /// For the log, where the fault is handled, and for nothing else.
    pub fn cause(&self) -> Option<&str> {
        self.internal.as_deref()
    }

    pub fn status(&self) -> u16 {
        self.exception.status()
    }

    /// The body of the answer: `{"__type":"UserNotFoundException","message":"…"}`.
    pub fn body(&self) -> Vec<u8> {
        let mut body = Map::new();
        let mut put = |member: &str, value: &str| drop(body.insert(member.to_owned(), value.into()));
        put("__type", self.exception.name());
        put(self.exception.text_member(), &self.message);
        self.reason_code.iter().for_each(|code| put("reasonCode", code));
        self.details.iter().for_each(|(member, value)| put(member, value));
        // Strings always serialise; an empty body would still carry the status.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl fmt::Debug for Fault {
    /// The public half only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("exception", &self.exception)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies() {
        let fault = Fault::user_not_found("User does not exist.");
        assert_eq!(fault.body(), br#"{"__type":"UserNotFoundException","message":"User does not exist."}"#);
        assert_eq!(fault.status(), 400);
        let fault = Fault::invalid_parameter("no").with_reason("x");
        assert_eq!(fault.body(), br#"{"__type":"InvalidParameterException","message":"no","reasonCode":"x"}"#);
    }

    /// AWS WAF writes the text of most of its exceptions with a capital letter, and says which member it is about.
    #[test]
    fn bodies_with_more_members() {
        let read = |fault: &Fault| serde_json::from_slice::<serde_json::Value>(&fault.body()).unwrap();
        let fault =
            Fault::new(Exception::WAFInvalidParameter, "no").with_detail("Field", "RULE").with_detail("Reason", "r");
        assert_eq!(
            read(&fault),
            json!({"Field": "RULE", "Reason": "r", "__type": "WAFInvalidParameterException", "message": "no"})
        );
        let fault = Fault::new(Exception::WAFNonexistentItem, "none");
        assert_eq!(read(&fault), json!({"Message": "none", "__type": "WAFNonexistentItemException"}));
    }

    #[test]
    fn the_internal_half_stays_inside() {
        let fault = Fault::unavailable("disk is full");
        assert_eq!((fault.status(), fault.exception.name()), (503, "InternalErrorException"));
        assert_eq!(fault.retry_after, Some(Duration::from_secs(1)));
        assert_eq!(fault.cause(), Some("disk is full"));
        assert!(!format!("{fault:?}").contains("disk"));
        assert!(!String::from_utf8(fault.body()).unwrap().contains("disk"));
        assert_eq!(Fault::internal("x").status(), 500);
    }

    #[test]
    fn exceptions_of_the_models_and_of_the_protocol() {
        let mut names: Vec<&str> = Exception::ALL.iter().map(|exception| exception.name()).collect();
        names.sort_unstable();
        names.dedup();
        // Unavailable goes by the name of InternalError.
        assert_eq!(names.len(), Exception::ALL.len() - 1);
        assert!(names.iter().all(|name| name.ends_with("Exception")));
        let with = |status| Exception::ALL.iter().filter(|e| e.status() == status).copied().collect::<Vec<_>>();
        assert_eq!(
            with(500),
            [
                Exception::InternalError,
                Exception::InternalServer,
                Exception::WAFInternalError,
                Exception::WAFTagOperationInternalError
            ]
        );
        assert_eq!(with(503), [Exception::Unavailable]);
        assert_eq!(with(413), [Exception::RequestEntityTooLarge]);
        assert_eq!(with(400).len(), Exception::ALL.len() - 6);
    }
}
