//! The one reader of untrusted JSON objects: duplicate names refused at any depth, nesting and member counts bounded, NUL
//! refused, and nothing copied until it is asked for.
//!
//! RFC 8259 §4 leaves duplicate names to each parser's taste, which lets a verifier and an origin read two different tokens
//! out of one text (RFC 7519 §4 allows refusing them). `serde_json` alone would take the last one.

mod date;
mod strict;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::jose::json::strict::{Names, Text, check};

pub use strict::{MAX_DEPTH, MAX_MEMBERS};

/// Room for the claims of a usual token.
const USUAL_MEMBERS: usize = 20;

/// A JSON object with its members indexed by name. It keeps the text as received.
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    text: Box<str>,
    members: Box<[Member]>,
}

#[derive(Clone, PartialEq, Eq)]
struct Member {
    name: Name,
    value: Range<u32>,
}

#[derive(Clone, PartialEq, Eq)]
enum Name {
    At(Range<u32>),
    /// A name that was written with escapes.
    Decoded(Box<str>),
}

/// Why a text is not an object that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    #[error("not a JSON object with unique names and at most 8 levels")]
    Invalid,
    #[error("a member has another type than it must")]
    Mistyped,
}

impl Object {
    pub fn parse(text: impl Into<Box<str>>) -> Result<Self, JsonError> {
        let text = text.into();
        let mut input = serde_json::Deserializer::from_str(&text);
        let members = input.deserialize_map(Members { text: &text }).map_err(|_| JsonError::Invalid)?;
        input.end().map_err(|_| JsonError::Invalid)?;
        Ok(Self { text, members })
    }

    /// The JSON text of a member's value, as received.
    pub fn raw(&self, name: &str) -> Option<&str> {
        let member = self.members.iter().find(|m| self.name(m) == name)?;
        Some(self.slice(&member.value))
    }

    pub fn contains(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// A string member; `None` when there is none.
    pub fn text(&self, name: &str) -> Result<Option<Cow<'_, str>>, JsonError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        match plain_string(raw) {
            Some(plain) => Ok(Some(Cow::Borrowed(plain))),
            None => serde_json::from_str::<String>(raw).map(|s| Some(Cow::Owned(s))).map_err(|_| JsonError::Mistyped),
        }
    }

    /// A member of any other type.
    pub fn value<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Result<Option<T>, JsonError> {
        self.raw(name).map(|raw| serde_json::from_str(raw).map_err(|_| JsonError::Mistyped)).transpose()
    }

    /// The names in the order of the text.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|m| self.name(m))
    }

    /// The whole text, as received.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn name<'a>(&'a self, member: &'a Member) -> &'a str {
        match &member.name {
            Name::At(range) => self.slice(range),
            Name::Decoded(name) => name,
        }
    }

    fn slice(&self, range: &Range<u32>) -> &str {
        self.text.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

impl fmt::Debug for Object {
    /// Names only: the values are other people's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// The content of a JSON string that was written without escapes.
pub(crate) fn plain_string(raw: &str) -> Option<&str> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('\\')).then_some(inner)
}

/// Whether skipping over the value has seen all there is to see: a string without escapes, a number that any type holds.
fn is_plain(raw: &str) -> bool {
    plain_string(raw).is_some() || (raw.len() < 16 && raw.bytes().all(|b| b.is_ascii_digit()))
}

/// Indexes the members of the outermost object.
struct Members<'a> {
    text: &'a str,
}

impl<'de> Visitor<'de> for Members<'de> {
    type Value = Box<[Member]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = Names::for_members(USUAL_MEMBERS);
        let mut members = Vec::with_capacity(USUAL_MEMBERS);
        while let Some(name) = map.next_key_seed(Text)? {
            let at = match &name {
                Cow::Borrowed(borrowed) => Name::At(range_of(self.text, borrowed)),
                Cow::Owned(decoded) => Name::Decoded(decoded.as_str().into()),
            };
            names.add(name)?;
            let value = map.next_value::<&'de RawValue>()?.get();
            if !is_plain(value) {
                check(value).map_err(A::Error::custom)?;
            }
            members.push(Member { name: at, value: range_of(self.text, value) });
        }
        Ok(members.into())
    }
}

/// Where `part`, a slice of `text`, lies in it. Texts are far below 4 GiB: their callers bound them to kilobytes.
fn range_of(text: &str, part: &str) -> Range<u32> {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let to_u32 = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    to_u32(start)..to_u32(start.saturating_add(part.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn members_are_found_by_their_decoded_names() {
        let object = Object::parse(r#" {"a":"x","cognito\u003agroups":["g"],"n":1.5,"e":"\u00e9"} "#).unwrap();
        assert_eq!(object.text("a").unwrap().unwrap(), "x");
        assert_eq!(object.value::<Vec<String>>("cognito:groups").unwrap().unwrap(), ["g"]);
        assert_eq!(object.text("e").unwrap().unwrap(), "é");
        assert_eq!(object.raw("n"), Some("1.5"));
        assert_eq!(object.text("n"), Err(JsonError::Mistyped));
        assert_eq!(object.text("absent"), Ok(None));
        assert_eq!(object.names().collect::<Vec<_>>(), ["a", "cognito:groups", "n", "e"]);
    }

    #[test]
    fn depth_is_counted_from_the_outermost_object() {
        let nest = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
        assert!(Object::parse(nest(MAX_DEPTH)).is_ok());
        assert_eq!(Object::parse(nest(MAX_DEPTH + 1)), Err(JsonError::Invalid));
        assert_eq!(
            Object::parse(format!(r#"{{"a":{}{}}}"#, "[".repeat(4000), "]".repeat(4000))),
            Err(JsonError::Invalid)
        );
    }

    #[test]
    fn members_are_bounded() {
        let object = |n: usize| format!("{{{}}}", (0..n).map(|i| format!(r#""k{i}":1"#)).collect::<Vec<_>>().join(","));
        assert!(Object::parse(object(MAX_MEMBERS)).is_ok());
        assert_eq!(Object::parse(object(MAX_MEMBERS + 1)), Err(JsonError::Invalid));
    }

    #[test]
    fn a_duplicate_is_found_wherever_it_stands() {
        for count in [3, 23, 24, 25, 26, 60, MAX_MEMBERS] {
            for twice in [0, 1, count / 2, count - 2] {
                let mut names: Vec<String> = (0..count).map(|i| format!(r#""k{i}":1"#)).collect();
                assert!(Object::parse(format!("{{{}}}", names.join(","))).is_ok());
                names[count - 1] = names[twice].clone();
                assert!(Object::parse(format!("{{{}}}", names.join(","))).is_err(), "{twice} of {count}");
                assert!(Object::parse(format!(r#"{{"a":{{{}}}}}"#, names.join(","))).is_err(), "{twice} of {count}");
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json_where_it_accepts(text in r#"\{("[ab\\u061]{0,3}":[0-9\[\]{}"a:.e,-]{0,6},?){0,3}\}"#) {
            if let Ok(object) = Object::parse(text.clone()) {
                let map: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(object.names().count(), map.len());
                for (name, value) in &map {
                    prop_assert_eq!(&object.value::<serde_json::Value>(name).unwrap().unwrap(), value);
                }
            }
        }

        #[test]
        fn never_panics(text in ".{0,60}") {
            let _ = Object::parse(text);
        }
    }
}
