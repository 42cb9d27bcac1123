//! Secrets in texts: found by the name before them, or by their form.

use std::borrow::Cow;

use super::REDACTED;
use super::names::is_secret_argument;

/// How often a value is looked at that was decoded from another: URLs stand in arguments of URLs.
const MAX_DEPTH: u8 = 3;
/// The beginning of a JWT's head in base64url: `{"`.
const JWT: &str = "eyJ";
/// Schemes of `Authorization`, behind whose names credentials stand. (RFC 7617, 6750, 9449, 7616; AWS's and Kerberos'.)
const SCHEMES: [&str; 6] = ["bearer ", "basic ", "dpop ", "digest ", "negotiate ", "aws4-hmac-sha256 "];

/// The beginning of a text, at most so many bytes, and an ellipsis where that is not all.
pub fn cut(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return text.into();
    }
    let end = (0..=bytes.saturating_sub(3)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}…", text.get(..end).unwrap_or_default()).into()
}

/// A text that may hold a URL, pairs of names and values, a token or credentials.
pub fn scrubbed<'t>(text: &'t str, arguments: &[String]) -> Cow<'t, str> {
    scrubbed_at(text, arguments, MAX_DEPTH)
}

/// A query: parted by `&`, names and values escaped.
pub fn query(query: &str, arguments: &[String]) -> String {
    query_at(query, arguments, MAX_DEPTH)
}

/// Names of cookies; none of their values is told.
pub fn cookies(value: &[u8]) -> String {
    let named = value.split(|byte| *byte == b';').map(|pair| {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let (name, has_value) = (parts.next().unwrap_or_default().trim_ascii(), parts.next().is_some());
        // What has no name is a value, and what can't be a name (RFC 6265 §4.1.1) may be one.
        let is_name = |byte: &u8| byte.is_ascii_graphic() && !br#"()<>@,;:\"/[]?={}'"#.contains(byte);
        let named = has_value && name.len() <= 64 && name.iter().all(is_name);
        if named { format!("{}={REDACTED}", String::from_utf8_lossy(name)) } else { REDACTED.to_owned() }
    });
    named.collect::<Vec<_>>().join("; ")
}

fn scrubbed_at<'t>(text: &'t str, arguments: &[String], depth: u8) -> Cow<'t, str> {
    // What follows `?` or `#` in a URL is parted as a query is.
    let (before, rest) = match text.find(['?', '#']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let mut told = pairs(before, arguments, depth);
    let mut rest = rest;
    while let Some(mark) = rest.chars().next() {
        let inner = rest.get(1..).unwrap_or_default();
        let (piece, next) = match inner.find(['?', '#']) {
            Some(at) => inner.split_at(at),
            None => (inner, ""),
        };
        let owned = told.to_mut();
        owned.push(mark);
        owned.push_str(&query_at(piece, arguments, depth));
        rest = next;
    }
    match by_form(&told) {
        Cow::Owned(other) => other.into(),
        Cow::Borrowed(_) => told,
    }
}

fn query_at(query: &str, arguments: &[String], depth: u8) -> String {
    let told = query.split('&').map(|pair| argument(pair, arguments, depth));
    told.collect::<Vec<_>>().join("&")
}

/// One argument: its value goes if its name says so, or if something in it, once decoded, would.
fn argument(pair: &str, arguments: &[String], depth: u8) -> String {
    let (name, value) = pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value)));
    let is_secret = |text: &str| is_secret_once_decoded(text, arguments, depth);
    match value {
        None if is_secret(name) => REDACTED.to_owned(),
        None => name.to_owned(),
        Some(_) if is_secret(name) => format!("{REDACTED}={REDACTED}"),
        Some(value) if is_named(&decoded(name), arguments) || is_secret(value) => {
            format!("{name}={}", if value.is_empty() { "" } else { REDACTED })
        }
        Some(value) => format!("{name}={value}"),
    }
}

/// What stands before the next word.
enum Before {
    Anything,
    /// The name of a secret.
    Name,
    /// That, and `=` or `:`.
    Named,
}

