//! Refusals as HTTP: the only place that turns a [`Reject`] into a response.

mod aws;
mod challenge;
mod document;
mod dpop;
pub mod grpc;
pub mod limits;

use bytes::Bytes;
use common::canonical::Ambiguity;
use common::reject::Reject;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TRANSFER_ENCODING, UPGRADE,
    WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, StatusCode};

pub use self::document::{document, document_preflight};
pub use self::dpop::NONCE;
use self::limits::Spent;
use crate::facts::Presented;
use crate::snapshot::resource::Resource;
use crate::snapshot::route::TokenRule;
use crate::waf::Response;

/// The header that every answer carries.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What a client has to do before it is let in, as AWS WAF says it.
const WAF_ACTION: HeaderName = HeaderName::from_static("x-amzn-waf-action");
/// Seconds after which a client may try again when the edge or the upstream is not ready.
const RETRY_AFTER_SECONDS: &str = "5";

/// What is the edge's to say about a response's form and connection.
const RESERVED: [HeaderName; 6] = [CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, UPGRADE, REQUEST_ID];

/// What a refusal depends on besides its reason.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'r> {
    /// The operator's name for what is protected.
    pub realm: &'r str,
    pub request_id: &'r HeaderValue,
    pub form: Form,
    /// What the route asks of tokens; none where there is no route, or none is asked.
    pub token: Option<&'r TokenRule>,
    /// The resource that the route is part of.
    pub resource: Option<&'r Resource>,
    pub presented: &'r Presented,
    /// The limit that has refused the request, if one has.
    pub spent: Option<Spent>,
}

/// Which kind of answer the client understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    #[default]
    Json,
    Grpc,
    /// AWS JSON 1.1, for clients of Cognito's API: an exception, readable for pages of any origin, as the issuer's own answers are.
    Aws,
}

/// A response, independent of who writes it.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
}

/// The answer to a refused request: `{"error","error_description","request_id"}` and, where a better token would help, a
/// challenge that names the class of the reason (RFC 6750 §3).
pub fn refusal(reject: Reject, asked: Asked<'_>) -> Reply {
    if asked.form == Form::Grpc {
        return trailers_only(reject, asked);
    }
    let (content_type, body) = match asked.form {
        Form::Aws => (aws::CONTENT_TYPE, aws::body(reject)),
        Form::Json | Form::Grpc => (HeaderValue::from_static("application/json"), json(reject, asked)),
    };
    let mut headers = vec![
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_LENGTH, HeaderValue::from(body.len())),
        (REQUEST_ID, asked.request_id.clone()),
    ];
    headers.extend(better_credentials(reject, asked));
    if asked.form == Form::Aws {
        headers.extend(aws::headers(reject));
    }
    headers.extend(asked.spent.and_then(Spent::retry_after));
    let status = if asked.form == Form::Aws { aws::status(reject) } else { reject.status() };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let status = asked.spent.filter(|_| reject == Reject::RateLimited).map_or(status, |spent| spent.status);
    match status {
        _ if asked.spent.is_some() => {}
        StatusCode::SERVICE_UNAVAILABLE => headers.push((RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS))),
        // RFC 9110 §15.5.6 wants the field; an empty list gives nothing away.
        _ if matches!(reject, Reject::CaptchaRequired | Reject::ChallengeRequired) => {
            let action = if reject == Reject::CaptchaRequired { "captcha" } else { "challenge" };
            headers.push((WAF_ACTION, HeaderValue::from_static(action)));
        }
        StatusCode::METHOD_NOT_ALLOWED => headers.push((ALLOW, HeaderValue::from_static(""))),
        _ => {}
    }
    Reply { status, headers, body }
}

fn json(reject: Reject, asked: Asked<'_>) -> Bytes {
    let body = serde_json::json!({
        "error": reject.wire_code(),
        "error_description": reject.description(),
        "request_id": asked.request_id.to_str().unwrap_or_default(),
    });
    Bytes::from(body.to_string())
}

/// The same for a gRPC client: no body, so that the headers can end the stream.
fn trailers_only(reject: Reject, asked: Asked<'_>) -> Reply {
    let mut headers = vec![
        (CONTENT_TYPE, grpc::CONTENT_TYPE),
        (grpc::STATUS, HeaderValue::from(u16::from(grpc::status(reject)))),
        // The texts have no character that `grpc-message` would have to escape.
        (grpc::MESSAGE, HeaderValue::from_static(reject.description())),
        (REQUEST_ID, asked.request_id.clone()),
    ];
    headers.extend(better_credentials(reject, asked));
    headers.extend(asked.spent.and_then(Spent::retry_after));
    Reply { status: StatusCode::OK, headers, body: Bytes::new() }
}

