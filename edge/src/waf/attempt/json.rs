//! JSON with every member that came, also those whose name came before: RFC 8259 §4 leaves open which of them counts, and parsers differ.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::waf::attempt::fields::{Unclear, fold};

#[derive(Debug)]
pub enum Json {
    Null,
    Truth,
    Text(String),
    Number(String),
    List(Vec<Json>),
    Members(Vec<(String, Json)>),
}

impl Json {
    /// What a JSON pointer (RFC 6901) names; a bare name is a member of the root. A member that comes twice, or in another case, is read in more than one
    /// way: some parsers take the last, some the first, and some don't mind the case.
    pub fn at(&self, pointer: &str) -> Result<Option<&Self>, Unclear> {
        let Some(path) = pointer.strip_prefix('/') else { return self.member(pointer) };
        let mut here = self;
        for step in path.split('/') {
            match here.member(&step.replace("~1", "/").replace("~0", "~"))? {
                Some(next) => here = next,
                None => return Ok(None),
            }
        }
        Ok(Some(here))
    }

    fn member(&self, name: &str) -> Result<Option<&Self>, Unclear> {
        match self {
            Self::List(items) => Ok(name.parse::<usize>().ok().and_then(|at| items.get(at))),
            Self::Members(members) => {
                let folded = fold(name);
                let mut alike = members.iter().filter(|(one, _)| fold(one) == folded);
                match (alike.next(), alike.next()) {
                    (None, _) => Ok(None),
                    (Some((one, value)), None) if one == name => Ok(Some(value)),
                    _ => Err(Unclear),
                }
            }
            Self::Null | Self::Truth | Self::Text(_) | Self::Number(_) => Ok(None),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reads)
    }
}

struct Reads;

impl<'de> Visitor<'de> for Reads {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Truth)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(json: &str, pointer: &str) -> Result<Option<String>, Unclear> {
        let json: Json = serde_json::from_str(json).unwrap();
        Ok(json.at(pointer)?.map(|found| format!("{found:?}")))
    }

    #[test]
    fn what_comes_twice_has_no_one_reading() {
        let text = |text: &str| Ok(Some(format!("Text({text:?})")));
        assert_eq!(at(r#"{"a": {"b/c": "x", "b": 1}}"#, "/a/b~1c"), text("x"));
        assert_eq!(at(r#"{"a": ["x", 1.0]}"#, "/a/1"), Ok(Some("Number(\"1\")".to_owned())));
        assert_eq!(at(r#"{"a": "x", "b": 1, "b": 2}"#, "a"), text("x"), "what nobody watches may come twice");
        assert_eq!(at(r#"{"a": "x"}"#, "/a/b"), Ok(None));
        for twice in [
            r#"{"a": {"b": "x", "b": "y"}}"#,
            r#"{"a": {"b": "x"}, "a": {}}"#,
            r#"{"a": {"b": "x", "\u0062": "x"}}"#,
            r#"{"a": {"b": "x", "B": "y"}}"#,
            r#"{"A": {"b": "x"}}"#,
        ] {
            assert_eq!(at(twice, "/a/b"), Err(Unclear), "{twice}");
        }
    }
}
