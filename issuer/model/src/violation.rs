//! The words in which AWS reports a broken limit.

use std::fmt::Write;

use serde_json::Value;

use crate::shape::{Bounds, Privacy};

/// More than this many are not listed: an answer stays small however long the list of bad attributes was.
pub const MAX_LISTED: usize = 32;

/// A value longer than this is cut in the message, in code points.
const MAX_SHOWN: usize = 1024;

/// What was broken, so far.
#[derive(Debug, Default)]
pub struct Violations(Vec<String>);

impl Violations {
    /// Notes that the value at `path` breaks `constraint`.
    pub fn add(&mut self, path: &str, value: &Value, privacy: Privacy, constraint: &str) {
        if self.is_full() {
            return;
        }
        let shown = shown(value, privacy);
        self.0.push(format!("Value {shown}at '{path}' failed to satisfy constraint: {constraint}"));
    }

    /// No more will be listed, so looking further is of no use.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MAX_LISTED
    }

    /// The message of the exception, if anything was broken.
    pub fn into_message(self) -> Option<String> {
        let count = self.0.len();
        let plural = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} validation error{plural} detected: {}", self.0.join("; ")))
    }
}

/// The limits of a length that `length` breaks. AWS names the maximum first.
pub fn broken_length(length: usize, bounds: Bounds) -> Option<String> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    broken(length, bounds).map(|limit| format!("Member must have length {limit}"))
}

/// The limits of a number that `number` breaks.
pub fn broken_value(number: i64, bounds: Bounds) -> Option<String> {
    broken(number, bounds).map(|limit| format!("Member must have value {limit}"))
}

fn broken(number: i64, bounds: Bounds) -> Option<String> {
    match bounds {
        Bounds { max: Some(max), .. } if number > max => Some(format!("less than or equal to {max}")),
        Bounds { min: Some(min), .. } if number < min => Some(format!("greater than or equal to {min}")),
        _ => None,
    }
}

/// `'value' `, `null `, or nothing for what must not be repeated.
fn shown(value: &Value, privacy: Privacy) -> String {
    if value.is_null() {
        return "null ".to_owned();
    }
    if privacy == Privacy::Hidden {
        return String::new();
    }
    let text = java_text(value);
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("'{}...' ", text.get(..end).unwrap_or_default()),
        None => format!("'{text}' "),
    }
}

/// As Java's `toString` has it: `[a, b]`, `{k=v}`.
fn java_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(java_text).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let mut out = String::from("{");
            for (at, (name, entry)) in entries.iter().enumerate() {
                let comma = if at == 0 { "" } else { ", " };
                let _ = write!(out, "{comma}{name}={}", java_text(entry));
            }
            out + "}"
        }
        other => other.to_string(),
    }
}