/// What a rule says to whom it blocks (AWS WAFv2 `CustomResponse`). Of calls of Cognito's API it is an exception all the same: SDKs find that in a
/// header, and only between 400 and 499, as Cognito has it.
pub fn blocked(response: &Response, form: Form, request_id: &HeaderValue) -> Reply {
    let mut headers = vec![(CACHE_CONTROL, HeaderValue::from_static("no-store")), (REQUEST_ID, request_id.clone())];
    let mut status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::FORBIDDEN);
    if form == Form::Aws {
        headers.extend(aws::headers(Reject::AclBlocked));
        status = if status.is_client_error() { status } else { StatusCode::FORBIDDEN };
    }
    for header in &response.headers {
        let parsed = (HeaderName::try_from(&header.name), HeaderValue::try_from(&header.value));
        if let (Ok(name), Ok(value)) = parsed
            && !RESERVED.contains(&name)
        {
            headers.retain(|(other, _)| *other != name);
            headers.push((name, value));
        }
    }
    let body = response.body.as_ref().map(|(kind, text)| {
        headers.push((CONTENT_TYPE, HeaderValue::from_static(kind.mime())));
        Bytes::copy_from_slice(text.as_bytes())
    });
    let body = body.unwrap_or_default();
    headers.push((CONTENT_LENGTH, HeaderValue::from(body.len())));
    Reply { status, headers, body }
}

/// The answer to a preflight: what it is told, and nothing else.
pub fn preflight(told: Vec<(HeaderName, HeaderValue)>, request_id: &HeaderValue) -> Reply {
    let mut headers = told;
    headers.push((REQUEST_ID, request_id.clone()));
    Reply { status: StatusCode::NO_CONTENT, headers, body: Bytes::new() }
}

/// What the client should come with next time.
fn better_credentials(reject: Reject, asked: Asked<'_>) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let challenges = challenge::challenges(reject, asked).into_iter().map(|challenge| (WWW_AUTHENTICATE, challenge));
    asked.presented.nonce.clone().map(|nonce| (NONCE, nonce)).into_iter().chain(challenges)
}

