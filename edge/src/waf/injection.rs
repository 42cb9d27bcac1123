//! SQL and scripts in values: `libinjectionrs`, a port of libinjection, the detector behind ModSecurity's `@detectSQLi` and `@detectXSS`.
//!
//! Most values of real requests have nothing that could change a statement or a page: names, numbers, dates, `key=value`. Those are told by one pass over
//! their bytes and not shown to the detectors, which take microseconds. (They would call some of them SQL: `a@@b`, `status=1e5`.)

use common::waf::model::Sensitivity;
use libinjectionrs::{detect_sqli, detect_xss};

/// Whether the value would do something as part of an SQL statement. High sensitivity looks for fragments too, which names such as O'Brien are not.
pub fn is_sql(value: &[u8], sensitivity: Sensitivity) -> bool {
    if !has_grammar(value) {
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

/// How many of its first words make a value out as SQL or as a script: as many as the detector's fingerprint has.
pub fn words_of(value: &[u8], is_sql: bool) -> usize {
    if !is_sql {
        return 2; // a sign and the name behind it
    }
    let fingerprint = std::panic::catch_unwind(|| detect_sqli(value).fingerprint).ok().flatten();
    fingerprint.map_or(usize::MAX, |print| print.as_str().len())
}

/// Words, in lower case and by length, without which a statement of SQL can't be extended where there is neither a quote, a parenthesis nor a comment.
const WORDS: [&[&[u8]]; 11] = [
    &[],
    &[],
    &[b"or", b"in", b"is", b"go", b"as", b"by"],
    &[b"and", b"xor", b"not", b"div", b"mod", b"set", b"all", b"any"],
    &[
        b"like", b"null", b"true", b"from", b"into", b"case", b"when", b"then", b"else", b"exec", b"drop", b"join",
        b"desc", b"glob",
    ],
    &[
        b"union", b"where", b"group", b"order", b"limit", b"false", b"alter", b"sleep", b"rlike", b"ilike", b"match",
        b"table", b"using", b"begin",
    ],
    &[
        b"select", b"having", b"insert", b"update", b"delete", b"create", b"regexp", b"except", b"offset", b"exists",
        b"values", b"sounds", b"escape", b"window",
    ],
    &[
        b"between", b"execute", b"declare", b"waitfor", b"replace", b"explain", b"analyse", b"analyze", b"collate",
        b"similar", b"trigger", b"handler",
    ],
    &[b"truncate", b"distinct", b"shutdown"],
    &[b"procedure", b"intersect", b"benchmark"],
    &[],
];

/// Whether the value has what can extend a statement: a quote, parenthesis, comment, semicolon or backslash, a logical operator, or one of those words.
fn has_grammar(value: &[u8]) -> bool {
    let mut word = 0;
    for (at, byte) in value.iter().enumerate() {
        if byte.is_ascii_alphabetic() || *byte == b'_' {
            word += 1;
            continue;
        }
        if is_sql_word(value, at, word) {
            return true;
        }
        word = 0;
        let doubled = at.checked_sub(1).and_then(|before| value.get(before)) == Some(byte);
        match byte {
            b'\'' | b'"' | b'`' | b'(' | b')' | b';' | b'\\' | b'#' | b'{' | 0 => return true,
            b'-' | b'|' | b'&' if doubled => return true,
            b'*' if at.checked_sub(1).and_then(|before| value.get(before)) == Some(&b'/') => return true,
            _ => {}
        }
    }
    is_sql_word(value, value.len(), word)
}

/// Whether the run of so many letters that ends there is one of the words.
fn is_sql_word(value: &[u8], end: usize, length: usize) -> bool {
    let Some(words) = WORDS.get(length).filter(|words| !words.is_empty()) else { return false };
    let Some(run) = end.checked_sub(length).and_then(|start| value.get(start..end)) else { return false };
    words.iter().any(|word| run.eq_ignore_ascii_case(word))
}

/// A quote and an operator, or a comment that ends a statement, after a quote.
fn is_fragment(value: &[u8]) -> bool {
    let Some(quote) = memchr::memchr2(b'\'', b'"', value) else { return false };
    let rest = value.get(quote + 1..).unwrap_or_default();
    let ends = |text: &[u8]| memchr::memmem::find(rest, text).is_some();
    ends(b"--") || ends(b"/*") || ends(b";") || ends(b"||") || ends(b"&&")
}
