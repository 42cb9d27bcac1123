//! Parts of a request as the values that rules compare.

use std::borrow::Cow;

use common::verify::ClaimPath;
use common::waf::model::{
    BodyFallback, CookieFilter, Fallback, Field, HeaderFilter, JsonPaths, NameFilter, Oversize, Place, PreParse, Scope,
};
use http::HeaderMap;
use http::header::COOKIE;

use crate::waf::inputs;
use crate::waf::json;
use crate::waf::query;
use crate::waf::request::{Body, Request};

/// Bytes and numbers of headers, and of cookies, that are inspected (as in AWS WAF).
const NAMED_BYTES: usize = 8 * 1024;
const NAMED_COUNT: usize = 200;

/// A part, without what only says what becomes of one that can't be inspected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    SingleHeader(String),
    Headers(NameFilter, Scope),
    HeaderOrder,
    Cookies(NameFilter, Scope),
    SingleQueryArgument(String, Vec<PreParse>),
    AllQueryArguments(Vec<PreParse>),
    QueryString,
    UriPath,
    Method,
    Body,
    /// `or_text`: a body that is no JSON is one value, as it is.
    JsonBody {
        paths: JsonPaths,
        scope: Scope,
        or_text: bool,
    },
    Ja3,
    Ja4,
    Claim(ClaimPath),
    /// In all places; a question says which it is about.
    Inputs,
    /// What an edge never sees.
    Nothing,
}

/// What a statement says of a part that is not there, or not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handling {
    pub missing: Fallback,
    pub oversize: Oversize,
    pub invalid: Invalid,
    /// Of inputs.
    pub places: Places,
}

/// Some of the places of inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places(u8);

/// What a statement says of a body that is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// Goes by what there is.
    Inspect,
    Match,
    NoMatch,
}

/// The values of a part.
#[derive(Debug, Default)]
pub struct Values<'r> {
    pub values: Vec<Cow<'r, [u8]>>,
    /// There is no such part.
    pub missing: bool,
    /// There is more than can be inspected.
    pub oversize: bool,
    /// The body is no JSON; what could be read of it is in `values`.
    pub invalid: bool,
    /// Where each value stood, for inputs; empty for all others.
    pub places: Vec<Place>,
}

impl Places {
    pub const ALL: Self = Self(u8::MAX);

    fn of(places: &[Place]) -> Self {
        Self(places.iter().fold(0, |mask, place| mask | Self::bit(*place)))
    }

    pub fn has(self, place: Place) -> bool {
        self.0 & Self::bit(place) != 0
    }

    fn bit(place: Place) -> u8 {
        1 << place as u8
    }
}

impl Part {
    /// A part and its handling. A claim's path was checked when the rule was read; one that is none names nothing.
    pub fn of(field: &Field, pre: &[PreParse]) -> (Self, Handling) {
        let plain = Handling {
            missing: Fallback::NoMatch,
            oversize: Oversize::Continue,
            invalid: Invalid::Inspect,
            places: Places::ALL,
        };
        let missing = |fallback: Fallback| Handling { missing: fallback, ..plain };
        let oversize = |oversize: Oversize| Handling { oversize, ..plain };
        match field {
            Field::SingleHeader(name) => (Self::SingleHeader(name.clone()), plain),
            Field::Headers(HeaderFilter { names, scope, oversize: more }) => {
                (Self::Headers(names.clone(), *scope), oversize(*more))
            }
            Field::HeaderOrder(more) => (Self::HeaderOrder, oversize(*more)),
            Field::Cookies(CookieFilter { names, scope, oversize: more }) => {
                (Self::Cookies(names.clone(), *scope), oversize(*more))
            }
            Field::SingleQueryArgument(name) => (Self::SingleQueryArgument(name.clone(), pre.to_vec()), plain),
            Field::AllQueryArguments => (Self::AllQueryArguments(pre.to_vec()), plain),
            Field::QueryString => (Self::QueryString, plain),
            Field::UriPath => (Self::UriPath, plain),
            Field::UriFragment(fallback) => (Self::Nothing, missing(*fallback)),
            Field::Method => (Self::Method, plain),
            Field::Body(more) => (Self::Body, oversize(*more)),
            Field::JsonBody { paths, scope, invalid, oversize } => {
                let (invalid, or_text) = match invalid {
                    BodyFallback::UpToError => (Invalid::Inspect, false),
                    BodyFallback::AsString => (Invalid::Inspect, true),
                    BodyFallback::Match => (Invalid::Match, false),
                    BodyFallback::NoMatch => (Invalid::NoMatch, false),
                };
                let part = Self::JsonBody { paths: paths.clone(), scope: *scope, or_text };
                (part, Handling { oversize: *oversize, invalid, ..plain })
            }
            Field::Ja3(fallback) => (Self::Ja3, missing(*fallback)),
            Field::Ja4(fallback) => (Self::Ja4, missing(*fallback)),
            Field::Inputs { places, oversize: more } => {
                (Self::Inputs, Handling { places: Places::of(places), ..oversize(*more) })
            }
            Field::Claim(path) => (ClaimPath::parse(path).map_or(Self::Nothing, Self::Claim), plain),
        }
    }

