//! The rules that `serde_json` does not have: unique names, bounded depth, no NUL.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Objects and arrays may nest this deep, the outermost included.
pub const MAX_DEPTH: usize = 8;
/// Members of one object.
pub const MAX_MEMBERS: usize = 128;

const FEW_NAMES: usize = 20;

/// Looks into one value for what skipping over it does not find: duplicates, depth, bad escapes, numbers beyond `f64`.
pub fn check(raw: &str) -> Result<(), serde_json::Error> {
    let mut input = serde_json::Deserializer::from_str(raw);
    Strict { depth: 1 }.deserialize(&mut input)
}

/// Reads a value of any type and keeps nothing of it.
#[derive(Clone, Copy)]
struct Strict {
    /// Levels that are open around the value.
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth < MAX_DEPTH { Ok(Self { depth: self.depth + 1 }) } else { Err(E::custom("too deep")) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        refuse_nul(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while seq.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut names = Names::default();
        while let Some(name) = map.next_key_seed(Text)? {
            names.add(name)?;
            map.next_value_seed(inner)?;
        }
        Ok(())
    }
}

/// The names of one object so far. A few are compared one by one, which is what tokens have; many go into a set, so that a
/// text of nothing but names costs its length and not its square.
#[derive(Default)]
pub struct Names<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    pub fn for_members(count: usize) -> Self {
        Self { few: Vec::with_capacity(count), many: HashSet::new() }
    }

    pub fn add<E: serde::de::Error>(&mut self, name: Cow<'a, str>) -> Result<(), E> {
        refuse_nul(&name)?;
        if self.few.len() + self.many.len() >= MAX_MEMBERS {
            return Err(E::custom("too many members"));
        }
        if self.few.len() >= FEW_NAMES {
            self.many.extend(self.few.drain(..));
        }
        if self.is_new(name) { Ok(()) } else { Err(E::custom("duplicate name")) }
    }

    fn is_new(&mut self, name: Cow<'a, str>) -> bool {
        if !self.many.is_empty() {
            return self.many.insert(name);
        }
        let new = !self.few.contains(&name);
        self.few.push(name);
        new
    }
}

/// A NUL ends the text for readers written in C, and for no one else.
fn refuse_nul<E: serde::de::Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') { Err(E::custom("NUL")) } else { Ok(()) }
}

/// A string, borrowed from the input where it has no escapes.
pub struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