/// `name=value` and `"name": "value"` anywhere in a text.
fn pairs<'t>(text: &'t str, arguments: &[String], depth: u8) -> Cow<'t, str> {
    if !text.contains(['=', ':', '%']) {
        return text.into();
    }
    let mut told = String::with_capacity(text.len());
    let (mut rest, mut before, mut quote) = (text, Before::Anything, None);
    while let Some(first) = rest.chars().next() {
        let (piece, next) = if is_separator(first) {
            (before, quote) = (before.and(first), Some(first).filter(|char| matches!(char, '"' | '\'')));
            rest.split_at(first.len_utf8())
        } else if matches!(before, Before::Named) {
            let ends =
                |char: char| quote.map_or(is_separator(char) && !matches!(char, '=' | ':'), |quote| char == quote);
            before = Before::Anything;
            (REDACTED, rest.split_at(rest.find(ends).unwrap_or(rest.len())).1)
        } else {
            let (word, next) = rest.split_at(rest.find(is_separator).unwrap_or(rest.len()));
            before = if names_secret(word, next, arguments) { Before::Name } else { Before::Anything };
            let hides = word.contains('%') && is_secret_once_decoded(word, arguments, depth);
            (if hides { REDACTED } else { word }, next)
        };
        told.push_str(piece);
        rest = next;
    }
    if told == text { text.into() } else { told.into() }
}

impl Before {
    fn and(self, separator: char) -> Self {
        match (self, separator) {
            (Self::Name | Self::Named, '=' | ':') | (Self::Named, '"' | '\'' | ' ') => Self::Named,
            (Self::Name, '"' | '\'' | ' ') => Self::Name,
            _ => Self::Anything,
        }
    }
}

fn is_separator(char: char) -> bool {
    matches!(char, '=' | ':' | '&' | ';' | ',' | '"' | '\'' | '{' | '}' | '(' | ')') || char.is_whitespace()
}

/// `auth.example.com:8443` is no name of a secret, nor is the path before `password=`.
fn names_secret(word: &str, next: &str, arguments: &[String]) -> bool {
    let name = word.rsplit('/').next().unwrap_or_default();
    is_named(name, arguments) && !(next.starts_with(':') && word.contains(['/', '.']))
}

fn is_secret_once_decoded(text: &str, arguments: &[String], depth: u8) -> bool {
    let decoded = decoded(text);
    depth == 0 || scrubbed_at(&decoded, arguments, depth - 1) != decoded
}

fn is_named(name: &str, arguments: &[String]) -> bool {
    is_secret_argument(name) || arguments.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// Tokens, credentials behind the name of a scheme, and what stands before the host in a URL.
fn by_form(text: &str) -> Cow<'_, str> {
    let mut told = Cow::Borrowed(text);
    while let Some((start, end)) = token_in(&told).or_else(|| credentials_in(&told)).or_else(|| user_in(&told)) {
        let (before, after) = (told.get(..start).unwrap_or_default(), told.get(end..).unwrap_or_default());
        told = format!("{before}{REDACTED}{after}").into();
    }
    told
}

/// A JWT, signed or encrypted: at least two dots between runs of base64url.
fn token_in(text: &str) -> Option<(usize, usize)> {
    let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=' | b'+');
    text.match_indices(JWT).find_map(|(start, _)| {
        let rest = text.as_bytes().get(start..)?;
        let length = rest.iter().take_while(|byte| is_inside(byte)).count();
        let dots = rest.iter().take(length).filter(|byte| **byte == b'.').count();
        (dots >= 2 || length > 64).then_some((start, start + length))
    })
}

fn credentials_in(text: &str) -> Option<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    SCHEMES.iter().find_map(|scheme| {
        lower.match_indices(scheme).find_map(|(at, _)| {
            let starts_word = at == 0 || !lower.as_bytes().get(at - 1).is_some_and(u8::is_ascii_alphanumeric);
            let start = at + scheme.len();
            let value = text.get(start..).filter(|value| starts_word && !value.is_empty())?;
            (value != REDACTED).then_some((start, text.len()))
        })
    })
}

/// `name:password` in `https://name:password@host`.
fn user_in(text: &str) -> Option<(usize, usize)> {
    text.match_indices("://").find_map(|(at, _)| {
        let start = at + 3;
        let authority = text.get(start..)?;
        let authority = authority.get(..authority.find(['/', '?', '#', ' ']).unwrap_or(authority.len()))?;
        let user = authority.get(..authority.rfind('@')?)?;
        (user != REDACTED).then_some((start, start + user.len()))
    })
}

/// Without percent-escapes; `+` is a space.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return text.into();
    }
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut told = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                told.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
                continue;
            }
            (b'+', ..) => told.push(b' '),
            _ => told.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&told).into_owned().into()
}