    /// As AWS names it, with what is named in it.
    pub fn describe(&self) -> String {
        match self {
            Self::SingleHeader(name) => format!("SingleHeader {name}"),
            Self::Headers(..) => "Headers".to_owned(),
            Self::HeaderOrder => "HeaderOrder".to_owned(),
            Self::Cookies(..) => "Cookies".to_owned(),
            Self::SingleQueryArgument(name, _) => format!("SingleQueryArgument {name}"),
            Self::AllQueryArguments(_) => "AllQueryArguments".to_owned(),
            Self::QueryString => "QueryString".to_owned(),
            Self::UriPath => "UriPath".to_owned(),
            Self::Method => "Method".to_owned(),
            Self::Body => "Body".to_owned(),
            Self::JsonBody { .. } => "JsonBody".to_owned(),
            Self::Ja3 => "JA3Fingerprint".to_owned(),
            Self::Ja4 => "JA4Fingerprint".to_owned(),
            Self::Claim(path) => format!("Claim {path}"),
            Self::Inputs => "Inputs".to_owned(),
            Self::Nothing => "UriFragment".to_owned(),
        }
    }

    pub fn reads_body(&self) -> bool {
        matches!(self, Self::Body | Self::JsonBody { .. } | Self::Inputs)
    }

    pub fn reads_fingerprint(&self) -> bool {
        matches!(self, Self::Ja3 | Self::Ja4)
    }

    pub fn reads_claims(&self) -> bool {
        matches!(self, Self::Claim(_))
    }

    pub fn extract<'r>(&self, request: &Request<'r>) -> Values<'r> {
        match self {
            Self::SingleHeader(name) => Values::of(request.headers.get_all(name.as_str()).iter().map(|v| v.as_bytes())),
            Self::Headers(names, scope) => headers(request.headers, names, *scope),
            Self::HeaderOrder => header_order(request.headers),
            Self::Cookies(names, scope) => cookies(request.headers, names, *scope),
            Self::SingleQueryArgument(name, pre) => {
                let arguments = query::arguments(request.query.unwrap_or_default(), pre);
                let named = arguments.into_iter().filter(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()));
                Values::owned(named.map(|(_, value)| value).collect())
            }
            Self::AllQueryArguments(pre) => {
                let arguments = query::arguments(request.query.unwrap_or_default(), pre);
                Values::owned(arguments.into_iter().map(|(_, value)| value).collect())
            }
            Self::QueryString => Values::of(request.query.iter().map(|query| query.as_bytes())),
            Self::UriPath => Values::of([request.path.as_bytes()]),
            Self::Method => Values::of([request.method.as_bytes()]),
            Self::Ja3 => Values::of(request.ja3.iter().map(|text| text.as_bytes())),
            Self::Ja4 => Values::of(request.ja4.iter().map(|text| text.as_bytes())),
            Self::Nothing => Values::missing(),
            Self::Body => match request.body {
                Body::Read { bytes, more } => Values { oversize: more, ..Values::of([bytes]) },
                Body::Unread | Body::None => Values::missing(),
            },
            Self::JsonBody { paths, scope, or_text } => match request.body {
                Body::Read { bytes, more } => {
                    let read = json::values(bytes, paths, *scope);
                    let values = if *or_text && !read.complete { vec![Cow::Borrowed(bytes)] } else { read.values };
                    Values { values, oversize: more, invalid: !read.complete, ..Values::default() }
                }
                Body::Unread | Body::None => Values::missing(),
            },
            Self::Inputs => inputs::inputs(request),
            Self::Claim(path) => {
                let values = request.token.map(|token| token.claim_values(path)).unwrap_or_default();
                Values::owned(values.into_iter().map(|text| Cow::Owned(text.into_bytes())).collect())
            }
        }
    }
}

