//! What a source's answer says about how long it may be kept (RFC 9111).

use std::time::Duration;

/// How long a response stays fresh by its `Cache-Control` and `Age`: `max-age` (RFC 9111 §5.2.2.1) less the time that it has spent in caches.
/// `no-store` and `no-cache` are no time at all. `None`: it says nothing that can be used. `s-maxage` is for shared caches, and this is none;
/// `Expires` would need the server's idea of the date, and no publisher of keys has it alone.
pub fn lifetime(cache_control: &str, age: Option<&str>) -> Option<Duration> {
    let mut found = None;
    for directive in cache_control.split(',') {
        let (name, value) = directive.split_once('=').map_or((directive, None), |(name, value)| (name, Some(value)));
        let name = name.trim();
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return Some(Duration::ZERO);
        }
        if name.eq_ignore_ascii_case("max-age") {
            let value = value.map(|value| value.trim().trim_matches('"')).and_then(seconds);
            // RFC 9111 §4.2.1: of several values the smallest is the safe one; a value that can't be read is stale.
            let value = value.unwrap_or(Duration::ZERO);
            found = Some(found.map_or(value, |before: Duration| before.min(value)));
        }
    }
    let spent = age.and_then(|age| seconds(age.trim())).unwrap_or_default();
    found.map(|lifetime| lifetime.saturating_sub(spent))
}

/// The seconds in `Retry-After` (RFC 9110 §10.2.3); its other form, a date, is not read.
pub fn retry_after(value: &str) -> Option<Duration> {
    seconds(value.trim())
}

/// Digits alone; more of them than fit mean very long (RFC 9111 §1.2.2).
fn seconds(text: &str) -> Option<Duration> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX)).min(u64::from(u32::MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes() {
        let cases: [(&str, Option<&str>, Option<u64>); 14] = [
            ("", None, None),
            ("public", None, None),
            ("public, max-age=300", None, Some(300)),
            ("Max-Age = 300 ,must-revalidate", None, Some(300)),
            ("max-age=\"300\"", None, Some(300)),
            ("max-age=300", Some("100"), Some(200)),
            ("max-age=300", Some("301"), Some(0)),
            ("max-age=300", Some("soon"), Some(300)),
            ("max-age=300, max-age=60", None, Some(60)),
            ("max-age=-1", None, Some(0)),
            ("max-age", None, Some(0)),
            ("s-maxage=300", None, None),
            ("max-age=300, no-store", None, Some(0)),
            ("max-age=99999999999999999999999", None, Some(u64::from(u32::MAX))),
        ];
        for (control, age, expected) in cases {
            assert_eq!(lifetime(control, age), expected.map(Duration::from_secs), "{control} {age:?}");
        }
        assert_eq!(retry_after(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Fri, 31 Dec 1999 23:59:59 GMT"), None);
    }
}
