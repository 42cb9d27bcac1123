//! SQL and scripts in values: `libinjectionrs`, a port of libinjection, the detector behind ModSecurity's `@detectSQLi` and `@detectXSS`.
//!
//! Most values of real requests are names, numbers and identifiers. Those are told by a look at their bytes; a test holds that look against the
//! detector itself.

use common::waf::model::Sensitivity;
use libinjectionrs::{detect_sqli, detect_xss};

/// Whether the value would do something as part of an SQL statement. High sensitivity looks for fragments too, which names such as O'Brien are not.
pub fn is_sql(value: &[u8], sensitivity: Sensitivity) -> bool {
    if value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b' '))
        && !has_two_words(value)
    {
        return false;
    }
    detect_sqli(value).is_injection() || (sensitivity == Sensitivity::High && is_fragment(value))
}

/// Whether the value would run a script as part of a page.
pub fn is_script(value: &[u8]) -> bool {
    if !value.iter().any(|byte| matches!(byte, b'<' | b'>' | b'=' | b':' | b'&' | b'`' | b'"' | b'\'')) {
        return false;
    }
    detect_xss(value).is_injection()
}

fn has_two_words(value: &[u8]) -> bool {
    value.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count() > 1
}

/// A quote and an operator, or a comment that ends a statement, after a quote.
fn is_fragment(value: &[u8]) -> bool {
    let Some(quote) = memchr::memchr2(b'\'', b'"', value) else { return false };
    let rest = value.get(quote + 1..).unwrap_or_default();
    let ends = |text: &[u8]| memchr::memmem::find(rest, text).is_some();
    ends(b"--") || ends(b"/*") || ends(b";") || ends(b"||") || ends(b"&&")
}
