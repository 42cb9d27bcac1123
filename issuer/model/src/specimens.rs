//! Requests that the model allows, made from its tables: for tests over every operation.

use serde_json::{Map, Value, json};

use crate::shape::{Bounds, Kind, Presence, Shape, Structure, TextRule};

/// Texts among which every pattern of the models finds one that it matches.
pub const TEXTS: &[&str] = &[
    "a",
    "abc123",
    "123456",
    "12345678901234567890",
    "a1b2c3d4e5f6a7b8c9d0",
    "abcdefghijklmnopqrstuvwxyz",
    "Level1",
    "us-east-1_AbCdEf123",
    "us-east-1_0f-1e",
    "us-east-1:0f-1e",
    "import-abc",
    "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_AbCdEf123",
    "arn:aws:s3:::bucket",
    "someone@example.com",
    "your code is {####}",
    "follow {##this link##}",
    "cognito:default",
    "terms-of-use",
    "tknabcdefghijklmnopqrstuvwxy",
    "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
    "/path",
    "authenticated",
];

/// A request with the members of these presences.
pub fn request(structure: &Structure, wanted: &[Presence]) -> Map<String, Value> {
    let members = structure.members.iter().filter(|member| wanted.contains(&member.presence));
    members.map(|member| (member.name.to_owned(), value(member.shape, wanted))).collect()
}

/// A value that the shape allows. `null` where no text of [`TEXTS`] fits, which a test says is nowhere.
pub fn value(shape: &Shape, wanted: &[Presence]) -> Value {
    match &shape.kind {
        Kind::Text { rule: TextRule::OneOf(values), .. } => json!(values.first()),
        Kind::Text { length, rule } => json!(text(*length, rule)),
        Kind::Integer(bounds) | Kind::Long(bounds) => json!(bounds.min.unwrap_or(7)),
        Kind::Boolean => json!(true),
        Kind::Timestamp => json!(1_700_000_000.123),
        Kind::Blob(_) => json!("AAH/"),
        Kind::Document => json!({"any": ["thing"]}),
        Kind::List { item, .. } => json!([value(item, wanted)]),
        Kind::Map { key, value: inner, .. } => {
            let name = value(key, wanted).as_str().unwrap_or_default().to_owned();
            Value::Object([(name, value(inner, wanted))].into_iter().collect())
        }
        Kind::Structure(structure) => Value::Object(request(structure, wanted)),
    }
}

fn text(length: Bounds, rule: &TextRule) -> Option<&'static str> {
    TEXTS.iter().copied().find(|text| fits(text, length, rule))
}

/// Whether a text keeps both of its limits.
pub fn fits(text: &str, length: Bounds, rule: &TextRule) -> bool {
    let letters = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let long_enough = length.min.is_none_or(|min| letters >= min) && length.max.is_none_or(|max| letters <= max);
    let keeps = match rule {
        TextRule::Any => true,
        TextRule::Pattern(pattern) => pattern.matches(text),
        TextRule::OneOf(values) => values.contains(&text),
    };
    long_enough && keeps
}
