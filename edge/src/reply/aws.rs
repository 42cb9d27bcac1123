//! Refusals of calls of Cognito's API, in the form that its SDKs read.

use bytes::Bytes;
use common::reject::Reject;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS};
use http::{HeaderName, HeaderValue};

pub const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
/// Cognito's own words.
const BLOCKED: &str = "Request not allowed due to WAF block.";
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

pub fn body(reject: Reject) -> Bytes {
    let message = if is_of_rules(reject) { BLOCKED } else { reject.description() };
    let body = serde_json::json!({ "__type": exception(reject).trim_end_matches(':'), "message": message });
    Bytes::from(body.to_string())
}

/// What rules would have solved, no SDK can: to it that is a refusal, as at Cognito.
pub const fn status(reject: Reject) -> u16 {
    if is_of_rules(reject) { 403 } else { reject.status() }
}

/// Besides those of every refusal. An exception is no secret of the user's, and Cognito's answers are for pages of any origin.
pub fn headers(reject: Reject) -> [(HeaderName, HeaderValue); 3] {
    [
        (ERROR_TYPE, HeaderValue::from_static(exception(reject))),
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("x-amzn-errortype,retry-after,ratelimit,ratelimit-policy,x-request-id"),
        ),
    ]
}

const fn is_of_rules(reject: Reject) -> bool {
    matches!(reject, Reject::AclBlocked | Reject::CaptchaRequired | Reject::ChallengeRequired)
}

/// The exception that a client does the right thing at: what comes of the request, of who may not, of the moment, and of us.
const fn exception(reject: Reject) -> &'static str {
    match status(reject) {
        401 | 403 => "ForbiddenException:",
        429 => "TooManyRequestsException:",
        500..=599 => "InternalErrorException:",
        _ => "InvalidParameterException:",
    }
}
