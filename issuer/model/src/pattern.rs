//! A pattern of the model, compiled when it is first needed.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

/// Bounds on what one compiled pattern may take. The model's largest (five Unicode categories, twice) stays below.
const PROGRAM_BYTES: usize = 4 << 20;
const CACHE_BYTES: usize = 256 << 10;

/// A pattern as the model has it, for the error text, and its translation, for matching whole values.
#[derive(Debug)]
pub struct Pattern {
    text: &'static str,
    translated: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// `translated` is anchored and in the syntax of the `regex` crate (the generator sees to both).
    pub const fn new(text: &'static str, translated: &'static str) -> Self {
        Self { text, translated, compiled: OnceLock::new() }
    }

    /// As the model has it.
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// Whether the whole value matches. A pattern that did not compile (a test says that all do) matches nothing.
    pub fn matches(&self, value: &str) -> bool {
        self.compiled().is_some_and(|regex| regex.is_match(value))
    }

    fn compiled(&self) -> Option<&Regex> {
        let compile =
            || RegexBuilder::new(self.translated).size_limit(PROGRAM_BYTES).dfa_size_limit(CACHE_BYTES).build().ok();
        self.compiled.get_or_init(compile).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity, idp, waf};

    #[test]
    fn all_of_the_model_compile() {
        let all: Vec<&Pattern> =
            [idp::tables::patterns::ALL, identity::tables::patterns::ALL, waf::tables::patterns::ALL].concat();
        assert!(all.len() > 40, "{}", all.len());
        let failed: Vec<&str> = all.iter().filter(|p| p.compiled().is_none()).map(|p| p.text()).collect();
        assert_eq!(failed, Vec::<&str>::new());
    }

    #[test]
    fn whole_values_as_java_matches_them() {
        let find = |text: &str| {
            *idp::tables::patterns::ALL.iter().find(|p| p.text() == text).unwrap_or_else(|| panic!("{text}"))
        };
        let table: &[(&str, &[&str], &[&str])] = &[
            (r"[\w-]+_[0-9a-zA-Z]+", &["us-east-1_AbC123"], &["", "us-east-1", "us-east-1_", "us-east-1_a\n", "ü_a"]),
            (r"[\w+]+", &["abc+_9"], &["", "a b", "a-b", "١"]),
            (r"[\S]+", &["p@ss", "å", "\u{a0}"], &["", "a b", "a\n", "\t"]),
            (r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", &["demo@example.com", "日本語", "😀"], &["", "a b", "a\u{200b}"]),
            (r"[A-Za-z0-9-_=.]+", &["a.b-c_d="], &["", "a+b", "a/b"]),
            (r".*\{####\}.*", &["{####}", "code {####}."], &["{###}", "a\n{####}", "a\u{2028}{####}"]),
            (r"^(tkn|sso)[a-z0-9]{25}$", &["tknabcdefghijklmnopqrstuvwxy"], &["tkn", "xyzabcdefghijklmnopqrstuvwxy"]),
            (r"[\x21\x23-\x5B\x5D-\x7E]+", &["orders/read", "!"], &["", "\"", "\\", "é"]),
        ];
        for (text, good, bad) in table {
            for value in *good {
                assert!(find(text).matches(value), "{text} should match {value:?}");
            }
            for value in *bad {
                assert!(!find(text).matches(value), "{text} should not match {value:?}");
            }
        }
    }
}
