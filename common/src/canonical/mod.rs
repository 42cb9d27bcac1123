//! The canonical request: what the rules judge is what the origin receives (DESIGN §5, SECURITY.md E11–E15).
//!
//! Gateways are bypassed when they and the origin read one request in two ways: `/admin%2F..`, `//admin`, `/x/..;/admin`,
//! two `Host` fields, `Content-Length` beside `Transfer-Encoding`. This module therefore turns the head of a request into **one**
//! form, or refuses it with the reason. It repairs only what every reader of RFC 3986 §6.2.2 repairs alike: the case of host and
//! hex digits, escapes of unreserved characters, and seven characters that browsers send unescaped. Everything else that has two
//! readings is an [`Ambiguity`].
//!
//! What follows for the caller:
//! * Judge by [`CanonicalRequest::path`]'s [`decoded`](CanonicalPath::decoded) form: it is what an origin sees after decoding
//!   once. Parse the paths that rules name with [`CanonicalPath::parse`] too.
//! * Forward [`CanonicalRequest::target`] and [`Host::header_value`], never the raw ones.
//! * After any refusal close the connection: its framing can't be trusted (E13).
//! * When [`CanonicalRequest::identity_headers`] says so, strip the headers, and from every trailer section, the names for which
//!   [`IdentityHeaders::is_alias`] holds.
//!
//! Pure: no I/O, no clock, no HTTP framework. A head that is canonical already is borrowed, not copied.

mod ambiguity;
mod chunked;
mod fields;
mod host;
mod identity;
mod path;
mod target;
mod url;

use std::borrow::Cow;

pub use crate::canonical::ambiguity::Ambiguity;
pub use crate::canonical::chunked::{ChunkedBody, InvalidChunk};
pub use crate::canonical::host::Host;
pub use crate::canonical::identity::{IdentityHeaders, InvalidIdentityHeader};
pub use crate::canonical::path::CanonicalPath;
pub use crate::canonical::url::{Url, UrlScheme};

use crate::canonical::fields::Fields;
use crate::canonical::target::Target;

/// The protocol a request came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Http10,
    Http11,
    Http2,
}

/// The request line, or HTTP/2's pseudo-headers, as received.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// `:method`.
    pub method: &'a str,
    /// The request-target, with absolute form and query as they came; in HTTP/2 `:path`.
    pub target: &'a [u8],
    pub version: Version,
    /// `:authority`; absent in HTTP/1.
    pub authority: Option<&'a [u8]>,
}

/// Bounds on a head, in bytes and counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The whole request-target. Default 8192 (RFC 9112 §3 asks for at least 8000).
    pub max_target_bytes: usize,
    /// Header fields, repeated ones counted each. Default 100.
    pub max_headers: usize,
    /// Names and values together, plus 4 a field for `": "` and CRLF. Default 32768.
    pub max_header_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_target_bytes: 8 * 1024, max_headers: 100, max_header_bytes: 32 * 1024 }
    }
}

/// What to do with a header whose name an origin could take for an identity header, such as `x_user_id`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AliasAction {
    /// Report it; the caller strips it like the header itself.
    #[default]
    Strip,
    /// Refuse the request.
    Refuse,
}

/// What a listener demands of a request head.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    pub limits: Limits,
    /// The headers that the edge sets from verified facts.
    pub identity: IdentityHeaders,
    pub aliases: AliasAction,
}

/// How the body is delimited: one way, or the request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// HTTP/1 without `Content-Length` and `Transfer-Encoding`: there is no body (RFC 9112 §6.3).
    NoBody,
    /// `Content-Length`, in bytes.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// HTTP/2 without a length: DATA frames up to END_STREAM.
    Stream,
}