impl<'r> Values<'r> {
    fn of(values: impl IntoIterator<Item = &'r [u8]>) -> Self {
        Self::owned(values.into_iter().map(Cow::Borrowed).collect())
    }

    fn owned(values: Vec<Cow<'r, [u8]>>) -> Self {
        Self { missing: values.is_empty(), values, ..Self::default() }
    }

    fn missing() -> Self {
        Self { missing: true, ..Self::default() }
    }
}

/// Takes named values until the bounds are met.
struct Named<'r> {
    found: Values<'r>,
    scope: Scope,
    bytes: usize,
    count: usize,
}

impl<'r> Named<'r> {
    fn new(scope: Scope) -> Self {
        Self { found: Values::default(), scope, bytes: 0, count: 0 }
    }

    /// Counts one, taken or not; false where the bounds are met.
    fn is_within(&mut self, bytes: usize) -> bool {
        self.count += 1;
        self.bytes += bytes;
        self.found.oversize |= self.count > NAMED_COUNT || self.bytes > NAMED_BYTES;
        !self.found.oversize
    }

    /// What still fits of one that does not fit whole.
    fn left(&self, bytes: usize) -> usize {
        if self.count > NAMED_COUNT { 0 } else { (NAMED_BYTES + bytes).saturating_sub(self.bytes).min(bytes) }
    }

    fn take(&mut self, name: &'r [u8], value: &'r [u8]) {
        if self.scope != Scope::Value {
            self.found.values.push(Cow::Borrowed(name));
        }
        if self.scope != Scope::Key {
            self.found.values.push(Cow::Borrowed(value));
        }
    }

    fn finish(mut self) -> Values<'r> {
        self.found.missing = self.found.values.is_empty();
        self.found
    }
}

fn headers<'r>(headers: &'r HeaderMap, names: &NameFilter, scope: Scope) -> Values<'r> {
    let mut named = Named::new(scope);
    for (name, value) in headers {
        let (name, value) = (name.as_str(), value.as_bytes());
        let whole = named.is_within(name.len() + value.len());
        if names.takes(name) {
            let value = if whole { value } else { value.get(..named.left(value.len())).unwrap_or_default() };
            named.take(name.as_bytes(), value);
        }
        if !whole {
            break;
        }
    }
    named.finish()
}

fn header_order(headers: &HeaderMap) -> Values<'_> {
    let mut order = Vec::new();
    let mut oversize = false;
    for (at, name) in headers.keys().enumerate() {
        oversize |= at >= NAMED_COUNT || order.len() + name.as_str().len() > NAMED_BYTES;
        if oversize {
            break;
        }
        if at > 0 {
            order.push(b':');
        }
        order.extend_from_slice(name.as_str().as_bytes());
    }
    Values { oversize, ..Values::owned(vec![Cow::Owned(order)]) }
}

fn cookies<'r>(headers: &'r HeaderMap, names: &NameFilter, scope: Scope) -> Values<'r> {
    let mut named = Named::new(scope);
    for (name, value) in each_cookie(headers) {
        let whole = named.is_within(name.len() + value.len());
        if std::str::from_utf8(name)
            .map_or(matches!(names, NameFilter::All | NameFilter::Except(_)), |name| names.takes(name))
        {
            let value = if whole { value } else { value.get(..named.left(value.len())).unwrap_or_default() };
            named.take(name, value);
        }
        if !whole {
            break;
        }
    }
    named.finish()
}

/// Names and values as they stand (RFC 6265 §4.2.1); a piece without `=` is a value without a name.
pub fn each_cookie(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    let pieces = headers.get_all(COOKIE).into_iter().flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    pieces.map(<[u8]>::trim_ascii).filter(|piece| !piece.is_empty()).map(|piece| match memchr::memchr(b'=', piece) {
        Some(at) => (piece.get(..at).unwrap_or_default(), piece.get(at + 1..).unwrap_or_default()),
        None => (&[][..], piece),
    })
}
