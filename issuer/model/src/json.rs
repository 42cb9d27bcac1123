//! The body of a request as JSON, read strictly.
//!
//! Two readers of one body must not see two requests: a name that occurs twice in an object is refused (RFC 8259 §4 leaves
//! open which one counts). So is nesting deeper than any shape of the model needs.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// How deep arrays and objects may nest, the outermost included.
pub const MAX_DEPTH: usize = 64;

/// Why a body is not a request. The message never repeats the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotJson {
    Malformed,
    DuplicateName,
    TooDeep,
    NotAnObject,
}

impl NotJson {
    pub const fn message(self) -> &'static str {
        match self {
            Self::Malformed => "The request body is not well-formed JSON",
            Self::DuplicateName => "The request body has a member name twice in one object",
            Self::TooDeep => "The request body is nested too deeply",
            Self::NotAnObject => "The request body is not a JSON object",
        }
    }
}

/// The object that the whole body is.
pub fn parse_object(body: &[u8]) -> Result<Map<String, Value>, NotJson> {
    let mut problem = NotJson::Malformed;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let strict = Strict { depth: 0, problem: &mut problem };
    let value = strict.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(NotJson::NotAnObject),
        Err(_) => Err(problem),
    }
}

/// Builds a value, counting depth and watching for names that occur twice.
struct Strict<'a> {
    depth: usize,
    problem: &'a mut NotJson,
}

impl Strict<'_> {
    fn deeper(&mut self) -> Result<usize, NotJson> {
        if self.depth >= MAX_DEPTH {
            *self.problem = NotJson::TooDeep;
            return Err(NotJson::TooDeep);
        }
        Ok(self.depth + 1)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let depth = self.deeper().map_err(|_| A::Error::custom("depth"))?;
        let mut out = Vec::new();
        while let Some(item) = items.next_element_seed(Strict { depth, problem: self.problem })? {
            out.push(item);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let depth = self.deeper().map_err(|_| A::Error::custom("depth"))?;
        let mut out = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if out.contains_key(&name) {
                *self.problem = NotJson::DuplicateName;
                return Err(A::Error::custom("duplicate"));
            }
            let value = members.next_value_seed(Strict { depth, problem: self.problem })?;
            out.insert(name, value);
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused() {
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        let table: &[(&str, NotJson)] = &[
            ("", NotJson::Malformed),
            ("{", NotJson::Malformed),
            ("{} {}", NotJson::Malformed),
            ("{'a':1}", NotJson::Malformed),
            ("{\"a\":1,}", NotJson::Malformed),
            ("{\"a\":NaN}", NotJson::Malformed),
            ("{\"a\":1e999}", NotJson::Malformed),
            ("{\"a\":\"\\ud800\"}", NotJson::Malformed),
            ("\u{feff}{}", NotJson::Malformed),
            ("{\"a\":1,\"a\":1}", NotJson::DuplicateName),
            ("{\"a\":1,\"\\u0061\":2}", NotJson::DuplicateName),
            ("{\"x\":[{\"a\":1,\"a\":null}]}", NotJson::DuplicateName),
            ("null", NotJson::NotAnObject),
            ("[]", NotJson::NotAnObject),
            ("\"{}\"", NotJson::NotAnObject),
            (&deep(64), NotJson::TooDeep),
            (&deep(5000), NotJson::TooDeep),
        ];
        for (body, problem) in table {
            assert_eq!(parse_object(body.as_bytes()).unwrap_err(), *problem, "{body:.40}");
        }
        assert_eq!(parse_object(b"{\"a\":\"\xff\"}").unwrap_err(), NotJson::Malformed);
        assert!(parse_object(deep(63).as_bytes()).is_ok());
    }

    #[test]
    fn values_come_through() {
        let body = r#" {"a":[1,-2,2.5,true,null,"\u00e9"],"b":{"c":{}}} "#;
        let expected: Value = serde_json::from_str(body).unwrap();
        assert_eq!(Value::Object(parse_object(body.as_bytes()).unwrap()), expected);
    }
}
