//! Refusals for gRPC clients: status 200 and the reason as `grpc-status`, in one block of headers that ends the stream
//! ("Trailers-Only", gRPC over HTTP/2). A client that got an HTTP error instead would have to guess.

use common::reject::Reject;
use http::{HeaderMap, HeaderName, HeaderValue};

pub const STATUS: HeaderName = HeaderName::from_static("grpc-status");
pub const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
pub const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

/// Whether a request is a gRPC call: its content type is `application/grpc`, with `+proto`, `;…` or nothing after it.
/// (`application/grpc-web` is another protocol, and answers as HTTP does.)
pub fn is_call(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(http::header::CONTENT_TYPE) else { return false };
    let Some((kind, rest)) = kind.as_bytes().split_at_checked(CONTENT_TYPE.len()) else { return false };
    kind.eq_ignore_ascii_case(CONTENT_TYPE.as_bytes()) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

/// The status code (google.rpc.Code).
pub const fn status(reject: Reject) -> u8 {
    match (reject, reject.status()) {
        (Reject::BodyTooLarge | Reject::HeadersTooLarge, _) | (_, 429) => 8, // RESOURCE_EXHAUSTED
        (_, 400) => 3,                                                       // INVALID_ARGUMENT
        (_, 401) => 16,                                                      // UNAUTHENTICATED
        (_, 403) => 7,                                                       // PERMISSION_DENIED
        (_, 404 | 405) => 12,                                                // UNIMPLEMENTED
        (_, 408 | 504) => 4,                                                 // DEADLINE_EXCEEDED
        (_, 409) => 10,                                                      // ABORTED
        (_, 502 | 503) => 14,                                                // UNAVAILABLE
        (_, 500) => 13,                                                      // INTERNAL
        _ => 2,                                                              // UNKNOWN
    }
}

/// `grpc-timeout`: up to eight digits and a unit.
pub fn timeout(headers: &HeaderMap) -> Option<std::time::Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos_each: u64 = match unit {
        "H" => 3_600_000_000_000,
        "M" => 60_000_000_000,
        "S" => 1_000_000_000,
        "m" => 1_000_000,
        "u" => 1_000,
        "n" => 1,
        _ => return None,
    };
    let nanos = digits.parse::<u64>().ok()?.saturating_mul(nanos_each);
    Some(std::time::Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn calls_are_known_by_their_content_type() {
        for kind in ["application/grpc", "application/grpc+proto", "Application/gRPC;charset=x"] {
            assert!(is_call(&headers("content-type", kind)), "{kind}");
        }
        for kind in ["application/grpc-web", "application/grpcx", "application/json", "application"] {
            assert!(!is_call(&headers("content-type", kind)), "{kind}");
        }
        assert!(!is_call(&HeaderMap::new()));
    }

    #[test]
    fn every_reason_has_a_status_that_is_no_success() {
        for reject in Reject::ALL {
            assert!((1..=16).contains(&status(reject)), "{reject:?}");
        }
        let expected = [
            (Reject::MissingToken, 16),
            (Reject::InsufficientScope, 7),
            (Reject::NoRoute, 12),
            (Reject::AmbiguousPath, 3),
            (Reject::BodyTooLarge, 8),
            (Reject::UpstreamUnavailable, 14),
            (Reject::NotReady, 14),
            (Reject::UpstreamTimeout, 4),
            (Reject::Internal, 13),
        ];
        for (reject, code) in expected {
            assert_eq!(status(reject), code, "{reject:?}");
        }
    }

    #[test]
    fn timeouts() {
        let read = |text: &str| timeout(&headers("grpc-timeout", text));
        assert_eq!(read("5S"), Some(Duration::from_secs(5)));
        assert_eq!(read("100m"), Some(Duration::from_millis(100)));
        assert_eq!(read("99999999H"), Some(Duration::from_nanos(u64::MAX)));
        for bad in ["", "S", "5", "5s", "123456789S", "-1S", "1.5S"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
