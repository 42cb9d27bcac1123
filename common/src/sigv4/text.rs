//! The canonical request of SigV4: the text whose digest is signed.
//!
//! It is not [`crate::canonical`], which decides what may pass at all: this one is the form that AWS prescribes, and it must be
//! the same text for client and server, whatever the request.

use crate::sigv4::{Request, hex};

/// `signed` are lower-case names in order.
pub(super) fn canonical_request(request: &Request<'_>, signed: &[&str], body_sha256: &[u8; 32]) -> Vec<u8> {
    let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
    let mut text = Vec::with_capacity(512);
    for line in [request.method, &canonical_path(path), &canonical_query(query)] {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    for name in signed {
        push_header(&mut text, name, request.values(name));
    }
    text.push(b'\n');
    text.extend_from_slice(signed.join(";").as_bytes());
    text.push(b'\n');
    text.extend_from_slice(hex::encode(body_sha256).as_bytes());
    text
}

/// `name:value,value`, with white space trimmed and runs of it taken as one space.
fn push_header<'a>(text: &mut Vec<u8>, name: &str, values: impl Iterator<Item = &'a [u8]>) {
    text.extend_from_slice(name.as_bytes());
    for (at, value) in values.enumerate() {
        text.push(if at == 0 { b':' } else { b',' });
        let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for (at, word) in words.enumerate() {
            if at > 0 {
                text.push(b' ');
            }
            text.extend_from_slice(word);
        }
    }
    text.push(b'\n');
}

/// Resolves dots, merges slashes, then escapes the (already escaped) path once more: every service but S3.
fn canonical_path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    let mut text = String::with_capacity(path.len() + 1);
    for segment in &segments {
        text.push('/');
        push_escaped(&mut text, segment.as_bytes());
    }
    if segments.is_empty() || path.ends_with('/') {
        text.push('/');
    }
    text
}

/// Parameters by escaped name, then value. Each is unescaped first, so that `%7E` and `~` sign alike.
fn canonical_query(query: &str) -> String {
    if query.is_empty() {
        return String::new();
    }
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (reescaped(name), reescaped(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn reescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = match rest {
            &[b'%', high, low, ..] => char::from(high).to_digit(16).zip(char::from(low).to_digit(16)),
            _ => None,
        };
        if let Some((high, low)) = escape {
            bytes.push((high << 4 | low) as u8);
            rest = rest.get(3..).unwrap_or_default();
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    let mut escaped = String::with_capacity(text.len());
    push_escaped(&mut escaped, &bytes);
    escaped
}

/// Everything but RFC 3986's unreserved characters, in upper-case hex.
fn push_escaped(text: &mut String, bytes: &[u8]) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push_str(&hex::encode(&[byte]).to_ascii_uppercase());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (raw, canonical) in [
            ("/", "/"),
            ("", "/"),
            ("/a/b/", "/a/b/"),
            ("//a///b", "/a/b"),
            ("/a/./b/../c", "/a/c"),
            ("/..", "/"),
            ("/a/..", "/"),
            ("/a/b/..", "/a"),
            ("/%20", "/%2520"),
            ("/a:b@c", "/a%3Ab%40c"),
        ] {
            assert_eq!(canonical_path(raw), canonical, "{raw}");
        }
    }

    #[test]
    fn queries() {
        for (raw, canonical) in [
            ("", ""),
            ("a", "a="),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1", "a=1&a=2"),
            ("a=b=c", "a=b%3Dc"),
            ("%7e=%41&x=%c3%a4", "x=%C3%A4&~=A"),
            ("a=%zz%2", "a=%25zz%252"),
        ] {
            assert_eq!(canonical_query(raw), canonical, "{raw}");
        }
    }
}