/// The reason for which a request without a canonical form is refused.
pub fn ambiguous(ambiguity: Ambiguity) -> Reject {
    use Ambiguity as A;
    match ambiguity {
        A::MethodRefused => Reject::MethodNotAllowed,
        A::TargetTooLong | A::TooManyHeaders | A::HeadersTooLarge => Reject::HeadersTooLarge,
        A::UserInfo
        | A::MissingHost
        | A::DuplicateHost
        | A::InvalidHost
        | A::AbsoluteTargetMismatch
        | A::AuthorityMismatch => Reject::AmbiguousHost,
        A::LengthAndEncoding
        | A::InvalidLength
        | A::DuplicateLength
        | A::DuplicateEncoding
        | A::UnsupportedEncoding
        | A::InvalidChunk
        | A::FramingAlias => Reject::AmbiguousBody,
        A::InvalidMethod
        | A::InvalidHeaderName
        | A::ObsFold
        | A::LineBreakInHeader
        | A::NulInHeader
        | A::InvalidHeaderValue
        | A::ConnectionSpecificHeader
        | A::IdentityAlias
        | A::IdentityNominated => Reject::AmbiguousHeader,
        A::AsteriskTarget
        | A::InvalidTarget
        | A::FragmentInTarget
        | A::NonAsciiTarget
        | A::ControlInTarget
        | A::InvalidTargetCharacter
        | A::BadEscape
        | A::EncodedSlash
        | A::Backslash
        | A::EncodedBackslash
        | A::EncodedNul
        | A::PathParameter
        | A::DotSegment
        | A::EmptySegment
        | A::DoubleEscape
        | A::NotUtf8 => Reject::AmbiguousPath,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<'r>(request_id: &'r HeaderValue, presented: &'r Presented) -> Asked<'r> {
        Asked { realm: "api", request_id, form: Form::Json, token: None, resource: None, presented, spent: None }
    }

    #[test]
    fn a_grpc_client_gets_the_reason_as_its_status() {
        let id = HeaderValue::from_static("abc");
        for reject in Reject::ALL {
            let reply = refusal(reject, Asked { form: Form::Grpc, ..asked(&id, &Presented::default()) });
            assert_eq!((reply.status, reply.body.len()), (StatusCode::OK, 0));
            let value =
                |name: HeaderName| reply.headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_str().unwrap());
            assert_eq!(value(grpc::STATUS).unwrap(), grpc::status(reject).to_string());
            let message = value(grpc::MESSAGE).unwrap();
            assert!(message.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'%'), "{message}");
        }
    }

    #[test]
    fn a_spent_limit_says_when_to_come_again_in_every_form() {
        let (id, presented) = (HeaderValue::from_static("abc"), Presented::default());
        let wait = Some(std::time::Duration::from_millis(1_001));
        for (form, status, told) in [(Form::Json, 503, 503), (Form::Aws, 429, 429), (Form::Grpc, 429, 200)] {
            let spent = Some(Spent { status: StatusCode::from_u16(status).unwrap(), wait });
            let reply = refusal(Reject::RateLimited, Asked { form, spent, ..asked(&id, &presented) });
            let value = |name: &str| reply.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.to_str().unwrap());
            assert_eq!((reply.status.as_u16(), value("retry-after")), (told, Some("2")), "{form:?}");
            let once = reply.headers.iter().filter(|(name, _)| *name == RETRY_AFTER).count();
            assert_eq!(once, 1, "{form:?}");
        }
        let aws = refusal(Reject::RateLimited, Asked { form: Form::Aws, ..asked(&id, &presented) });
        assert!(String::from_utf8_lossy(&aws.body).contains("\"__type\":\"TooManyRequestsException\""));
        assert_eq!(grpc::status(Reject::RateLimited), 8, "RESOURCE_EXHAUSTED");
        let soon = Spent { status: StatusCode::TOO_MANY_REQUESTS, wait: Some(std::time::Duration::ZERO) };
        assert_eq!(soon.retry_after().unwrap().1, "1");
    }

    #[test]
    fn a_client_of_cognito_gets_an_exception() {
        let id = HeaderValue::from_static("abc");
        for reject in Reject::ALL {
            let reply = refusal(reject, Asked { form: Form::Aws, ..asked(&id, &Presented::default()) });
            let of_rules = matches!(reject, Reject::AclBlocked | Reject::CaptchaRequired | Reject::ChallengeRequired);
            assert_eq!(reply.status.as_u16(), if of_rules { 403 } else { reject.status() });
            let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
            let value = |name: &str| reply.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.to_str().unwrap());
            let exception = body["__type"].as_str().unwrap();
            assert_eq!(value("x-amzn-errortype"), Some(format!("{exception}:").as_str()));
            assert_eq!(exception == "ForbiddenException", of_rules || matches!(reject.status(), 401 | 403));
            let words = if of_rules { "Request not allowed due to WAF block." } else { reject.description() };
            assert_eq!(body["message"], words);
            assert_eq!(value("content-type"), Some("application/x-amz-json-1.1"));
            assert_eq!(value("access-control-allow-origin"), Some("*"));
            assert_eq!(value("retry-after").is_some(), reject.status() == 503, "{reject:?}");
        }
    }

    #[test]
    fn a_rules_own_response_is_an_exception_to_a_client_of_cognito() {
        let id = HeaderValue::from_static("abc");
        let own = |status| Response { status, headers: Vec::new(), body: None };
        for (status, told) in [(418, 418), (429, 429), (200, 403), (302, 403), (503, 403)] {
            let reply = blocked(&own(status), Form::Aws, &id);
            let exception = reply.headers.iter().find(|(name, _)| name == "x-amzn-errortype");
            assert_eq!((reply.status.as_u16(), exception.unwrap().1.to_str().unwrap()), (told, "ForbiddenException:"));
            let reply = blocked(&own(status), Form::Json, &id);
            assert_eq!(reply.status.as_u16(), status);
            assert!(reply.headers.iter().all(|(name, _)| name != "x-amzn-errortype"));
        }
    }

    #[test]
    fn every_refusal_has_the_same_shape() {
        let id = HeaderValue::from_static("abc");
        for reject in Reject::ALL {
            let reply = refusal(reject, asked(&id, &Presented::default()));
            assert_eq!(reply.status.as_u16(), reject.status());
            let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!(body["error"], reject.wire_code());
            assert_eq!(body["request_id"], "abc");
            let value =
                |name: &HeaderName| reply.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.to_str().unwrap());
            assert_eq!(value(&REQUEST_ID), Some("abc"));
            let by_token = matches!(reject.status(), 401 | 403)
                && !matches!(reject, Reject::CertificateRequired | Reject::AclBlocked);
            assert_eq!(value(&WWW_AUTHENTICATE).is_some(), by_token, "{reject:?}");
            assert_eq!(value(&RETRY_AFTER).is_some(), reject.status() == 503, "{reject:?}");
        }
    }

    #[test]
    fn the_status_of_an_ambiguity_stays_a_client_error() {
        for ambiguity in Ambiguity::ALL {
            assert!((400..500).contains(&ambiguous(*ambiguity).status()), "{ambiguity:?}");
        }
    }
}
