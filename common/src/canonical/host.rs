//! The one form of a host.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::canonical::ambiguity::Ambiguity;

const MAX_NAME_BYTES: usize = 253; // RFC 1035 §2.3.4
const MAX_LABEL_BYTES: usize = 63;

/// A host in normal form with its port split off (RFC 3986 §3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host<'a> {
    name: Cow<'a, str>,
    port: Option<u16>,
}

impl<'a> Host<'a> {
    /// Parses a `Host` field, `:authority` or the authority of a URL. The final dot of a full name is dropped, so that
    /// `api.example.com.` can't pass by the rules for `api.example.com`.
    pub fn parse(raw: &'a [u8]) -> Result<Self, Ambiguity> {
        let text = std::str::from_utf8(raw).map_err(|_| Ambiguity::InvalidHost)?;
        if text.contains('@') {
            return Err(Ambiguity::UserInfo);
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']').ok_or(Ambiguity::InvalidHost)?;
            return Ok(Self { name: ipv6_literal(address)?.into(), port: port(rest)? });
        }
        let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
        Ok(Self { name: name_or_ipv4(name)?, port: port(rest)? })
    }

    /// Detaches the host from the request's buffer.
    pub fn into_owned(self) -> Host<'static> {
        Host { name: Cow::Owned(self.name.into_owned()), port: self.port }
    }

    /// A lower-case name, a dotted IPv4 address, or an IPv6 address in brackets in the form of RFC 5952.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As written: a default port is not the same as none.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether `written` is this host in the form of [`Host::header_value`].
    pub fn is_written(&self, written: &[u8]) -> bool {
        let Some(rest) = written.strip_prefix(self.name.as_bytes()) else { return false };
        match (self.port, rest) {
            (None, []) => true,
            (Some(port), [b':', digits @ ..]) => is_decimal(port, digits),
            _ => false,
        }
    }

    /// The `Host` field to send upstream.
    pub fn header_value(&self) -> Cow<'_, str> {
        match self.port {
            None => Cow::Borrowed(&self.name),
            Some(port) => Cow::Owned(format!("{}:{port}", self.name)),
        }
    }
}

/// Whether `digits` are the number without leading zeros.
fn is_decimal(number: u16, digits: &[u8]) -> bool {
    let mut left = number;
    let mut backwards = digits.iter().rev();
    let all = backwards.all(|digit| {
        let fits = left > 0 && *digit == b'0' + (left % 10) as u8;
        left /= 10;
        fits
    });
    all && left == 0 && !digits.is_empty()
}

/// `rest` is empty or starts with `:`. An empty port and leading zeros have one reading but no honest sender.
fn port(rest: &str) -> Result<Option<u16>, Ambiguity> {
    let Some(digits) = rest.strip_prefix(':') else {
        return if rest.is_empty() { Ok(None) } else { Err(Ambiguity::InvalidHost) };
    };
    let canonical = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    match digits.parse() {
        Ok(port) if canonical => Ok(Some(port)),
        _ => Err(Ambiguity::InvalidHost),
    }
}

/// Zone identifiers are for one machine's own use (RFC 6874 §1) and refused.
fn ipv6_literal(address: &str) -> Result<String, Ambiguity> {
    let address: Ipv6Addr = address.parse().map_err(|_| Ambiguity::InvalidHost)?;
    let mut literal = String::with_capacity(41);
    write!(literal, "[{address}]").map_err(|_| Ambiguity::InvalidHost)?;
    Ok(literal)
}

fn name_or_ipv4(name: &str) -> Result<Cow<'_, str>, Ambiguity> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.split('.').all(is_label) {
        return Err(Ambiguity::InvalidHost);
    }
    // `127.1`, `0x7f.1` and `2130706433` are addresses to some resolvers and names to others.
    let last = name.rsplit('.').next().unwrap_or(name);
    if is_number(last) && name.parse::<Ipv4Addr>().is_err() {
        return Err(Ambiguity::InvalidHost);
    }
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Ok(Cow::Owned(name.to_ascii_lowercase()))
    } else {
        Ok(Cow::Borrowed(name))
    }
}

/// Letters, digits, hyphens, and the underscore that container networks use in names.
fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// What the WHATWG URL standard takes for the end of an IPv4 address.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => label.bytes().all(|b| b.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, Option<u16>), Ambiguity> {
        Host::parse(text.as_bytes()).map(|h| (h.name().to_owned(), h.port()))
    }

    #[test]
    fn hosts_have_one_form() {
        let table = [
            ("example.com", "example.com", None),
            ("Example.COM:8443", "example.com", Some(8443)),
            ("example.com.", "example.com", None),
            ("example.com.:80", "example.com", Some(80)),
            ("localhost", "localhost", None),
            ("my_service:3000", "my_service", Some(3000)),
            ("xn--bcher-kva.example", "xn--bcher-kva.example", None),
            ("127.0.0.1:1", "127.0.0.1", Some(1)),
            ("1.2.3.4.example", "1.2.3.4.example", None),
            ("[::1]", "[::1]", None),
            ("[0:0:0:0:0:0:0:1]:65535", "[::1]", Some(65535)),
            ("[2001:DB8::A]", "[2001:db8::a]", None),
        ];
        for (raw, name, port) in table {
            assert_eq!(parse(raw), Ok((name.to_owned(), port)), "{raw}");
        }
    }

    #[test]
    fn the_written_form_is_told_from_others() {
        let table = [
            ("example.com", "example.com", true),
            ("Example.com", "Example.com", false),
            ("example.com.", "example.com.", false),
            ("example.com:8443", "example.com:8443", true),
            ("example.com:8443", "example.com:844", false),
            ("example.com:8443", "example.com:08443", false),
            ("example.com:8443", "example.com:", false),
            ("example.com:8443", "example.com", false),
            ("example.com", "example.com:80", false),
            ("[::1]:65535", "[::1]:65535", true),
        ];
        for (raw, written, same) in table {
            let host = Host::parse(raw.as_bytes()).unwrap();
            assert_eq!(host.is_written(written.as_bytes()), same, "{raw} {written}");
            assert_eq!(host.header_value() == written, same, "{raw} {written}");
        }
    }

    #[test]
    fn other_hosts_are_refused() {
        let long = "a".repeat(64);
        let name = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(63)].join(".");
        let table = [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a b",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "a%41",
            "a,b",
            "a;b",
            "ä.example",
            "a\0",
            "a\n",
            "a:",
            "a:0",
            "a:080",
            "a:65536",
            "a:+80",
            "a:8a",
            "a:80:80",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[::1%25eth0]",
            "[v1.x]",
            "[]",
            "[127.0.0.1]",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "1.2.3.256",
            "01.2.3.4",
            "1.2.3.4.5",
            "0x",
            "a.1",
            &long,
            &name,
        ];
        for raw in table {
            assert_eq!(parse(raw), Err(Ambiguity::InvalidHost), "{raw:?}");
        }
        assert_eq!(parse("user@example.com"), Err(Ambiguity::UserInfo));
    }

    #[test]
    fn a_lower_case_name_is_borrowed() {
        assert!(matches!(Host::parse(b"example.com:80").unwrap().name, Cow::Borrowed("example.com")));
    }
}
