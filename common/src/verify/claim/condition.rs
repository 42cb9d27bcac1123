//! How a claim must compare.

use std::fmt;

use serde_json::Value;

use crate::jose::json::plain_string;
use crate::verify::claim::{Number, Values};

/// One comparison. Its operands have one type, which the claim must have, too.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// There, and not `null`.
    Present,
    /// Not there, or `null`.
    Absent,
    /// `eq` and `in`.
    OneOf(Values),
    /// `ne` and `not_in`.
    NoneOf(Values),
    AtLeast(Number),
    Above(Number),
    AtMost(Number),
    Below(Number),
    /// A list that holds every one of these.
    HoldsAll(Values),
    /// A list that holds one of these.
    HoldsAny(Values),
    Prefix(Box<str>),
    Suffix(Box<str>),
}

impl Condition {
    /// The verdict on a token without the claim.
    pub(super) fn is_met_without(&self) -> bool {
        matches!(self, Self::Absent)
    }

    pub(super) fn is_met_by(&self, value: Option<&Value>) -> bool {
        let Some(value) = value.filter(|value| !value.is_null()) else { return self.is_met_without() };
        match (self, value) {
            (Self::Present, _) => true,
            (Self::Absent, _) => false,
            (Self::OneOf(values), value) => values.have(value) == Some(true),
            (Self::NoneOf(values), value) => values.have(value) == Some(false),
            (Self::HoldsAll(values), Value::Array(items)) => values.all_in(items),
            (Self::HoldsAny(values), Value::Array(items)) => values.any_in(items),
            (_, Value::Number(number)) => Number::from_json(number).is_some_and(|number| self.is_met_by_number(number)),
            (_, Value::String(text)) => self.is_met_by_text(text),
            _ => false,
        }
    }

    /// The same for the text of a value, without a copy; none where it has to be read after all: lists, objects, texts with escapes.
    pub(super) fn is_met_by_raw(&self, raw: &str) -> Option<bool> {
        match raw.as_bytes().first()? {
            b'"' => plain_string(raw).map(|text| self.is_met_by_text(text)),
            b't' => Some(self.is_met_by_flag(true)),
            b'f' => Some(self.is_met_by_flag(false)),
            b'n' => Some(self.is_met_without()),
            b'-' | b'0'..=b'9' => Number::parse(raw).map(|number| self.is_met_by_number(number)),
            _ => None,
        }
    }

    fn is_met_by_text(&self, text: &str) -> bool {
        match self {
            Self::Present => true,
            Self::OneOf(values) => values.have_text(text) == Some(true),
            Self::NoneOf(values) => values.have_text(text) == Some(false),
            Self::Prefix(prefix) => text.starts_with(&**prefix),
            Self::Suffix(suffix) => text.ends_with(&**suffix),
            _ => false,
        }
    }

    fn is_met_by_number(&self, number: Number) -> bool {
        match self {
            Self::Present => true,
            Self::OneOf(values) => values.have_number(number) == Some(true),
            Self::NoneOf(values) => values.have_number(number) == Some(false),
            Self::AtLeast(bound) => number >= *bound,
            Self::Above(bound) => number > *bound,
            Self::AtMost(bound) => number <= *bound,
            Self::Below(bound) => number < *bound,
            _ => false,
        }
    }

    fn is_met_by_flag(&self, flag: bool) -> bool {
        match self {
            Self::Present => true,
            Self::OneOf(values) => values.have_flag(flag) == Some(true),
            Self::NoneOf(values) => values.have_flag(flag) == Some(false),
            _ => false,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present => f.write_str("exists"),
            Self::Absent => f.write_str("does not exist"),
            Self::OneOf(values) => write!(f, "in {values}"),
            Self::NoneOf(values) => write!(f, "not_in {values}"),
            Self::AtLeast(bound) => write!(f, "ge {bound}"),
            Self::Above(bound) => write!(f, "gt {bound}"),
            Self::AtMost(bound) => write!(f, "le {bound}"),
            Self::Below(bound) => write!(f, "lt {bound}"),
            Self::HoldsAll(values) => write!(f, "contains_all {values}"),
            Self::HoldsAny(values) => write!(f, "contains_any {values}"),
            Self::Prefix(prefix) => write!(f, "prefix {prefix:?}"),
            Self::Suffix(suffix) => write!(f, "suffix {suffix:?}"),
        }
    }
}
