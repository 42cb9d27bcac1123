//! The one form of a path.

use std::borrow::Cow;

use crate::canonical::ambiguity::Ambiguity;

/// An absolute path in normal form (RFC 3986 §6.2.2), with no second reading:
/// * starts with `/`; no empty segment except after a final `/`; no dot segment; none of `;`, `\`, NUL, controls, in any encoding;
/// * unreserved characters are never escaped, everything outside `pchar` always is, in upper-case hex; escapes of reserved
///   characters stay (`%40` is not `@`, RFC 3986 §2.2), but both have the same [`decoded`](Self::decoded) form;
/// * decoded once it is UTF-8; decoded twice it is the same text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanonicalPath<'a>(Cow<'a, str>);

impl<'a> CanonicalPath<'a> {
    /// Brings the path of a request, without its query, or a path that a rule names, into normal form.
    pub fn parse(raw: &'a [u8]) -> Result<Self, Ambiguity> {
        if raw.first() != Some(&b'/') {
            return Err(Ambiguity::InvalidTarget);
        }
        let shape = Shape::of(raw)?;
        let path = if shape.rewrite {
            let mut text = String::with_capacity(raw.len() + 16);
            Units(raw).flatten().for_each(|unit| unit.write(&mut text));
            Cow::Owned(text)
        } else {
            Cow::Borrowed(std::str::from_utf8(raw).map_err(|_| Ambiguity::NonAsciiTarget)?)
        };
        check_segments(&path)?;
        if shape.escapes {
            check_escapes(&path)?;
        }
        Ok(Self(path))
    }

    /// The form to forward: ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form to judge by: decoded once, what a decoding origin sees. Slashes in it are the slashes of the path.
    pub fn decoded(&self) -> Cow<'_, str> {
        if !self.0.contains('%') {
            return Cow::Borrowed(&self.0);
        }
        // `parse` has checked that this is UTF-8.
        Cow::Owned(String::from_utf8_lossy(&decode(&self.0)).into_owned())
    }

    /// Detaches the path from the request's buffer.
    pub fn into_owned(self) -> CanonicalPath<'static> {
        CanonicalPath(Cow::Owned(self.0.into_owned()))
    }
}

/// What the first pass learns about a path.
#[derive(Default)]
struct Shape {
    /// Some unit is not yet in normal form.
    rewrite: bool,
    /// Some escape stays in the normal form.
    escapes: bool,
}

impl Shape {
    fn of(raw: &[u8]) -> Result<Self, Ambiguity> {
        let mut shape = Self::default();
        if raw.iter().all(|&byte| is_plain(byte)) {
            return Ok(shape); // nearly every path
        }
        for unit in Units(raw) {
            shape.add(unit?);
        }
        Ok(shape)
    }

    fn add(&mut self, unit: Unit) {
        match unit {
            Unit::Plain(_) => {}
            Unit::Unescaped(_) => (self.rewrite, self.escapes) = (true, true),
            Unit::Escaped { byte, upper } => {
                self.rewrite |= !upper || is_unreserved(byte);
                self.escapes |= !is_unreserved(byte);
            }
        }
    }
}

/// One character of a path as it is written.
#[derive(Clone, Copy)]
enum Unit {
    /// May stand as it is.
    Plain(u8),
    /// Browsers send it so (WHATWG URL leaves it alone), RFC 3986 wants it escaped.
    Unescaped(u8),
    /// `%XX`.
    Escaped { byte: u8, upper: bool },
}

impl Unit {
    fn write(self, text: &mut String) {
        match self {
            Self::Plain(byte) => text.push(char::from(byte)),
            Self::Escaped { byte, .. } if is_unreserved(byte) => text.push(char::from(byte)),
            Self::Escaped { byte, .. } | Self::Unescaped(byte) => push_escape(text, byte),
        }
    }
}

struct Units<'a>(&'a [u8]);

impl Iterator for Units<'_> {
    type Item = Result<Unit, Ambiguity>;

    fn next(&mut self) -> Option<Self::Item> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        if byte != b'%' {
            return Some(literal(byte));
        }
        let &[high, low, ref rest @ ..] = rest else { return Some(Err(Ambiguity::BadEscape)) };
        self.0 = rest;
        Some(escape(high, low))
    }
}

fn literal(byte: u8) -> Result<Unit, Ambiguity> {
    match byte {
        _ if is_plain(byte) => Ok(Unit::Plain(byte)),
        b'[' | b']' | b'{' | b'}' | b'|' | b'^' | b'`' => Ok(Unit::Unescaped(byte)),
        b';' => Err(Ambiguity::PathParameter),
        b'\\' => Err(Ambiguity::Backslash),
        _ => Err(refused_byte(byte)),
    }
}

fn escape(high: u8, low: u8) -> Result<Unit, Ambiguity> {
    let (Some(h), Some(l)) = (hex_value(high), hex_value(low)) else { return Err(Ambiguity::BadEscape) };
    match h << 4 | l {
        b'/' => Err(Ambiguity::EncodedSlash),
        b'\\' => Err(Ambiguity::EncodedBackslash),
        b';' => Err(Ambiguity::PathParameter),
        0 => Err(Ambiguity::EncodedNul),
        byte if byte.is_ascii_control() => Err(Ambiguity::ControlInTarget),
        byte => Ok(Unit::Escaped { byte, upper: !high.is_ascii_lowercase() && !low.is_ascii_lowercase() }),
    }
}

/// The reason for a raw byte that may stand nowhere in a target.
pub(super) fn refused_byte(byte: u8) -> Ambiguity {
    match byte {
        b'#' => Ambiguity::FragmentInTarget,
        _ if byte.is_ascii_control() => Ambiguity::ControlInTarget,
        _ if !byte.is_ascii() => Ambiguity::NonAsciiTarget,
        _ => Ambiguity::InvalidTargetCharacter,
    }
}

/// Dots are unreserved, so that encoded dot segments are plain by now.
fn check_segments(path: &str) -> Result<(), Ambiguity> {
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." | ".." => return Err(Ambiguity::DotSegment),
            "" if segments.peek().is_some() => return Err(Ambiguity::EmptySegment),
            _ => {}
        }
    }
    Ok(())
}

fn check_escapes(path: &str) -> Result<(), Ambiguity> {
    let decoded = decode(path);
    let text = std::str::from_utf8(&decoded).map_err(|_| Ambiguity::NotUtf8)?;
    if text.chars().any(char::is_control) {
        return Err(Ambiguity::ControlInTarget);
    }
    let escaped_again = decoded.windows(3).any(|w| match w {
        &[b'%', high, low] => hex_value(high).is_some() && hex_value(low).is_some(),
        _ => false,
    });
    if escaped_again { Err(Ambiguity::DoubleEscape) } else { Ok(()) }
}

/// Decodes every escape once; `path` has no bad one.
fn decode(path: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    loop {
        match *rest {
            [] => return decoded,
            [b'%', high, low, ref after @ ..] => {
                decoded.push(hex_value(high).unwrap_or(0) << 4 | hex_value(low).unwrap_or(0));
                rest = after;
            }
            [byte, ref after @ ..] => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
}

fn push_escape(text: &mut String, byte: u8) {
    text.push('%');
    for nibble in [byte >> 4, byte & 15] {
        text.push(char::from(if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 }));
    }
}

/// `pchar` without `;` and escapes, and the slash.
fn is_plain(byte: u8) -> bool {
    is_unreserved(byte) || b"/!$&'()*+,=:@".contains(&byte)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

pub(super) fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
