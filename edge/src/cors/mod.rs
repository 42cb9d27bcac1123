//! Cross-origin requests (Fetch standard, "CORS protocol"): which answers a browser lets other sites' scripts read.
//!
//! It keeps no one out: that is what tokens are for. It says whom a browser may tell. So whatever cannot be read in one way (two `Origin`
//! fields, a list in one) is told nothing, and is served like any other request.

pub mod config;
mod origin;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::snapshot::cors::CorsRule;

/// The method that a browser asks for before it sends it: in `OPTIONS` with one `Origin` and one `Access-Control-Request-Method`.
pub fn preflight<'r>(method: &str, headers: &'r HeaderMap) -> Option<&'r str> {
    if method != "OPTIONS" {
        return None;
    }
    single(headers, ORIGIN)?;
    single(headers, ACCESS_CONTROL_REQUEST_METHOD)?.to_str().ok()
}

/// The answer to a preflight; none where the rule does not name the origin. It says what the route allows, whatever was asked for: the
/// comparing is the browser's.
pub fn permission(rule: &CorsRule, request: &HeaderMap) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let mut headers = vec![
        (ACCESS_CONTROL_ALLOW_ORIGIN, origin::admitted(rule, single(request, ORIGIN)?)?),
        (ACCESS_CONTROL_ALLOW_METHODS, rule.allow_methods.clone()),
        (ACCESS_CONTROL_ALLOW_HEADERS, rule.allow_headers.clone()),
        (ACCESS_CONTROL_MAX_AGE, rule.max_age.clone()),
        (VARY, HeaderValue::from_static("Origin")),
    ];
    headers.extend(credentials(rule));
    Some(headers)
}

/// What every other answer of the route says, refusals too. Caches must know that it depends on the origin, also where there was none.
pub fn headers(rule: &CorsRule, request: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = vec![(VARY, HeaderValue::from_static("Origin"))];
    if let Some(origin) = single(request, ORIGIN).and_then(|origin| origin::admitted(rule, origin)) {
        headers.push((ACCESS_CONTROL_ALLOW_ORIGIN, origin));
        headers.extend(rule.expose.clone().map(|names| (ACCESS_CONTROL_EXPOSE_HEADERS, names)));
        headers.extend(credentials(rule));
    }
    headers
}

/// Puts what the edge says in the place of what the upstream says of origins.
pub fn replace(rule: &CorsRule, request: &HeaderMap, response: &mut HeaderMap) {
    let theirs: Vec<HeaderName> = response.keys().filter(|name| is_answer(name)).cloned().collect();
    for name in theirs {
        response.remove(name);
    }
    for (name, value) in headers(rule, request) {
        response.append(name, value);
    }
}

/// Every header of an answer that the protocol has, also such as it may get (`-Allow-Private-Network`).
pub fn is_answer(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("access-control-") && !name.starts_with("access-control-request-")
}

fn credentials(rule: &CorsRule) -> Option<(HeaderName, HeaderValue)> {
    rule.credentials.then(|| (ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true")))
}

/// The value of a header that may be there once.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut fields = headers.get_all(name).iter();
    fields.next().filter(|_| fields.next().is_none())
}

#[cfg(test)]
mod tests;
