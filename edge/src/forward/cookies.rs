//! Cookies of requests (RFC 6265 §5.4; in HTTP/2 they may come in several fields, RFC 9113 §8.2.3), and those that stay at the edge.

use http::header::{COOKIE, HeaderMap, HeaderValue};

use crate::snapshot::sign_in::SignInAt;

/// Names and values, in the order in which they came. A pair without `=` is a value without a name.
pub fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.get_all(COOKIE).iter().flat_map(|field| field.as_bytes().split(|byte| *byte == b';')).map(pair)
}

/// Takes the cookies of sign-ins out: they open the edge, and nothing behind it.
pub fn hold_back(headers: &mut HeaderMap, sign_ins: &[SignInAt]) {
    let is_ours = |name: &[u8]| sign_ins.iter().any(|at| at.sign_in.cookie.owns(name));
    if !pairs(headers).any(|(name, _)| is_ours(name)) {
        return;
    }
    let kept: Vec<HeaderValue> = headers.get_all(COOKIE).iter().filter_map(|field| without(field, is_ours)).collect();
    headers.remove(COOKIE);
    for field in kept {
        headers.append(COOKIE, field);
    }
}

fn pair(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii();
    match text.iter().position(|byte| *byte == b'=').and_then(|at| text.split_at_checked(at)) {
        Some((name, value)) => (name.trim_ascii_end(), value.strip_prefix(b"=").unwrap_or(value).trim_ascii_start()),
        None => (b"", text),
    }
}

/// None where nothing is left.
fn without(field: &HeaderValue, is_ours: impl Fn(&[u8]) -> bool) -> Option<HeaderValue> {
    let mut kept = Vec::with_capacity(field.len());
    for text in field.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
        if !text.is_empty() && !is_ours(pair(text).0) {
            if !kept.is_empty() {
                kept.extend_from_slice(b"; ");
            }
            kept.extend_from_slice(text);
        }
    }
    if kept.is_empty() { None } else { HeaderValue::from_bytes(&kept).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(fields: &[&str]) -> HeaderMap {
        fields.iter().map(|field| (COOKIE, HeaderValue::from_bytes(field.as_bytes()).unwrap())).collect()
    }

    #[test]
    fn pairs_come_from_all_fields() {
        let headers = map(&["a=1; b = \"2\"", "c=x=y;;d"]);
        let found: Vec<_> = pairs(&headers).map(|(n, v)| (n.escape_ascii().to_string(), v.to_vec())).collect();
        let expected = [("a", "1"), ("b", "\"2\""), ("c", "x=y"), ("", ""), ("", "d")];
        let expected: Vec<_> = expected.map(|(n, v)| (n.to_owned(), v.as_bytes().to_vec())).to_vec();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_left_goes_on_as_it_came() {
        let is_ours = |name: &[u8]| name == b"s";
        for (field, left) in [("s=1", None), ("a=1; s=2; b=\"x\"", Some("a=1; b=\"x\"")), ("s =1;a", Some("a"))] {
            let found = without(&HeaderValue::from_static(field), is_ours);
            assert_eq!(found.as_ref().map(|value| value.to_str().unwrap()), left, "{field}");
        }
    }
}
