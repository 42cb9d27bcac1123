//! What may be told of a request, in samples and in logs, and what may not: a secret is replaced before anything leaves the request.
//!
//! Three things are asked of every text. By its name: the values of headers and arguments whose names say that they are secret, and of all cookies. By its form:
//! tokens (JWT), credentials behind the name of a scheme, the password in a URL, wherever they stand. By the operator's word: whatever a web ACL's
//! `RedactedFields` and `DataProtectionConfig` name. Bodies are never told, so nothing here knows them. It rather hides too much than too little.
//!
//! Whoever sends a request chooses these texts. So each is looked at in one pass, and of a long one only the beginning.

mod names;
mod text;

use common::waf::model::Redacted;
use http::HeaderMap;

pub use self::names::is_secret_header;
pub use self::text::cut;

/// What stands in the place of a secret (AWS's word).
pub const REDACTED: &str = "REDACTED";

/// How many times as much as is told of a text is looked at: what is hidden is often longer than the word in its place.
const LOOKED_AT: usize = 4;

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
    scrubbed(path, redacted, bounds.value)
}

/// The query, each argument looked at by its name and by its value.
pub fn query(query: &str, redacted: &Redacted, bounds: Bounds) -> String {
    if redacted.query && !query.is_empty() {
        return REDACTED.to_owned();
    }
    let (whole, is_all) = text::beginning(query, LOOKED_AT * bounds.value, &['&']);
    told(text::query(whole, &redacted.arguments), is_all, bounds.value)
}

/// The fields in their order, names in lower case.
pub fn headers(headers: &HeaderMap, redacted: &Redacted, bounds: Bounds) -> Vec<(String, String)> {
    let mut told = Vec::new();
    let mut bytes = 0;
    for (name, value) in headers.iter().take(bounds.fields) {
        let value = field(name.as_str(), value.as_bytes(), redacted, bounds.value);
        let name = cut(name.as_str(), 256);
        bytes += name.len() + value.len();
        if bytes > bounds.headers {
            break;
        }
        told.push((name.into_owned(), value));
    }
    told
}

/// One field's value.
pub fn header(name: &str, value: &[u8], redacted: &Redacted) -> String {
    field(name, value, redacted, Bounds::ONE.value)
}

/// A text that is about to be told and is not one of the above: a part of a rate's key, or what a detector has matched.
pub fn value(text: &str, redacted: &Redacted) -> String {
    scrubbed(text, redacted, 256)
}

fn field(name: &str, value: &[u8], redacted: &Redacted, most: usize) -> String {
    let is_named = redacted.headers.iter().any(|one| one.eq_ignore_ascii_case(name));
    let is_cookie = name.eq_ignore_ascii_case("cookie");
    if is_named || !is_cookie && is_secret_header(name) {
        return REDACTED.to_owned();
    }
    // One byte more, so that who looks at it sees that there is more.
    let value = value.get(..=LOOKED_AT * most).unwrap_or(value);
    if is_cookie {
        // Half a cookie has its name before `=`, or is hidden whole.
        return cut(&text::cookies(value), most).into_owned();
    }
    scrubbed(&String::from_utf8_lossy(value), redacted, most)
}

fn scrubbed(text: &str, redacted: &Redacted, most: usize) -> String {
    let (whole, is_all) = text::beginning(text, LOOKED_AT * most, &text::ENDS_AUTHORITY);
    told(text::scrubbed(whole, &redacted.arguments).into_owned(), is_all, most)
}

/// As much of it as may be told, with a word for the rest that nobody has looked at.
fn told(mut text: String, is_all: bool, most: usize) -> String {
    if !is_all {
        text.push_str(if text.ends_with(REDACTED) { "…" } else { "REDACTED…" });
    }
    cut(&text, most).into_owned()
}

#[cfg(test)]
mod tests;
