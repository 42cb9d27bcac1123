//! The request-target, taken apart (RFC 9112 §3.2, RFC 9113 §8.3.1).

use crate::canonical::Version;
use crate::canonical::ambiguity::Ambiguity;
use crate::canonical::path::{hex_value, refused_byte};

/// The parts of a target in origin form or absolute form. The path is still as received.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    /// The authority of an absolute form.
    pub authority: Option<&'a [u8]>,
    pub path: &'a [u8],
    pub query: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub fn parse(raw: &'a [u8], version: Version) -> Result<Self, Ambiguity> {
        match raw.first() {
            Some(b'/') => Self::after_authority(None, raw),
            Some(b'*') if raw.len() == 1 => Err(Ambiguity::AsteriskTarget),
            _ if version == Version::Http2 => Err(Ambiguity::InvalidTarget),
            _ => Self::absolute(raw),
        }
    }

    fn absolute(raw: &'a [u8]) -> Result<Self, Ambiguity> {
        let rest = strip_scheme(raw).ok_or(Ambiguity::InvalidTarget)?;
        let end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(end).ok_or(Ambiguity::InvalidTarget)?;
        if rest.first() == Some(&b'#') {
            return Err(Ambiguity::FragmentInTarget);
        }
        Self::after_authority(Some(authority), rest)
    }

    fn after_authority(authority: Option<&'a [u8]>, rest: &'a [u8]) -> Result<Self, Ambiguity> {
        let mut parts = rest.splitn(2, |&b| b == b'?');
        let path = match parts.next() {
            None | Some([]) => b"/".as_slice(), // RFC 3986 §6.2.3: an empty path is "/"
            Some(path) => path,
        };
        Ok(Self { authority, path, query: parts.next().map(checked_query).transpose()? })
    }
}

fn strip_scheme(raw: &[u8]) -> Option<&[u8]> {
    [b"http://".as_slice(), b"https://"].into_iter().find_map(|scheme| {
        let (start, rest) = raw.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

/// A query is opaque and goes on as it came; it must only be one that every parser cuts in the same places. Beyond RFC 3986 §3.4
/// it may hold the characters that browsers leave alone there: ``[]{}|\^` ``.
fn checked_query(raw: &[u8]) -> Result<&str, Ambiguity> {
    for (at, &byte) in raw.iter().enumerate() {
        match byte {
            b'%' => match raw.get(at + 1..at + 3) {
                Some(&[high, low]) if hex_value(high).is_some() && hex_value(low).is_some() => {}
                _ => return Err(Ambiguity::BadEscape),
            },
            b' ' | b'"' | b'<' | b'>' | b'#' => return Err(refused_byte(byte)),
            _ if !byte.is_ascii_graphic() => return Err(refused_byte(byte)),
            _ => {}
        }
    }
    std::str::from_utf8(raw).map_err(|_| Ambiguity::NonAsciiTarget)
}
