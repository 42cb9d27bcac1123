//! The request head as it came, given to the canonical form.
//!
//! pingora drops `Content-Length` beside `Transfer-Encoding` and accepts bare line feeds before anyone can object, so for HTTP/1 the
//! fields are read from the raw bytes of the head, not from the parsed header map (SECURITY.md E13).

use common::canonical::{Ambiguity, CanonicalRequest, Policy, RequestHead, Version, canonical_request};
use pingora::http::RequestHeader;
use pingora::prelude::Session;

/// The one form of this request, or why it has none.
pub fn canonical<'s>(session: &'s Session, policy: &Policy) -> Result<CanonicalRequest<'s>, Ambiguity> {
    let received = session.req_header();
    let version = match received.version {
        http::Version::HTTP_2 => Version::Http2,
        http::Version::HTTP_11 => Version::Http11,
        _ => Version::Http10,
    };
    let head = RequestHead {
        method: received.method.as_str(),
        target: target(received, version),
        version,
        authority: received.uri.authority().map(|authority| authority.as_str().as_bytes()),
    };
    match session.as_http1() {
        Some(http1) => {
            let fields = fields_of(http1.raw_head().ok_or(Ambiguity::InvalidTarget)?)?;
            canonical_request(head, fields, policy)
        }
        None => canonical_request(head, received.headers.iter().map(|(n, v)| (n.as_str().as_bytes(), v.as_bytes())), policy),
    }
}

/// HTTP/2's `:path` without the authority that the URI carries.
fn target(received: &RequestHeader, version: Version) -> &[u8] {
    match (version, received.uri.path_and_query()) {
        (Version::Http2, Some(path)) => path.as_str().as_bytes(),
        _ => received.raw_path(),
    }
}
