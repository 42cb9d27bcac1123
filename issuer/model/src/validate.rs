//! Second pass over a request: does every value keep the limits of the model?
//!
//! All violations are collected, in the order of the members' names, as Cognito lists them. Paths are Coral's: members start
//! in lower case, the structures of a list are `schema.1.member.name`. A list or map of plain values is reported as a whole,
//! with all limits of its items. Lengths count code points.

use serde_json::{Map, Value};

use crate::shape::{Bounds, Kind, Member, Presence, Privacy, Shape, Structure, TextRule};
use crate::violation::{Violations, broken_length, broken_value};

/// The message of the exception, if a limit is broken. The value has passed [`crate::typing`].
pub fn violations(members: &Map<String, Value>, structure: &Structure) -> Option<String> {
    let mut found = Violations::default();
    check_structure(&mut found, members, structure, Place { path: String::new(), privacy: Privacy::Shown });
    found.into_message()
}

const MAX_LABEL: usize = 128;

/// Where a value is, and whether what is there may be shown.
struct Place {
    path: String,
    privacy: Privacy,
}

impl Place {
    fn member(&self, member: &Member) -> Self {
        let name = lower_first(member.name);
        let path = if self.path.is_empty() { name } else { format!("{}.{name}", self.path) };
        Self { path, privacy: self.inner(member.shape) }
    }

    /// A label that is a map's key may be long; a path is not.
    fn part(&self, label: &str, shape: &Shape) -> Self {
        let label: String = label.chars().take(MAX_LABEL).collect();
        Self { path: format!("{}.{label}.member", self.path), privacy: self.inner(shape) }
    }

    /// The same place, seen as a list or map of `part`. Structures are not shown: some of their members are sensitive.
    fn holding(&self, part: &Shape) -> Self {
        let privacy = match part.kind {
            Kind::Structure(_) => Privacy::Hidden,
            _ => self.inner(part),
        };
        Self { path: self.path.clone(), privacy }
    }

    fn inner(&self, shape: &Shape) -> Privacy {
        if self.privacy == Privacy::Hidden { Privacy::Hidden } else { shape.privacy }
    }
}

fn check_structure(found: &mut Violations, members: &Map<String, Value>, structure: &Structure, place: Place) {
    for member in structure.members {
        if found.is_full() {
            return;
        }
        let place = place.member(member);
        match members.get(member.name) {
            Some(value) if !value.is_null() => check(found, value, member.shape, place),
            _ if member.presence == Presence::Required => absent(found, &place),
            _ => {}
        }
    }
}

fn absent(found: &mut Violations, place: &Place) {
    found.add(&place.path, &Value::Null, place.privacy, "Member must not be null");
}

fn check(found: &mut Violations, value: &Value, shape: &Shape, place: Place) {
    match (value, &shape.kind) {
        (Value::Object(members), Kind::Structure(structure)) => check_structure(found, members, structure, place),
        (Value::Array(items), Kind::List { length, item }) => {
            note(found, value, &place.holding(item), broken_length(items.len(), *length));
            check_items(found, value, items, item, &place);
        }
        (Value::Object(entries), Kind::Map { length, key, value: shape }) => {
            note(found, value, &place.holding(shape), broken_length(entries.len(), *length));
            check_entries(found, value, entries, (key, shape), &place);
        }
        (value, kind) => {
            for constraint in broken_scalar(value, kind) {
                found.add(&place.path, value, place.privacy, &constraint);
            }
        }
    }
}

fn note(found: &mut Violations, value: &Value, place: &Place, constraint: Option<String>) {
    if let Some(constraint) = constraint {
        found.add(&place.path, value, place.privacy, &constraint);
    }
}

fn check_items(found: &mut Violations, list: &Value, items: &[Value], item: &Shape, place: &Place) {
    let mut plain_breaks = false;
    for (at, value) in items.iter().enumerate() {
        if found.is_full() {
            return;
        }
        let here = || place.part(&(at + 1).to_string(), item);
        match (value, &item.kind) {
            (Value::Null, _) => absent(found, &here()),
            (value, Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. }) => check(found, value, item, here()),
            (value, kind) => plain_breaks |= !broken_scalar(value, kind).is_empty(),
        }
    }
    if plain_breaks {
        let constraint = format!("Member must satisfy constraint: [{}]", constraints(&item.kind).join(", "));
        found.add(&place.path, list, place.inner(item), &constraint);
    }
}

fn check_entries(
    found: &mut Violations,
    map: &Value,
    entries: &Map<String, Value>,
    (key, shape): (&Shape, &Shape),
    place: &Place,
) {
    let breaks = |name: &String| !broken_text(name, &key.kind).is_empty();
    if entries.keys().any(breaks) {
        let constraint = format!("Map keys must satisfy constraint: [{}]", constraints(&key.kind).join(", "));
        found.add(&place.path, map, place.inner(shape), &constraint);
    }
    let mut plain_breaks = false;
    for (name, value) in entries {
        match &shape.kind {
            _ if found.is_full() => return,
            Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. } => {
                check(found, value, shape, place.part(name, shape));
            }
            kind => plain_breaks |= !broken_scalar(value, kind).is_empty(),
        }
    }
    if plain_breaks {
        let constraint = format!("Map value must satisfy constraint: [{}]", constraints(&shape.kind).join(", "));
        found.add(&place.path, map, place.inner(shape), &constraint);
    }
}

fn broken_scalar(value: &Value, kind: &Kind) -> Vec<String> {
    match (value, kind) {
        (Value::String(text), kind) => broken_text(text, kind),
        (Value::Number(number), Kind::Integer(bounds) | Kind::Long(bounds)) => {
            number.as_i64().and_then(|number| broken_value(number, *bounds)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn broken_text(text: &str, kind: &Kind) -> Vec<String> {
    match kind {
        Kind::Text { length, rule } => {
            let length = broken_length(text.chars().count(), *length);
            let rule = (!keeps_rule(text, rule)).then(|| rule_text(rule)).flatten();
            length.into_iter().chain(rule).collect()
        }
        Kind::Blob(length) => broken_length(decoded_length(text), *length).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn keeps_rule(text: &str, rule: &TextRule) -> bool {
    match rule {
        TextRule::Any => true,
        TextRule::Pattern(pattern) => pattern.matches(text),
        TextRule::OneOf(values) => values.contains(&text),
    }
}

/// Everything that a plain value of this kind must keep.
fn constraints(kind: &Kind) -> Vec<String> {
    let (bounds, noun, rule) = match kind {
        Kind::Text { length, rule } => (*length, "length", rule_text(rule)),
        Kind::Blob(length) => (*length, "length", None),
        Kind::Integer(bounds) | Kind::Long(bounds) => (*bounds, "value", None),
        _ => (Bounds::NONE, "value", None),
    };
    let max = bounds.max.map(|max| format!("Member must have {noun} less than or equal to {max}"));
    let min = bounds.min.map(|min| format!("Member must have {noun} greater than or equal to {min}"));
    [max, min, rule].into_iter().flatten().collect()
}

fn rule_text(rule: &TextRule) -> Option<String> {
    match rule {
        TextRule::Any => None,
        TextRule::Pattern(pattern) => {
            Some(format!("Member must satisfy regular expression pattern: {}", pattern.text()))
        }
        TextRule::OneOf(values) => Some(format!("Member must satisfy enum value set: [{}]", values.join(", "))),
    }
}

/// The number of bytes behind base64 text that is known to be valid.
fn decoded_length(text: &str) -> usize {
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    (text.len() / 4 * 3).saturating_sub(padding)
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}
