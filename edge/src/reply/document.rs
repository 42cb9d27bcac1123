//! Public documents that the edge itself answers with.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE,
};
use http::{HeaderValue, StatusCode};

use crate::reply::{REQUEST_ID, Reply, preflight};

/// JSON that anyone may read and keep for a minute, pages of any origin too.
pub fn document(json: String, request_id: &HeaderValue) -> Reply {
    let body = Bytes::from(json);
    let headers = vec![
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=60")),
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (CONTENT_LENGTH, HeaderValue::from(body.len())),
        (REQUEST_ID, request_id.clone()),
    ];
    Reply { status: StatusCode::OK, headers, body }
}

/// The leave that a browser asks for before it reads such a document with headers of its own (Fetch §3.2.2).
pub fn document_preflight(request_id: &HeaderValue) -> Reply {
    let told = vec![
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD")),
        (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*")),
        (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")),
    ];
    preflight(told, request_id)
}
