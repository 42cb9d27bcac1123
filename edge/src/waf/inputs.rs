//! What a client tells the program behind the edge: every name and every value of the query, the body, the cookies, the path, the headers, each by itself and
//! decoded once, as the program gets them.
//!
//! A pattern over a whole body can't tell a quote of JSON from one that somebody typed, and AWS's fields need one statement for each place; with this
//! one, which AWS does not have, a rule is written once. A body is taken apart by its content type, and by its looks where that says nothing. What can't
//! be made sense of is one value as it stands, so that nothing hides in a fault.

use std::borrow::Cow;
use std::collections::HashSet;

use common::waf::Transform;
use common::waf::model::{JsonPaths, Place, Scope};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::waf::part::{Values, each_cookie};
use crate::waf::request::{Body, Request};
use crate::waf::{json, multipart, xml};

/// Bytes of a value that is compared with those before it.
const MAX_COMPARED: usize = 32;

type Found<'r> = Vec<Cow<'r, [u8]>>;

pub fn inputs<'r>(request: &Request<'r>) -> Values<'r> {
    let mut inputs = Inputs { found: Vec::new(), places: Vec::new() };
    let mut oversize = false;
    inputs.add(Place::Query, |found| pairs(request.query.unwrap_or_default().as_bytes(), found));
    if let Body::Read { bytes, more } = request.body {
        inputs.add(Place::Body, |found| body(bytes, request.headers, found));
        oversize = more;
    }
    inputs.add(Place::Cookies, |found| {
        for (name, value) in each_cookie(request.headers) {
            found.extend([decoded(name), decoded(value)]);
        }
    });
    inputs.add(Place::Path, |found| found.push(decoded(request.path.as_bytes())));
    inputs.add(Place::Headers, |found| headers(request.headers, found));
    Values { values: inputs.found, places: inputs.places, oversize, ..Values::default() }
}

struct Inputs<'r> {
    found: Found<'r>,
    places: Vec<Place>,
}

impl<'r> Inputs<'r> {
    /// Adds what is found in a place, each value once: the items of lists have the same keys.
    fn add(&mut self, place: Place, find: impl FnOnce(&mut Found<'r>)) {
        let mut found = Vec::new();
        find(&mut found);
        let mut seen: HashSet<Cow<'r, [u8]>, foldhash::fast::RandomState> = HashSet::default();
        for value in found {
            let is_borrowed = matches!(value, Cow::Borrowed(_));
            if !value.is_empty() && (value.len() > MAX_COMPARED || !is_borrowed || seen.insert(value.clone())) {
                self.found.push(value);
                self.places.push(place);
            }
        }
    }
}

/// Fields that the edge or the origin's server reads, not its program, and tokens, which are random text.
const NOT_INPUT: [&str; 28] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "date",
    "dpop",
    "expect",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "priority",
    "proxy-authorization",
    "sec-ch-ua",
    "sec-ch-ua-platform",
    "te",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "via",
    "x-amz-security-token",
];

fn headers<'r>(headers: &'r HeaderMap, found: &mut Found<'r>) {
    let taken = headers.iter().filter(|(name, _)| NOT_INPUT.binary_search(&name.as_str()).is_err());
    found.extend(taken.map(|(_, value)| Cow::Borrowed(value.as_bytes())));
}

/// Names and values of a form (and of a query, which has the same syntax).
fn pairs<'r>(text: &'r [u8], found: &mut Found<'r>) {
    for piece in text.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
        match memchr::memchr(b'=', piece) {
            Some(at) => {
                found.push(decoded(piece.get(..at).unwrap_or_default()));
                found.push(decoded(piece.get(at + 1..).unwrap_or_default()));
            }
            None => found.push(decoded(piece)),
        }
    }
}

fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    Transform::UrlDecodeUni.apply(text)
}

/// How a body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Form,
    Multipart,
    Json,
    Xml,
    /// One value.
    Text,
    /// Pictures, archives, and whatever else nobody reads as text.
    Binary,
}

