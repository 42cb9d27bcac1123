//! The JSON form of a policy.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, SeqAccess, Visitor, value};
use serde::{Deserialize, Deserializer};

use super::condition::Condition;
use super::pattern::{Case, Pattern};
use super::{Effect, PolicyError, Scope, Statement};

const VERSION: &str = "2012-10-17";
/// The services whose actions a policy can name.
const SERVICES: [&str; 4] = ["cognito-idp", "cognito-identity", "wafv2", "tollgate"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    version: Option<String>,
    #[serde(default, rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Written {
    #[serde(default, rename = "Sid")]
    _sid: Option<String>,
    effect: String,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    #[serde(default)]
    condition: Unique<Unique<OneOrMany<String>>>,
}

pub(super) fn parse(text: &str) -> Result<Vec<Statement>, PolicyError> {
    let document: Document = serde_json::from_str(text).map_err(|e| PolicyError(format!("No policy: {e}.")))?;
    match document.version.as_deref() {
        None | Some(VERSION) => {}
        Some(other) => return Err(PolicyError(format!("Version is \"{VERSION}\", not \"{other}\"."))),
    }
    let statements = document.statement.0.into_iter().enumerate();
    statements
        .map(|(at, written)| statement(written).map_err(|why| PolicyError(format!("Statement {}: {why}", at + 1))))
        .collect()
}

fn statement(written: Written) -> Result<Statement, String> {
    let effect = match written.effect.as_str() {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        other => return Err(format!("Effect is Allow or Deny, not \"{other}\".")),
    };
    let actions = scope("Action", written.action, written.not_action, action)?;
    let resources = scope("Resource", written.resource, written.not_resource, resource)?;
    let conditions = written.condition.0.into_iter().flat_map(|(operator, keys)| {
        keys.0.into_iter().map(move |(key, values)| Condition::parse(&operator, &key, values.0))
    });
    Ok(Statement { effect, actions, resources, conditions: conditions.collect::<Result<_, _>>()? })
}

fn scope(
    name: &str,
    among: Option<OneOrMany<String>>,
    not_among: Option<OneOrMany<String>>,
    pattern: fn(&str) -> Result<Pattern, String>,
) -> Result<Scope, String> {
    let patterns = |texts: OneOrMany<String>| -> Result<Vec<Pattern>, String> {
        if texts.0.is_empty() {
            return Err(format!("{name} names nothing."));
        }
        texts.0.iter().map(|text| pattern(text)).collect()
    };
    match (among, not_among) {
        (Some(texts), None) => Ok(Scope::Among(patterns(texts)?)),
        (None, Some(texts)) => Ok(Scope::NotAmong(patterns(texts)?)),
        _ => Err(format!("One of {name} and Not{name} is needed, and not both.")),
    }
}

fn action(text: &str) -> Result<Pattern, String> {
    let known = match text.split_once(':') {
        Some((service, operation)) => SERVICES.contains(&service) && !operation.is_empty(),
        None => text == "*",
    };
    if known {
        Ok(Pattern::new(text, Case::Ignored))
    } else {
        Err(format!("\"{text}\" is no action such as cognito-idp:ListUsers, tollgate:EnrolEdge or *."))
    }
}

fn resource(text: &str) -> Result<Pattern, String> {
    if text.contains("${") {
        return Err(format!("policy variables (${{…}}) are not supported: \"{text}\"."));
    }
    Ok(Pattern::new(text, Case::Sensitive))
}

/// IAM lets a single element stand for a list of one.
struct OneOrMany<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one element or a list")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(OneOrMany(vec![T::deserialize(value::StrDeserializer::new(text))?]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Ok(OneOrMany(vec![T::deserialize(value::MapAccessDeserializer::new(map))?]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                Ok(OneOrMany(all))
            }
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

/// An object in which no name comes twice: of two conditions with one name, JSON readers would keep either.
struct Unique<T>(BTreeMap<String, T>);

impl<T> Default for Unique<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Unique<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Unique<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if all.insert(name.clone(), value).is_some() {
                        return Err(A::Error::custom(format!("\"{name}\" comes twice")));
                    }
                }
                Ok(Unique(all))
            }
        }
        deserializer.deserialize_map(Reader(PhantomData))
    }
}
