//! `cors = { origins = ["https://app.example.com"] }` of a route.

use std::time::Duration;

use common::canonical::Host;
use http::{HeaderName, HeaderValue, Method};

use crate::snapshot::cors::{CorsRule, OriginPattern};
use common::settings::{Section, SettingError};

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// What a call with a token and a body needs, beyond what every script may send.
const HEADERS: [&str; 2] = ["authorization", "content-type"];
/// What the edge tells of a refusal in headers.
const EXPOSE: [&str; 4] = ["dpop-nonce", "retry-after", "www-authenticate", "x-request-id"];
const MAX_AGE: Duration = Duration::from_secs(600);
/// No browser keeps an answer for longer.
const LONGEST_MAX_AGE: Duration = Duration::from_secs(86_400);

/// Reads a route's rule; `methods` are those that the route matches, where it names any.
pub fn rule(mut section: Section, methods: &[Method]) -> Result<CorsRule, SettingError> {
    if !section.has("origins") {
        return Err(section.missing("origins"));
    }
    let mut origins = Vec::new();
    for text in section.texts("origins")? {
        let problem = |problem| section.error("origins", format!("\"{text}\" {problem}"));
        origins.push(origin(&text).map_err(problem)?);
    }
    if origins.is_empty() {
        return Err(section.error("origins", "needs at least one origin such as \"https://app.example.com\""));
    }
    let credentials = section.flag("credentials")?.unwrap_or(false);
    if credentials && origins.contains(&OriginPattern::Any) {
        return Err(section.error("origins", "`*` and credentials exclude each other: name the origins"));
    }
    let own: Vec<&str> =
        if methods.is_empty() { METHODS.to_vec() } else { methods.iter().map(Method::as_str).collect() };
    let rule = CorsRule {
        origins,
        allow_methods: names(&mut section, "methods", &own, credentials, |text| {
            Method::from_bytes(text.as_bytes()).is_ok()
        })?,
        allow_headers: allow_headers(&mut section, credentials)?,
        expose: Some(names(&mut section, "expose", &EXPOSE, credentials, is_header_name)?)
            .filter(|names| !names.is_empty()),
        credentials,
        max_age: max_age(&mut section)?,
    };
    section.finish()?;
    Ok(rule)
}

/// `*` stands for every header but `Authorization` (Fetch standard, "CORS non-wildcard request-header name"), so that is named beside it.
fn allow_headers(section: &mut Section, credentials: bool) -> Result<HeaderValue, SettingError> {
    let names = names(section, "headers", &HEADERS, credentials, is_header_name)?;
    Ok(if names == "*" { HeaderValue::from_static("*, authorization") } else { names })
}

/// A list of names as one header value; `*` alone means all, where no credentials come along (with them it is a name like any other).
fn names(
    section: &mut Section,
    key: &'static str,
    default: &[&str],
    credentials: bool,
    is_name: impl Fn(&str) -> bool,
) -> Result<HeaderValue, SettingError> {
    let given = section.has(key);
    let names = section.texts(key)?;
    if names.iter().any(|name| name == "*") && (credentials || names.len() > 1) {
        return Err(section.error(key, "`*` must stand alone, and not beside credentials: name them"));
    }
    if let Some(name) = names.iter().find(|name| !is_name(name)) {
        return Err(section.error(key, format!("\"{name}\" is no name")));
    }
    let text = if given { names.join(", ") } else { default.join(", ") };
    HeaderValue::try_from(text).map_err(|_| section.error(key, "has characters that no header may have"))
}

fn is_header_name(text: &str) -> bool {
    HeaderName::from_bytes(text.as_bytes()).is_ok()
}

fn max_age(section: &mut Section) -> Result<HeaderValue, SettingError> {
    let span = section.duration("max_age")?.unwrap_or(MAX_AGE);
    if span > LONGEST_MAX_AGE || span.subsec_nanos() != 0 {
        return Err(section.error("max_age", "must be whole seconds, at most a day"));
    }
    Ok(HeaderValue::from(span.as_secs()))
}

/// Reads an origin into the form that browsers send.
fn origin(text: &str) -> Result<OriginPattern, String> {
    match text {
        "*" => return Ok(OriginPattern::Any),
        "null" => return Ok(OriginPattern::Null),
        _ => {}
    }
    let (scheme, rest) =
        text.split_once("://").ok_or("has no scheme: an origin is such as \"https://app.example.com\"")?;
    let scheme = scheme.to_ascii_lowercase();
    let in_scheme = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.');
    if scheme.is_empty() || !scheme.bytes().all(in_scheme) {
        return Err("has no valid scheme".to_owned());
    }
    if rest.contains(['/', '?', '#']) {
        return Err("has a path: an origin is scheme, host and port only".to_owned());
    }
    let (wildcard, host) = rest.strip_prefix("*.").map_or((false, rest), |host| (true, host));
    let host = Host::parse(host.as_bytes()).map_err(|reason| format!("has no valid host: {reason}"))?;
    let port = match (scheme.as_str(), host.port()) {
        ("https", Some(443)) | ("http", Some(80)) | (_, None) => String::new(),
        (_, Some(port)) => format!(":{port}"),
    };
    let name = host.name();
    if wildcard {
        return Ok(OriginPattern::Below { scheme: format!("{scheme}://"), suffix: format!(".{name}{port}") });
    }
    let exact = HeaderValue::try_from(format!("{scheme}://{name}{port}"));
    exact.map(OriginPattern::Exact).map_err(|_| "has characters that no header may have".to_owned())
}
