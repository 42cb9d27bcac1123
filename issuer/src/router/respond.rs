//! Answers in AWS JSON's form.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use cognito_model::{Exception, Fault};

const AMZ_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const ERROR_MESSAGE: HeaderName = HeaderName::from_static("x-amzn-errormessage");

/// A success; operations without output have an empty body.
pub fn success(request_id: &str, body: Vec<u8>) -> Response {
    with_id(StatusCode::OK, request_id, body)
}

/// An exception with the headers that SDKs look at (COGNITO.md §1.1).
pub fn fault(request_id: &str, fault: &Fault) -> Response {
    let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = with_id(status, request_id, fault.body());
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&format!("{}:", fault.exception.name())) {
        headers.insert(ERROR_TYPE, kind);
    }
    // Header values are visible ASCII; a message with more goes in the body alone.
    if let Some(text) = HeaderValue::from_str(&fault.message).ok().filter(|_| fault.message.is_ascii()) {
        headers.insert(ERROR_MESSAGE, text);
    }
    if let Some(wait) = fault.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    response
}

pub async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "application/json")], r#"{"message":"Not Found"}"#).into_response()
}

pub async fn method_not_allowed() -> Response {
    let fault = Fault::new(Exception::UnknownOperation, "Operations are called with POST.");
    let mut response = self::fault("", &fault);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(axum::http::header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    response
}

fn with_id(status: StatusCode, request_id: &str, body: Vec<u8>) -> Response {
    let mut response = (status, Body::from(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, AMZ_JSON);
    headers.insert(axum::http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}
