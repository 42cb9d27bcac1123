//! CORS: any origin, no credentials (DESIGN §3 "Surfaces"), for what no cookie authenticates. Pages stand outside.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// Beside any `x-amz-*` and `amz-sdk-*` header.
const ALLOWED: [&str; 6] = ["accept", "authorization", "cache-control", "content-type", "dpop", "x-requested-with"];

/// What a page may read beside the body.
const EXPOSED: &str = "x-amzn-RequestId, x-amzn-ErrorType, x-amzn-ErrorMessage, Date, DPoP-Nonce, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate";

pub async fn preflight(request: HeaderMap) -> Response {
    let asked = request.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let allowed: Vec<&str> = asked.split(',').map(str::trim).filter(|name| is_allowed(name)).collect();
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, GET, OPTIONS"));
    if let Ok(value) = HeaderValue::from_str(&allowed.join(", ")) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, value);
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    allow(response).await
}

/// Adds to every answer what lets a page read it.
pub async fn allow(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    response
}

fn is_allowed(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ALLOWED.contains(&name.as_str()) || name.starts_with("x-amz-") || name.starts_with("amz-sdk-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_known_headers_are_allowed() {
        let mut request = HeaderMap::new();
        let asked = "content-type, X-Amz-Target,x-evil, x-amz-user-agent, cache-control, DPoP";
        request.insert(ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static(asked));
        let response = preflight(request).await;
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let got = response.headers()[ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
        assert_eq!(got, "content-type, X-Amz-Target, x-amz-user-agent, cache-control, DPoP");
    }
}
