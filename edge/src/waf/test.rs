//! What values are compared with.

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::waf::model::{Comparison, Position, Sensitivity};
use common::waf::pattern;
use memchr::memmem::Finder;
use regex::bytes::Regex;

use crate::waf::injection;
use crate::waf::literals::{self, Clause, Text};

/// A comparison of one value.
#[derive(Debug)]
pub enum Test {
    Bytes(Position, Box<Finder<'static>>),
    /// One of these matches.
    Patterns(Vec<Regex>),
    Size(Comparison, u64),
    Sqli(Sensitivity),
    Xss,
}

/// What tells two tests apart, and when a test can be spared.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    Bytes(Position, Vec<u8>),
    Patterns(Vec<String>),
    Size(Comparison, u64),
    Sqli(Sensitivity),
    Xss,
}

impl Asked {
    pub fn compile(&self) -> Result<Test, pattern::BadPattern> {
        Ok(match self {
            Self::Bytes(position, search) => Test::Bytes(*position, Box::new(Finder::new(search).into_owned())),
            Self::Patterns(patterns) => {
                Test::Patterns(patterns.iter().map(|one| pattern::compile(one)).collect::<Result<_, _>>()?)
            }
            Self::Size(comparison, bytes) => Test::Size(*comparison, *bytes),
            Self::Sqli(sensitivity) => Test::Sqli(*sensitivity),
            Self::Xss => Test::Xss,
        })
    }

    pub fn describe(&self) -> String {
        match self {
            Self::Bytes(position, search) => {
                let how = match position {
                    Position::Exactly => "is exactly",
                    Position::StartsWith => "starts with",
                    Position::EndsWith => "ends with",
                    Position::Contains => "contains",
                    Position::ContainsWord => "contains the word",
                };
                format!("{how} {:?}", String::from_utf8_lossy(search))
            }
            Self::Patterns(patterns) => format!("matches {}", patterns.join(" or ")),
            Self::Size(comparison, bytes) => format!("its size is {comparison:?} {bytes}"),
            Self::Sqli(sensitivity) => format!("looks like SQL ({sensitivity:?} sensitivity)"),
            Self::Xss => "looks like a script".to_owned(),
        }
    }

    /// What stands in whatever passes the test, all of one of these; None where nobody knows, or a look is as cheap.
    pub fn needs(&self) -> Option<Vec<Vec<Clause>>> {
        match self {
            Self::Bytes(Position::Contains | Position::ContainsWord, search) => {
                let bytes = search.to_ascii_lowercase();
                Some(vec![vec![Clause::Texts(vec![Text { bytes, starts_word: false, ends_word: false }])]])
            }
            Self::Patterns(patterns) => {
                let mut all = Vec::new();
                for one in patterns {
                    all.extend(literals::needs(&pattern::parse(one).ok()?.0)?);
                }
                (!all.is_empty()).then_some(all)
            }
            Self::Bytes(..) | Self::Size(..) | Self::Sqli(_) | Self::Xss => None,
        }
    }
}

impl Test {
    pub fn passes(&self, value: &[u8]) -> bool {
        match self {
            Self::Bytes(Position::Exactly, search) => value == search.needle(),
            Self::Bytes(Position::StartsWith, search) => value.starts_with(search.needle()),
            Self::Bytes(Position::EndsWith, search) => value.ends_with(search.needle()),
            Self::Bytes(Position::Contains, search) => search.find(value).is_some(),
            Self::Bytes(Position::ContainsWord, search) => {
                search.find_iter(value).any(|at| is_word(value, at, at + search.needle().len()))
            }
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.is_match(value)),
            Self::Size(comparison, bytes) => comparison.holds(value.len() as u64, *bytes),
            Self::Sqli(sensitivity) => guarded(|| injection::is_sql(value, *sensitivity)),
            Self::Xss => guarded(|| injection::is_script(value)),
        }
    }
}

/// Nothing that belongs to a word stands beside it. What begins or ends in something else is taken as it is.
fn is_word(value: &[u8], start: usize, end: usize) -> bool {
    let joins = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let before = start.checked_sub(1).and_then(|at| value.get(at));
    !joins(before) && !joins(value.get(end))
}

/// The detectors are others' parsers: should one panic at an input, that input is no clean one.
fn guarded(detect: impl FnOnce() -> bool) -> bool {
    catch_unwind(AssertUnwindSafe(detect)).unwrap_or(true)
}
