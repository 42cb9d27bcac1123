//! Whether an `Origin` is one that a rule names. The comparison is of bytes: browsers serialise an origin in one way.

use http::HeaderValue;

use crate::snapshot::cors::{CorsRule, OriginPattern};

/// Longer ones are no origins: a scheme, a name of 253 bytes, a port.
const MAX_BYTES: usize = 300;

/// What `Access-Control-Allow-Origin` says to this origin; none where the rule does not name it.
pub fn admitted(rule: &CorsRule, origin: &HeaderValue) -> Option<HeaderValue> {
    rule.origins.iter().find_map(|pattern| admits(pattern, origin))
}

fn admits(pattern: &OriginPattern, origin: &HeaderValue) -> Option<HeaderValue> {
    let text = origin.to_str().ok().filter(|text| text.len() <= MAX_BYTES)?;
    let admitted = match pattern {
        OriginPattern::Any => return is_origin(text).then(|| HeaderValue::from_static("*")),
        OriginPattern::Null => text == "null",
        OriginPattern::Exact(exact) => exact == origin,
        OriginPattern::Below { scheme, suffix } => is_below(text, scheme, suffix),
    };
    admitted.then(|| origin.clone())
}

fn is_below(origin: &str, scheme: &str, suffix: &str) -> bool {
    let labels = origin.strip_prefix(scheme).and_then(|rest| rest.strip_suffix(suffix));
    labels.is_some_and(|labels| labels.split('.').all(is_label))
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

/// The shape of an origin with a scheme and a host, for `*`: not `null`, not a list.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let in_scheme = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.');
    let in_host = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b':' | b'[' | b']');
    !scheme.is_empty() && scheme.bytes().all(in_scheme) && !host.is_empty() && host.bytes().all(in_host)
}
