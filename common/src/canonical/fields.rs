//! One pass over the header fields: bounds, syntax, host, framing, and what concerns identity headers (E11, E13, E14).

use crate::canonical::ambiguity::Ambiguity;
use crate::canonical::{AliasAction, Framing, IdentityHeaders, Policy, Version};

/// What the fields say about the message itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields<'a> {
    pub host: Option<&'a [u8]>,
    length: Option<u64>,
    chunked: bool,
    pub identity_headers: bool,
}

impl<'a> Fields<'a> {
    pub fn scan<H>(headers: H, version: Version, policy: &Policy) -> Result<Self, Ambiguity>
    where
        H: IntoIterator<Item = (&'a [u8], &'a [u8])>,
    {
        let mut fields = Self::default();
        let mut headers_left = policy.limits.max_headers;
        let mut bytes_left = policy.limits.max_header_bytes;
        for (name, value) in headers {
            headers_left = headers_left.checked_sub(1).ok_or(Ambiguity::TooManyHeaders)?;
            let size = name.len().saturating_add(value.len()).saturating_add(4);
            bytes_left = bytes_left.checked_sub(size).ok_or(Ambiguity::HeadersTooLarge)?;
            check_name(name, version)?;
            check_value(value, version)?;
            fields.add(name, value, version, policy)?;
        }
        Ok(fields)
    }

    /// The one way in which the body ends (RFC 9112 §6.3).
    pub fn framing(&self, version: Version) -> Result<Framing, Ambiguity> {
        match (self.length, self.chunked) {
            (Some(_), true) => Err(Ambiguity::LengthAndEncoding),
            (Some(length), false) => Ok(Framing::Length(length)),
            (None, true) => Ok(Framing::Chunked),
            (None, false) if version == Version::Http2 => Ok(Framing::Stream),
            (None, false) => Ok(Framing::NoBody),
        }
    }

    fn add(&mut self, name: &'a [u8], value: &'a [u8], version: Version, policy: &Policy) -> Result<(), Ambiguity> {
        self.see_identity(name, policy)?;
        match Known::of(name) {
            None => Ok(()),
            Some(Known::Host) => self.add_host(value),
            Some(Known::ContentLength) => self.add_length(value),
            Some(Known::FramingAlias) => Err(Ambiguity::FramingAlias),
            Some(Known::Te) if version == Version::Http2 => check_te(value),
            Some(Known::Te) => Ok(()),
            Some(_) if version == Version::Http2 => Err(Ambiguity::ConnectionSpecificHeader),
            Some(Known::TransferEncoding) => self.add_encoding(value, version),
            Some(Known::Connection) => check_nominations(value, &policy.identity),
            Some(Known::OtherConnectionSpecific) => Ok(()),
        }
    }

    fn see_identity(&mut self, name: &[u8], policy: &Policy) -> Result<(), Ambiguity> {
        if !policy.identity.is_alias(name) {
            return Ok(());
        }
        // Case is free in HTTP, so only other characters make a name an imitation.
        if policy.aliases == AliasAction::Refuse && !policy.identity.is_own_name(name) {
            return Err(Ambiguity::IdentityAlias);
        }
        self.identity_headers = true;
        Ok(())
    }

    fn add_host(&mut self, value: &'a [u8]) -> Result<(), Ambiguity> {
        if self.host.replace(value.trim_ascii()).is_some() { Err(Ambiguity::DuplicateHost) } else { Ok(()) }
    }

    fn add_length(&mut self, value: &[u8]) -> Result<(), Ambiguity> {
        let length = decimal(value.trim_ascii()).ok_or(Ambiguity::InvalidLength)?;
        if self.length.replace(length).is_some() { Err(Ambiguity::DuplicateLength) } else { Ok(()) }
    }

    fn add_encoding(&mut self, value: &[u8], version: Version) -> Result<(), Ambiguity> {
        if version == Version::Http10 || !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
            return Err(Ambiguity::UnsupportedEncoding);
        }
        if std::mem::replace(&mut self.chunked, true) { Err(Ambiguity::DuplicateEncoding) } else { Ok(()) }
    }
}

