//! Secrets in texts: found by the name before them, or by their form.

use std::borrow::Cow;
use std::ops::Range;

use super::REDACTED;
use super::names::is_secret_argument;

/// How often a value is looked at that was decoded from another: URLs stand in arguments of URLs.
const MAX_DEPTH: u8 = 3;
/// The beginning of a JWT's head in base64url: `{"`.
const JWT: &str = "eyJ";
/// Where `name:password@host` of a URL is at its end. No token has one of these in it.
pub const ENDS_AUTHORITY: [char; 4] = ['/', '?', '#', ' '];
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

/// The beginning of a text, at most so many bytes, and whether that is all. Else it ends behind the last of the characters between which a secret lies
/// whole: half a token, or half a password before its `@`, would not be known for what it is.
pub fn beginning<'t>(text: &'t str, bytes: usize, between: &[char]) -> (&'t str, bool) {
    if text.len() <= bytes {
        return (text, true);
    }
    let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    let some = text.get(..end).unwrap_or_default();
    // All of these are one byte long.
    let end = some.rfind(between).map_or(0, |at| at + 1);
    (some.get(..end).unwrap_or_default(), false)
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
    if !next.starts_with(['=', ':', '"', '\'', ' ']) {
        return false;
    }
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

/// Tokens, credentials behind the name of a scheme, and what stands before the host in a URL: found in one pass each, and replaced in one.
fn by_form(text: &str) -> Cow<'_, str> {
    let credentials = credentials_in(text);
    let before = text.get(..credentials.unwrap_or(text.len())).unwrap_or_default();
    let mut secrets: Vec<Range<usize>> = tokens_in(before).into_iter().chain(users_in(before)).collect();
    secrets.sort_unstable_by_key(|secret| secret.start);
    secrets.extend(credentials.map(|start| start..text.len()));
    if secrets.is_empty() {
        return text.into();
    }
    let mut told = String::with_capacity(text.len());
    let mut at = 0;
    for secret in secrets {
        // A token within the name of a user goes with it.
        if let Some(before) = text.get(at..secret.start) {
            told.push_str(before);
            told.push_str(REDACTED);
        }
        at = at.max(secret.end);
    }
    told.push_str(text.get(at..).unwrap_or_default());
    told.into()
}

/// JWTs, signed or encrypted: at least two dots between runs of base64url.
fn tokens_in(text: &str) -> Vec<Range<usize>> {
    let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=' | b'+');
    let mut tokens: Vec<Range<usize>> = Vec::new();
    for (start, _) in text.match_indices(JWT) {
        if tokens.last().is_some_and(|last| start < last.end) {
            continue;
        }
        // What is none is short, so that nothing is looked at again and again.
        let rest = text.as_bytes().get(start..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| is_inside(byte)).count();
        let dots = rest.iter().take(length).filter(|byte| **byte == b'.').count();
        if dots >= 2 || length > 64 {
            tokens.push(start..start + length);
        }
    }
    tokens
}

/// Where the first credentials begin. They go on to the end.
fn credentials_in(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let starts_word = |at: usize| at == 0 || !lower.as_bytes().get(at - 1).is_some_and(u8::is_ascii_alphanumeric);
    let starts = SCHEMES.iter().filter_map(|scheme| {
        let (at, _) = lower.match_indices(scheme).find(|(at, _)| starts_word(*at))?;
        Some(at + scheme.len()).filter(|start| *start < text.len())
    });
    starts.min()
}

/// Each `name:password` in `https://name:password@host`. An authority ends before the next one begins.
fn users_in(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(at, _)| {
        let start = at + 3;
        let authority = text.get(start..)?;
        let authority = authority.get(..authority.find(ENDS_AUTHORITY).unwrap_or(authority.len()))?;
        Some(start..start + authority.rfind('@')?)
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
