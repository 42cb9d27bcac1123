//! `traceparent` (W3C Trace Context, Level 1, §3.2).

use http::{HeaderMap, HeaderValue};

use super::TRACEPARENT;

/// Where a request stands in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    pub id: [u8; 16],
    /// The span of this edge: the parent of what the upstream does.
    pub span: [u8; 8],
    /// The caller's span, where it was believed.
    pub parent: Option<[u8; 8]>,
    pub sampled: bool,
}

/// `00-` and the hex digits of id, span and flags, with hyphens.
const LENGTH: usize = 55;

impl Trace {
    /// The `traceparent` for the upstream.
    pub fn header(&self) -> HeaderValue {
        let flags = if self.sampled { "01" } else { "00" };
        let text = format!("00-{}-{}-{flags}", hex(&self.id), hex(&self.span));
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")) // hex digits and hyphens are a header value
    }
}

/// The trace that a caller is in, if it says so in exactly one header that is whole. Its span is still the caller's.
pub fn parent(headers: &HeaderMap) -> Option<Trace> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    parse(value.as_bytes())
}

fn parse(text: &[u8]) -> Option<Trace> {
    let (text, rest) = text.split_at_checked(LENGTH)?;
    let mut fields = text.split(|byte| *byte == b'-');
    let version: [u8; 1] = unhex(fields.next()?)?;
    let trace = Trace { id: unhex(fields.next()?)?, span: unhex(fields.next()?)?, parent: None, sampled: false };
    let [flags]: [u8; 1] = unhex(fields.next()?)?;
    // A later version may have more after a hyphen; version 255 is none.
    let whole = match version {
        [0] => rest.is_empty(),
        [255] => false,
        _ => rest.is_empty() || rest.starts_with(b"-"),
    };
    let named = trace.id != [0; 16] && trace.span != [0; 8] && fields.next().is_none();
    (whole && named).then_some(Trace { parent: Some(trace.span), sampled: flags & 1 == 1, ..trace })
}

/// Lower-case digits only, as the specification demands.
fn unhex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    if pairs.len() != N {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble & 15)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_read_is_written() {
        let trace = parse(GOOD.as_bytes()).unwrap();
        assert_eq!(trace.header(), GOOD);
        assert_eq!(trace.parent, Some([0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]));
        assert!(parse(GOOD.replace("-01", "-00").as_bytes()).is_some_and(|trace| !trace.sampled));
        assert!(
            parse(GOOD.replace("-01", "-ff").as_bytes()).is_some_and(|trace| trace.sampled),
            "other flags are ignored"
        );
    }

    #[test]
    fn later_versions_are_read_as_far_as_they_are_known() {
        let later = GOOD.replacen("00", "cc", 1);
        for (text, good) in [(later.clone(), true), (format!("{later}-more"), true), (format!("{later}more"), false)] {
            assert_eq!(parse(text.as_bytes()).is_some(), good, "{text}");
        }
    }

    #[test]
    fn what_is_not_whole_is_none() {
        let zeros = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        let no_span = "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01";
        let version = GOOD.replacen("00", "ff", 1);
        let (upper, longer) = (GOOD.to_uppercase(), format!("{GOOD}-more"));
        let moved = GOOD.replace("c80319c-b", "c80319-cb");
        for bad in [zeros, no_span, &version, &upper, &longer, &moved, &GOOD[..54], "", "00-x-y-01"] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
        let mut twice = HeaderMap::new();
        assert!(!twice.append(TRACEPARENT, HeaderValue::from_static(GOOD)) && parent(&twice).is_some());
        twice.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(parent(&twice), None);
    }
}
