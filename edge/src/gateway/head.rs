//! The request head as it came, given to the canonical form.
//!
//! pingora drops `Content-Length` beside `Transfer-Encoding` and fragments of targets, and accepts bare line feeds, before anyone can
//! object. So for HTTP/1 target and fields are read from the raw bytes of the head, not from what pingora made of them
//! (SECURITY.md E13).

use bytes::Bytes;
use common::canonical::{Ambiguity, CanonicalRequest, Policy, RequestHead, Version, canonical_request};
use memchr::{memchr, memchr_iter};
use pingora::prelude::Session;

/// The bytes of an HTTP/1 head; none for HTTP/2.
pub fn raw(session: &Session) -> Option<Bytes> {
    session.as_http1().map(pingora::protocols::http::v1::server::HttpSession::get_headers_raw_bytes)
}

/// The one form of this request, or why it has none. `raw` is what [`raw`] answered.
pub fn canonical<'s>(
    session: &'s Session,
    raw: Option<&'s [u8]>,
    policy: &Policy,
) -> Result<CanonicalRequest<'s>, Ambiguity> {
    let received = session.req_header();
    let method = received.method.as_str();
    let Some(raw) = raw else {
        let head = RequestHead {
            method,
            target: received.uri.path_and_query().map_or(b"".as_slice(), |path| path.as_str().as_bytes()),
            version: Version::Http2,
            authority: received.uri.authority().map(|authority| authority.as_str().as_bytes()),
        };
        let fields = received.headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
        return canonical_request(head, fields, policy);
    };
    let version = if received.version == http::Version::HTTP_11 { Version::Http11 } else { Version::Http10 };
    let (_, target, fields) = take_apart(raw)?;
    canonical_request(RequestHead { method, target, version, authority: None }, fields, policy)
}

/// The method, the target and the fields of a raw head.
pub fn take_apart(raw: &[u8]) -> Result<(&[u8], &[u8], Fields<'_>), Ambiguity> {
    let ends_in_crlf = |line_feed: usize| line_feed.checked_sub(1).and_then(|at| raw.get(at)) == Some(&b'\r');
    if !memchr_iter(b'\n', raw).all(ends_in_crlf) {
        return Err(Ambiguity::LineBreakInHeader);
    }
    let mut lines = Fields(raw);
    let request_line = loop {
        match lines.line() {
            Some([]) => {} // RFC 9112 §2.2: empty lines before the request line are ignored
            Some(line) => break line,
            None => return Err(Ambiguity::InvalidTarget),
        }
    };
    let mut parts = request_line.split(|byte| *byte == b' ');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(method), Some(target), Some(_), None) => Ok((method, target, lines)),
        _ => Err(Ambiguity::InvalidTarget),
    }
}

/// The field lines that are left. A line without a colon becomes a name that no field may have.
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The next line without its line break.
    fn line(&mut self) -> Option<&'a [u8]> {
        let end = memchr(b'\n', self.0)?;
        let (line, rest) = self.0.split_at_checked(end + 1)?;
        self.0 = rest;
        line.strip_suffix(b"\r\n")
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.line().filter(|line| !line.is_empty())?;
        let colon = memchr(b':', line).unwrap_or(line.len());
        let (name, value) = line.split_at_checked(colon)?;
        Some((name, value.strip_prefix(b":").unwrap_or(value).trim_ascii()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_taken_apart_as_it_came() {
        let raw = b"\r\nGET /a?b HTTP/1.1\r\nHost: x\r\nA:1\r\nB: \t2 \r\n\r\n";
        let (_, target, fields) = take_apart(raw).unwrap();
        assert_eq!(target, b"/a?b");
        let fields: Vec<_> = fields.collect();
        let expected: [(&[u8], &[u8]); 3] = [(b"Host", b"x"), (b"A", b"1"), (b"B", b"2")];
        assert_eq!(fields, expected);
    }

    #[test]
    fn bare_line_feeds_and_odd_request_lines_are_refused() {
        for raw in [
            b"GET / HTTP/1.1\nHost: x\r\n\r\n".as_slice(),
            b"GET / HTTP/1.1\r\nHost: x\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n\n",
            b"GET  / HTTP/1.1\r\n\r\n",
            b"GET /\r\n\r\n",
            b"",
        ] {
            assert!(take_apart(raw).is_err(), "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn a_line_without_colon_is_no_field() {
        let (_, _, fields) = take_apart(b"GET / HTTP/1.1\r\nHost x\r\n\r\n").unwrap();
        let head = RequestHead { method: "GET", target: b"/", version: Version::Http11, authority: None };
        let result = canonical_request(head, fields, &Policy::default());
        assert_eq!(result.map(|_| ()), Err(Ambiguity::InvalidHeaderName));
    }
}