/// Fields that say where a message goes or ends.
enum Known {
    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    Te,
    OtherConnectionSpecific,
    FramingAlias,
}

impl Known {
    fn of(name: &[u8]) -> Option<Self> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            2 if is(b"te") => Some(Self::Te),
            4 if is(b"host") => Some(Self::Host),
            7 if is(b"upgrade") => Some(Self::OtherConnectionSpecific),
            10 if is(b"connection") => Some(Self::Connection),
            10 if is(b"keep-alive") => Some(Self::OtherConnectionSpecific),
            14 if is(b"content-length") => Some(Self::ContentLength),
            14 if imitates(name, b"content-length") => Some(Self::FramingAlias),
            16 if is(b"proxy-connection") => Some(Self::OtherConnectionSpecific),
            17 if is(b"transfer-encoding") => Some(Self::TransferEncoding),
            17 if imitates(name, b"transfer-encoding") => Some(Self::FramingAlias),
            _ => None,
        }
    }
}

fn imitates(name: &[u8], known: &[u8]) -> bool {
    name.iter().zip(known).all(|(a, b)| a.eq_ignore_ascii_case(b) || (*b == b'-' && !a.is_ascii_alphanumeric()))
}

fn check_nominations(value: &[u8], identity: &IdentityHeaders) -> Result<(), Ambiguity> {
    if identity.is_nominated_by(value) { Err(Ambiguity::IdentityNominated) } else { Ok(()) }
}

fn check_te(value: &[u8]) -> Result<(), Ambiguity> {
    if value.eq_ignore_ascii_case(b"trailers") { Ok(()) } else { Err(Ambiguity::ConnectionSpecificHeader) }
}

fn check_name(name: &[u8], version: Version) -> Result<(), Ambiguity> {
    let lower_only = version == Version::Http2; // RFC 9113 §8.2.1
    let valid = |&b: &u8| is_token_byte(b) && !(lower_only && b.is_ascii_uppercase());
    if !name.is_empty() && name.iter().all(valid) { Ok(()) } else { Err(Ambiguity::InvalidHeaderName) }
}

fn check_value(value: &[u8], version: Version) -> Result<(), Ambiguity> {
    // Without an early exit the compiler makes vector code of it: on a token of 1 KB that is the better part of the whole scan.
    if value.iter().fold(false, |found, &b| found | is_refused_in_value(b)) {
        let at = value.iter().position(|&b| is_refused_in_value(b)).unwrap_or_default();
        return Err(refused_control(value.get(at..).unwrap_or_default()));
    }
    if version == Version::Http2 && value.trim_ascii().len() != value.len() {
        return Err(Ambiguity::InvalidHeaderValue);
    }
    Ok(())
}

fn is_refused_in_value(byte: u8) -> bool {
    ((byte < b' ') & (byte != b'\t')) | (byte == 0x7f)
}

/// `rest` begins with the control character.
fn refused_control(rest: &[u8]) -> Ambiguity {
    match rest {
        [b'\r', b'\n', b' ' | b'\t', ..] | [b'\n', b' ' | b'\t', ..] => Ambiguity::ObsFold,
        [b'\r' | b'\n', ..] => Ambiguity::LineBreakInHeader,
        [0, ..] => Ambiguity::NulInHeader,
        _ => Ambiguity::InvalidHeaderValue,
    }
}

/// A number without sign, list or leading zeros that fits 64 bits.
fn decimal(digits: &[u8]) -> Option<u64> {
    let canonical = digits.iter().all(u8::is_ascii_digit) && (digits.len() == 1 || digits.first() != Some(&b'0'));
    if !canonical {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// `tchar` of RFC 9110 §5.6.2.
pub(super) fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES.get(usize::from(byte)).copied().unwrap_or(false)
}

const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-.^_`|~".as_slice();
    while let [byte, after @ ..] = rest {
        #[allow(clippy::indexing_slicing)] // a byte is below 256
        {
            table[*byte as usize] = true;
        }
        rest = after;
    }
    table
};
