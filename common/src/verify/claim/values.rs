//! Lists of one type to compare a claim with.

use std::fmt;

use serde_json::Value;

use crate::verify::claim::Number;

/// Values of one type; never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Values(Kind);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Texts(Box<[Box<str>]>),
    Numbers(Box<[Number]>),
    Flags(Box<[bool]>),
}

impl Values {
    /// None when there are none.
    pub fn texts(texts: impl IntoIterator<Item = Box<str>>) -> Option<Self> {
        let texts: Box<[_]> = texts.into_iter().collect();
        (!texts.is_empty()).then_some(Self(Kind::Texts(texts)))
    }

    /// None when there are none.
    pub fn numbers(numbers: impl IntoIterator<Item = Number>) -> Option<Self> {
        let numbers: Box<[_]> = numbers.into_iter().collect();
        (!numbers.is_empty()).then_some(Self(Kind::Numbers(numbers)))
    }

    /// None when there are none.
    pub fn flags(flags: impl IntoIterator<Item = bool>) -> Option<Self> {
        let flags: Box<[_]> = flags.into_iter().collect();
        (!flags.is_empty()).then_some(Self(Kind::Flags(flags)))
    }

    /// Whether the value is among these; none when it is of another type.
    pub(super) fn have(&self, value: &Value) -> Option<bool> {
        match (&self.0, value) {
            (Kind::Texts(texts), Value::String(text)) => Some(texts.iter().any(|one| **one == **text)),
            (Kind::Numbers(numbers), Value::Number(number)) => {
                Number::from_json(number).map(|number| numbers.contains(&number))
            }
            (Kind::Flags(flags), Value::Bool(flag)) => Some(flags.contains(flag)),
            _ => None,
        }
    }

    pub(super) fn have_text(&self, text: &str) -> Option<bool> {
        match &self.0 {
            Kind::Texts(texts) => Some(texts.iter().any(|one| **one == *text)),
            Kind::Numbers(_) | Kind::Flags(_) => None,
        }
    }

    pub(super) fn have_number(&self, number: Number) -> Option<bool> {
        match &self.0 {
            Kind::Numbers(numbers) => Some(numbers.contains(&number)),
            Kind::Texts(_) | Kind::Flags(_) => None,
        }
    }

    pub(super) fn have_flag(&self, flag: bool) -> Option<bool> {
        match &self.0 {
            Kind::Flags(flags) => Some(flags.contains(&flag)),
            Kind::Texts(_) | Kind::Numbers(_) => None,
        }
    }

    /// Whether all of these are in a list; one of another type among its items matters to none of them.
    pub(super) fn all_in(&self, items: &[Value]) -> bool {
        match &self.0 {
            Kind::Texts(texts) => texts.iter().all(|text| items.iter().any(|item| item.as_str() == Some(text))),
            Kind::Numbers(numbers) => numbers.iter().all(|number| {
                items.iter().any(|item| matches!(item, Value::Number(item) if Number::from_json(item) == Some(*number)))
            }),
            Kind::Flags(flags) => flags.iter().all(|flag| items.iter().any(|item| item.as_bool() == Some(*flag))),
        }
    }

    pub(super) fn any_in(&self, items: &[Value]) -> bool {
        items.iter().any(|item| self.have(item) == Some(true))
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Texts(texts) => f.debug_list().entries(texts).finish(),
            Kind::Numbers(numbers) => {
                f.debug_list().entries(numbers.iter().map(|number| format_args_of(*number))).finish()
            }
            Kind::Flags(flags) => f.debug_list().entries(flags).finish(),
        }
    }
}

/// A number whose `Debug` is its `Display`.
fn format_args_of(number: Number) -> impl fmt::Debug {
    struct Shown(Number);
    impl fmt::Debug for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::Display::fmt(&self.0, f)
        }
    }
    Shown(number)
}
