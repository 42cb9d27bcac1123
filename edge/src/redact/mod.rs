//! What may be told of a request, in samples and in logs, and what may not: a secret is replaced before anything leaves the request.
//!
//! Three things are asked of every text. By its name: the values of headers and arguments whose names say that they are secret, and of all cookies. By its form:
//! tokens (JWT), credentials behind the name of a scheme, the password in a URL, wherever they stand. By the operator's word: whatever a web ACL's
//! `RedactedFields` and `DataProtectionConfig` name. Bodies are never told, so nothing here knows them. It rather hides too much than too little.

mod names;
mod text;

use std::borrow::Cow;

use common::waf::model::Redacted;
use http::HeaderMap;

pub use self::names::is_secret_header;
pub use self::text::cut;

/// What stands in the place of a secret (AWS's word).
pub const REDACTED: &str = "REDACTED";

/// How much is told at most.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Header fields.
    pub fields: usize,
    /// Bytes of one value, of the path and of the query.
    pub value: usize,
    /// Bytes of all headers.
    pub headers: usize,
}

impl Bounds {
    /// Of one short value.
    pub const ONE: Self = Self { fields: 1, value: 1_024, headers: 1_024 };
}

/// The method, or not.
pub fn method(method: &str, redacted: &Redacted) -> String {
    if redacted.method { REDACTED.to_owned() } else { cut(method, 64).into_owned() }
}

/// The path without what could be secret in it.
pub fn path(path: &str, redacted: &Redacted, bounds: Bounds) -> String {
    if redacted.path {
        return REDACTED.to_owned();
    }
    cut(&text::scrubbed(path, &redacted.arguments), bounds.value).into_owned()
}

/// The query, each argument looked at by its name and by its value.
pub fn query(query: &str, redacted: &Redacted, bounds: Bounds) -> String {
    if redacted.query && !query.is_empty() {
        return REDACTED.to_owned();
    }
    cut(&text::query(query, &redacted.arguments), bounds.value).into_owned()
}

/// The fields in their order, names in lower case.
pub fn headers(headers: &HeaderMap, redacted: &Redacted, bounds: Bounds) -> Vec<(String, String)> {
    let mut told = Vec::new();
    let mut bytes = 0;
    for (name, value) in headers.iter().take(bounds.fields) {
        let value = header(name.as_str(), value.as_bytes(), redacted);
        let (name, value) = (cut(name.as_str(), 256), cut(&value, bounds.value));
        bytes += name.len() + value.len();
        if bytes > bounds.headers {
            break;
        }
        told.push((name.into_owned(), value.into_owned()));
    }
    told
}

/// One field's value.
pub fn header<'v>(name: &str, value: &'v [u8], redacted: &Redacted) -> Cow<'v, str> {
    let is_named = redacted.headers.iter().any(|one| one.eq_ignore_ascii_case(name));
    if name.eq_ignore_ascii_case("cookie") && !is_named {
        return text::cookies(value).into();
    }
    if is_named || is_secret_header(name) {
        return REDACTED.into();
    }
    match String::from_utf8_lossy(value) {
        Cow::Borrowed(value) => text::scrubbed(value, &redacted.arguments),
        Cow::Owned(value) => text::scrubbed(&value, &redacted.arguments).into_owned().into(),
    }
}

/// A text that is about to be told and is not one of the above: a part of a rate's key, or what a detector has matched.
pub fn value(text: &str, redacted: &Redacted) -> String {
    cut(&text::scrubbed(text, &redacted.arguments), 256).into_owned()
}

#[cfg(test)]
mod tests;
