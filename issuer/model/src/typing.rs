//! First pass over a request: is every known member of the JSON type that its shape wants?
//!
//! AWS answers the first mismatch with a `SerializationException` before it looks at any limit. `null` stands for an absent
//! member everywhere, and an absent entry of a map. Unknown members are ignored.

use serde_json::{Map, Value};

use crate::blob::Blob;
use crate::shape::{Kind, Shape, Structure};

/// The message of the `SerializationException`.
pub type Mismatch = String;

/// Checks a structure and takes `null` entries out of maps.
pub fn check_structure(members: &mut Map<String, Value>, structure: &Structure) -> Result<(), Mismatch> {
    structure.members.iter().try_for_each(|member| match members.get_mut(member.name) {
        Some(value) => check(value, member.shape),
        None => Ok(()),
    })
}

fn check(value: &mut Value, shape: &Shape) -> Result<(), Mismatch> {
    match (value, &shape.kind) {
        (Value::Null, _) | (_, Kind::Document) => Ok(()),
        (Value::Object(members), Kind::Structure(structure)) => check_structure(members, structure),
        (Value::Object(entries), Kind::Map { value: shape, .. }) => {
            entries.retain(|_, entry| !entry.is_null());
            entries.values_mut().try_for_each(|entry| check(entry, shape))
        }
        (Value::Array(items), Kind::List { item, .. }) => items.iter_mut().try_for_each(|value| check(value, item)),
        (value, kind) => check_scalar(value, kind),
    }
}

fn check_scalar(value: &Value, kind: &Kind) -> Result<(), Mismatch> {
    let fits = match (value, kind) {
        (Value::String(_), Kind::Text { .. }) | (Value::Bool(_), Kind::Boolean) => true,
        (Value::String(text), Kind::Blob(_)) => {
            return if Blob::decode(text).is_some() { Ok(()) } else { Err("Invalid Base64 text".to_owned()) };
        }
        (Value::Number(number), Kind::Integer(_)) => number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
        (Value::Number(number), Kind::Long(_)) => number.is_i64(),
        (Value::Number(_), Kind::Timestamp) => true,
        _ => false,
    };
    if fits { Ok(()) } else { Err(mismatch(value, kind)) }
}

fn mismatch(found: &Value, wanted: &Kind) -> Mismatch {
    let found = match (found, wanted) {
        (Value::Object(_), _) => return "Start of structure or map found where not expected".to_owned(),
        (Value::Array(_), _) => return "Start of list found where not expected".to_owned(),
        (_, Kind::List { .. }) => return "Expected list or null".to_owned(),
        (_, Kind::Map { .. } | Kind::Structure(_)) => return "Expected map or null".to_owned(),
        (Value::String(_), _) => "STRING_VALUE",
        (Value::Bool(true), _) => "TRUE_VALUE",
        (Value::Bool(false), _) => "FALSE_VALUE",
        (Value::Number(number), _) if number.is_f64() => "DECIMAL_VALUE",
        (Value::Number(_) | Value::Null, _) => "NUMBER_VALUE",
    };
    let wanted = match wanted {
        Kind::Integer(_) => "an Integer",
        Kind::Long(_) => "a Long",
        Kind::Boolean => "a Boolean",
        Kind::Timestamp => "a Timestamp",
        Kind::Blob(_) => "a Blob",
        _ => "a String",
    };
    format!("{found} can not be converted to {wanted}")
}
