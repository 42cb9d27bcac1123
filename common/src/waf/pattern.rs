//! Regular expressions as web ACLs have them: matched in time linear in the input, by the `regex` crate's automata, never by backtracking
//! (SECURITY.md T37).
//!
//! AWS documents PCRE without back references, look-around, atomic groups and possessive quantifiers; what is left is what this engine has. A
//! pattern is matched against bytes: `.`, `\w` and `\s` are of ASCII, so that a byte which is no UTF-8 hides nothing from `.*`. Only a pattern
//! that can't be read so, since a class of it names other characters, is matched in Unicode.

use regex_syntax::hir::Hir;

/// The longest pattern, in characters (the API model's `RegexPatternString`).
pub const MAX_CHARS: usize = 512;
/// The largest program that a pattern may become, in bytes: `(a{1000}){1000}` has a length too.
pub const MAX_PROGRAM: usize = 1 << 20;
/// How deep groups may nest.
const MAX_NESTING: u32 = 64;

/// Why a pattern can't be used, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    #[error("a pattern has 1 to {MAX_CHARS} characters, this one {0}")]
    Length(usize),
    #[error("{0}")]
    Syntax(String),
    #[error("the pattern becomes a program of more than {MAX_PROGRAM} bytes")]
    TooLarge,
}

/// How a pattern's characters are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    Bytes,
    Unicode,
}

/// Reads a pattern: its form, for whoever looks for the literals in it, and its alphabet.
pub fn parse(pattern: &str) -> Result<(Hir, Alphabet), BadPattern> {
    let chars = pattern.chars().count();
    if chars == 0 || chars > MAX_CHARS {
        return Err(BadPattern::Length(chars));
    }
    match syntax(pattern, Alphabet::Bytes) {
        Ok(hir) => Ok((hir, Alphabet::Bytes)),
        Err(error) => match syntax(pattern, Alphabet::Unicode) {
            Ok(hir) => Ok((hir, Alphabet::Unicode)),
            Err(_) => Err(BadPattern::Syntax(error)),
        },
    }
}

fn syntax(pattern: &str, alphabet: Alphabet) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new()
        .unicode(alphabet == Alphabet::Unicode)
        .utf8(false)
        .nest_limit(MAX_NESTING)
        .build()
        .parse(pattern)
        .map_err(|error| match &error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            _ => "the pattern can't be read".to_owned(),
        })
}

/// Compiles a pattern.
pub fn compile(pattern: &str) -> Result<regex::bytes::Regex, BadPattern> {
    let (_, alphabet) = parse(pattern)?;
    regex::bytes::RegexBuilder::new(pattern)
        .unicode(alphabet == Alphabet::Unicode)
        .nest_limit(MAX_NESTING)
        .size_limit(MAX_PROGRAM)
        .dfa_size_limit(2 * MAX_PROGRAM)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => BadPattern::TooLarge,
            other => BadPattern::Syntax(other.to_string()),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_need_backtracking_is_refused_and_the_reason_said() {
        for pattern in [r"(a)\1", "(?=a)b", "(?<!a)b", "(?>a+)b", "a(", "[b-a]", r"\p{Nonsense}"] {
            assert!(matches!(compile(pattern), Err(BadPattern::Syntax(reason)) if !reason.is_empty()), "{pattern}");
        }
        assert_eq!(compile("").unwrap_err(), BadPattern::Length(0));
        assert_eq!(compile(&"a".repeat(513)).unwrap_err(), BadPattern::Length(513));
        assert_eq!(compile("(?:(?:a{200}){200}){200}").unwrap_err(), BadPattern::TooLarge);
        assert!(compile(&"(".repeat(200)).is_err());
    }

    #[test]
    fn bytes_that_are_no_utf_8_hide_nothing() {
        assert!(compile("(?i)union.*select").unwrap().is_match(b"UNION\xff\xfeSelect"));
        assert!(compile(r"a\W+b").unwrap().is_match(b"a\xc3\x28b"));
        assert!(
            compile("^é+$").unwrap().is_match("ééé".as_bytes()),
            "the characters of a literal are its bytes in UTF-8"
        );
    }

    #[test]
    fn classes_of_other_characters_are_matched_in_unicode() {
        assert_eq!(parse("[а-я]+").unwrap().1, Alphabet::Unicode);
        assert!(compile("^[а-я]+$").unwrap().is_match("привет".as_bytes()));
    }
}