/// A request head with one reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalRequest<'a> {
    /// A token without lower-case letters; never CONNECT, TRACE or TRACK.
    pub method: &'a str,
    pub host: Host<'a>,
    pub path: CanonicalPath<'a>,
    /// Without `?`; `Some("")` for a target that ends in `?`. Visible ASCII, every `%` starts an escape. Not re-encoded.
    pub query: Option<&'a str>,
    pub framing: Framing,
    /// Whether a field came whose name is, or could be taken for, an identity header: strip it.
    pub identity_headers: bool,
}

impl CanonicalRequest<'_> {
    /// Whether `written` is [`CanonicalRequest::target`].
    pub fn is_target(&self, written: &[u8]) -> bool {
        match (written.strip_prefix(self.path.as_str().as_bytes()), self.query) {
            (Some([]), None) => true,
            (Some([b'?', rest @ ..]), Some(query)) => rest == query.as_bytes(),
            _ => false,
        }
    }

    /// The origin-form request-target to send upstream.
    pub fn target(&self) -> Cow<'_, str> {
        match self.query {
            None => Cow::Borrowed(self.path.as_str()),
            Some(query) => Cow::Owned(format!("{}?{query}", self.path.as_str())),
        }
    }
}

/// Gives the request its one form, or says why it has none.
///
/// `headers` are all fields in the order received, repeated ones apart, without pseudo-headers; values without the line ending.
pub fn canonical_request<'a, H>(
    head: RequestHead<'a>,
    headers: H,
    policy: &Policy,
) -> Result<CanonicalRequest<'a>, Ambiguity>
where
    H: IntoIterator<Item = (&'a [u8], &'a [u8])>,
{
    check_method(head.method)?;
    if head.target.len() > policy.limits.max_target_bytes {
        return Err(Ambiguity::TargetTooLong);
    }
    let target = Target::parse(head.target, head.version)?;
    let fields = Fields::scan(headers, head.version, policy)?;
    Ok(CanonicalRequest {
        method: head.method,
        host: one_host(&head, &target, &fields)?,
        path: CanonicalPath::parse(target.path)?,
        query: target.query,
        framing: fields.framing(head.version)?,
        identity_headers: fields.identity_headers,
    })
}

/// A method is case-sensitive (RFC 9110 §9.1), but some origins fold its case, so that `get` would have two readings.
/// CONNECT opens a tunnel and TRACE echoes credentials: neither passes an edge (E15).
fn check_method(method: &str) -> Result<(), Ambiguity> {
    const MAX_METHOD_BYTES: usize = 32;
    let valid = (1..=MAX_METHOD_BYTES).contains(&method.len())
        && method.bytes().all(|b| fields::is_token_byte(b) && !b.is_ascii_lowercase());
    match method {
        "CONNECT" | "TRACE" | "TRACK" => Err(Ambiguity::MethodRefused),
        _ if valid => Ok(()),
        _ => Err(Ambiguity::InvalidMethod),
    }
}

/// Every place that names the host must name the same one: `Host`, the authority of an absolute target, `:authority`
/// (RFC 9112 §3.2.2 lets a proxy override `Host`; origins differ, so a difference is refused, E13 and E14).
fn one_host<'a>(head: &RequestHead<'a>, target: &Target<'a>, fields: &Fields<'a>) -> Result<Host<'a>, Ambiguity> {
    let pseudo = if head.version == Version::Http2 { head.authority } else { None };
    let field = match fields.host {
        Some(value) => Some(Host::parse(value)?),
        None if pseudo.is_some() => None,
        None => return Err(Ambiguity::MissingHost),
    };
    let claimed = match (pseudo, target.authority) {
        (Some(value), _) => Some((Host::parse(value)?, Ambiguity::AuthorityMismatch)),
        (None, Some(value)) => Some((Host::parse(value)?, Ambiguity::AbsoluteTargetMismatch)),
        (None, None) => None,
    };
    match (field, claimed) {
        (Some(field), Some((claimed, mismatch))) if field != claimed => Err(mismatch),
        (Some(host), _) | (None, Some((host, _))) => Ok(host),
        (None, None) => Err(Ambiguity::MissingHost),
    }
}

#[cfg(test)]
mod tests;