fn body<'r>(bytes: &'r [u8], headers: &HeaderMap, found: &mut Found<'r>) {
    let content_type = headers.get(CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
    match kind(content_type, bytes) {
        Kind::Form => pairs(bytes, found),
        Kind::Multipart => multipart::values(bytes, content_type, found),
        Kind::Xml => xml::values(bytes, found),
        Kind::Text => found.push(Cow::Borrowed(bytes)),
        Kind::Binary if bytes.contains(&0) => {}
        Kind::Binary => found.push(Cow::Borrowed(bytes)),
        Kind::Json => {
            let read = json::values(bytes, &JsonPaths::All, Scope::All);
            found.extend(read.values);
            found.push(Cow::Borrowed(read.rest));
        }
    }
}

fn kind(content_type: &[u8], bytes: &[u8]) -> Kind {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
    let is = |text: &str| essence == text.as_bytes();
    let begins = |text: &str| essence.starts_with(text.as_bytes());
    let ends = |text: &str| essence.ends_with(text.as_bytes());
    if is("application/x-www-form-urlencoded") {
        Kind::Form
    } else if begins("multipart/") {
        Kind::Multipart
    } else if ends("/json")
        || ends("+json")
        || begins("application/x-amz-json")
        || ends("/csp-report")
        || ends("/graphql+json")
    {
        Kind::Json
    } else if ends("/xml") || ends("+xml") {
        Kind::Xml
    } else {
        match bytes.trim_ascii_start() {
            [b'{' | b'[', ..] => Kind::Json,
            [b'<', b'?' | b'!', ..] => Kind::Xml,
            _ if begins("image/")
                || begins("video/")
                || begins("audio/")
                || begins("font/")
                || begins("application/") =>
            {
                Kind::Binary
            }
            _ => Kind::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::waf::request::Clearance;

    /// Values with the first letters of their places.
    fn of(path: &str, query: Option<&str>, fields: &[(&'static str, &'static str)], body: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let body = if body.is_empty() { Body::None } else { Body::Read { bytes: body.as_bytes(), more: false } };
        let (client, ja3, ja4, token) = (None, None, None, None);
        let (headers, clearance) = (&headers, Clearance::default());
        let request = Request { method: "POST", path, query, headers, body, client, ja3, ja4, token, clearance };
        let Values { values, places, .. } = inputs(&request);
        let shown = |(value, place): (Cow<'_, [u8]>, Place)| {
            format!("{}:{}", &format!("{place:?}")[..1], String::from_utf8_lossy(&value))
        };
        values.into_iter().zip(places).map(shown).collect()
    }

    #[test]
    fn names_and_values_of_every_place_decoded_once() {
        let fields = [("cookie", "c=%41; d"), ("user-agent", "x%20y"), ("accept", "*/*")];
        assert_eq!(
            of("/a%20b", Some("q=1+2%2527&r&&=3"), &fields, ""),
            ["Q:q", "Q:1 2%27", "Q:r", "Q:3", "C:c", "C:A", "C:d", "P:/a b", "H:x%20y"]
        );
    }

    #[test]
    fn bodies_by_their_types() {
        let body = |kind: &'static str, text: &str| {
            let all = of("/", None, &[("content-type", kind)], text);
            all.into_iter().filter_map(|one| one.strip_prefix("B:").map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(body("application/x-www-form-urlencoded", "a=%3Cb&c=d+e"), ["a", "<b", "c", "d e"]);
        assert_eq!(body("application/json", r#"[{"k":"v\u0027"},{"k":1}]"#), ["k", "v'", "1"]);
        assert_eq!(body("application/json", r#"{"k":"v" !broken' or 1=1"#), ["k", "v", "!broken' or 1=1"]);
        assert_eq!(body("text/plain", r#" {"k":"v"}"#), ["k", "v"], "by its looks");
        assert_eq!(body("text/xml; charset=utf-8", "<a b='&lt;'>c</a>"), ["<", "c"]);
        assert_eq!(
            body(
                "multipart/form-data; boundary=x",
                "--x\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\nv\r\n--x--"
            ),
            ["n", "v"]
        );
        assert_eq!(body("text/plain", "a=b"), ["a=b"]);
        assert_eq!(body("image/png", "\u{0}PNG"), Vec::<String>::new());
        assert_eq!(body("image/png", "a=<script>"), ["a=<script>"], "what a type says is no proof");
    }

    #[test]
    fn names_of_headers_are_sorted_for_the_search() {
        assert!(NOT_INPUT.is_sorted());
    }
}
