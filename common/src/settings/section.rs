//! One table of the settings, read key by key.

use std::path::PathBuf;
use std::time::Duration;

use toml::{Table, Value};

use super::SettingError;
use super::values::{duration, nearest, share, size};

const ENVIRONMENT_PREFIX: &str = "TOLLGATE_";

/// A table and the keys that were asked of it so far. [`Section::finish`] refuses the rest.
#[derive(Debug)]
pub struct Section {
    place: String,
    table: Table,
    known: Vec<&'static str>,
}

/// A setting under a key that is data.
#[derive(Debug)]
pub enum Entry {
    Value(Value),
    Table(Section),
}

/// Parses the text of a settings file and lays scalars from the environment (`TOLLGATE_SECTION__KEY`) over the sections named in `sections`.
pub fn parse<'e>(
    text: &str,
    environment: impl IntoIterator<Item = (&'e str, &'e str)>,
    sections: &[&str],
) -> Result<Section, SettingError> {
    let mut table: Table = text.parse().map_err(|error: toml::de::Error| syntax_error(text, &error))?;
    for (name, value) in environment {
        let Some((section, key)) = name.strip_prefix(ENVIRONMENT_PREFIX).and_then(|rest| rest.split_once("__")) else {
            continue;
        };
        let section = section.to_ascii_lowercase();
        if !sections.contains(&section.as_str()) {
            continue;
        }
        // A table in a table: TOLLGATE_MESSAGES__SMTP__HOST.
        let (inner, key) = key.rsplit_once("__").map_or((None, key), |(inner, key)| (Some(inner), key));
        let mut entry = &mut table;
        for place in
            std::iter::once(section).chain(inner.iter().flat_map(|i| i.split("__")).map(str::to_ascii_lowercase))
        {
            let next = entry.entry(place).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(next) = next else {
                return Err(SettingError::new(name, "overrides a setting that is no table in the file"));
            };
            entry = next;
        }
        entry.insert(key.to_ascii_lowercase(), scalar(value));
    }
    Ok(Section { place: String::new(), table, known: Vec::new() })
}

impl Section {
    /// The dotted path of `key` in this section, for messages.
    pub fn place(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }

    /// An error about `key`.
    pub fn error(&self, key: &str, problem: impl Into<String>) -> SettingError {
        SettingError::new(self.place(key), problem)
    }

    /// Whether the key is there, without reading it.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub fn text(&mut self, key: &'static str) -> Result<Option<String>, SettingError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.error(key, "must be a string")),
        }
    }

    pub fn required_text(&mut self, key: &'static str) -> Result<String, SettingError> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    /// The error for a required key that is absent. Where another key was probably meant to be it, that one is named.
    pub fn missing(&self, key: &'static str) -> SettingError {
        match self.table.keys().find(|given| nearest(given, &[key]).is_some()) {
            Some(given) => self.error(given, format!("unknown key; did you mean `{key}`?")),
            None => self.error(key, "is missing"),
        }
    }

    pub fn file(&mut self, key: &'static str) -> Result<Option<PathBuf>, SettingError> {
        Ok(self.text(key)?.map(PathBuf::from))
    }

    /// A list of strings; empty when the key is absent.
    pub fn texts(&mut self, key: &'static str) -> Result<Vec<String>, SettingError> {
        let Some(value) = self.take(key) else { return Ok(Vec::new()) };
        let Value::Array(items) = value else { return Err(self.error(key, "must be a list of strings")) };
        items
            .into_iter()
            .map(|item| match item {
                Value::String(text) => Ok(text),
                _ => Err(self.error(key, "must be a list of strings")),
            })
            .collect()
    }

    pub fn flag(&mut self, key: &'static str) -> Result<Option<bool>, SettingError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Boolean(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.error(key, "must be true or false")),
        }
    }

    /// A flag, or a text for what is neither.
    pub fn flag_or_text(&mut self, key: &'static str) -> Result<Option<Result<bool, String>>, SettingError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Boolean(flag)) => Ok(Some(Ok(flag))),
            Some(Value::String(text)) => Ok(Some(Err(text))),
            Some(_) => Err(self.error(key, "must be true, false or a string")),
        }
    }

    /// A whole number within `bounds`.
    pub fn integer(
        &mut self,
        key: &'static str,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, SettingError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Integer(number)) => match u64::try_from(number) {
                Ok(number) if bounds.contains(&number) => Ok(Some(number)),
                _ => Err(self.error(key, format!("must be between {} and {}", bounds.start(), bounds.end()))),
            },
            Some(_) => Err(self.error(key, "must be a whole number")),
        }
    }

    /// A duration such as "250ms" or "5m".
    pub fn duration(&mut self, key: &'static str) -> Result<Option<Duration>, SettingError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        duration(&text).map(Some).ok_or_else(|| self.error(key, format!("\"{text}\" is no duration such as \"10s\"")))
    }

    /// A size such as "8MiB"; bytes.
    pub fn size(&mut self, key: &'static str) -> Result<Option<u64>, SettingError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        size(&text).map(Some).ok_or_else(|| self.error(key, format!("\"{text}\" is no size such as \"8MiB\"")))
    }

    /// A share of a whole: a number from 0 to 1, or a percentage such as "1%".
    pub fn share(&mut self, key: &'static str) -> Result<Option<f64>, SettingError> {
        let given = match self.take(key) {
            None => return Ok(None),
            Some(Value::Float(number)) => Some(number),
            Some(Value::Integer(number @ 0..=1)) => Some(number as f64),
            Some(Value::String(text)) => share(&text),
            Some(_) => None,
        };
        let given = given.filter(|number| (0.0..=1.0).contains(number));
        given.map(Some).ok_or_else(|| self.error(key, "must be a share such as \"1%\" or 0.01"))
    }

    pub fn section(&mut self, key: &'static str) -> Result<Option<Section>, SettingError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Section { place: self.place(key), table, known: Vec::new() })),
            Some(_) => Err(self.error(key, "must be a table")),
        }
    }

    /// An array of tables (`[[key]]`); empty when absent.
    pub fn sections(&mut self, key: &'static str) -> Result<Vec<Section>, SettingError> {
        let Some(value) = self.take(key) else { return Ok(Vec::new()) };
        let Value::Array(items) = value else { return Err(self.error(key, "must be a list of tables")) };
        items
            .into_iter()
            .enumerate()
            .map(|(i, item)| match item {
                Value::Table(table) => {
                    Ok(Section { place: format!("{}[{i}]", self.place(key)), table, known: Vec::new() })
                }
                _ => Err(self.error(key, "must be a list of tables")),
            })
            .collect()
    }

    /// What is left as pairs of strings, in the order of their keys: for tables whose keys are data.
    pub fn pairs(mut self) -> Result<Vec<(String, String)>, SettingError> {
        std::mem::take(&mut self.table)
            .into_iter()
            .map(|(key, value)| match value {
                Value::String(text) => Ok((key, text)),
                _ => Err(SettingError::new(self.place(&key), "must be a string")),
            })
            .collect()
    }

    /// A value of any type, for settings whose type is data.
    pub fn value(&mut self, key: &'static str) -> Option<Value> {
        self.take(key)
    }

    /// What is left with its keys, in their order, for tables whose keys are data and whose values are of several types.
    pub fn entries(mut self) -> Vec<(String, Entry)> {
        std::mem::take(&mut self.table)
            .into_iter()
            .map(|(key, value)| match value {
                Value::Table(table) => {
                    let section = Section { place: self.place(&key), table, known: Vec::new() };
                    (key, Entry::Table(section))
                }
                value => (key, Entry::Value(value)),
            })
            .collect()
    }

    /// Every key must have been asked for by now.
    pub fn finish(self) -> Result<(), SettingError> {
        let Some(unknown) = self.table.keys().next() else { return Ok(()) };
        let hint = match nearest(unknown, &self.known) {
            Some(known) => format!("unknown key; did you mean `{known}`?"),
            None => format!("unknown key; known here: {}", self.known.join(", ")),
        };
        Err(SettingError::new(self.place(unknown), hint))
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.table.remove(key)
    }
}

/// An environment value means what it would mean unquoted in the file, if anything; else it is a string.
fn scalar(value: &str) -> Value {
    if let Ok(flag) = value.parse::<bool>() {
        return Value::Boolean(flag);
    }
    if let Ok(number) = value.parse::<i64>() {
        return Value::Integer(number);
    }
    Value::String(value.to_owned())
}

fn syntax_error(text: &str, error: &toml::de::Error) -> SettingError {
    let line = error.span().map_or(1, |span| {
        1 + text.get(..span.start).map_or(0, |before| before.bytes().filter(|byte| *byte == b'\n').count())
    });
    SettingError::new(format!("line {line}"), error.message().replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Section {
        parse(text, [], &[]).unwrap()
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one() {
        let mut root = read("[listen]\nhtpp = \"127.0.0.1:1\"");
        let mut listen = root.section("listen").unwrap().unwrap();
        assert_eq!(listen.text("http").unwrap(), None);
        let error = listen.finish().unwrap_err();
        assert_eq!(error.to_string(), "listen.htpp: unknown key; did you mean `http`?");
    }

    #[test]
    fn a_required_key_that_is_misspelt_is_told_as_that() {
        assert_eq!(
            read("nmae = \"x\"").required_text("name").unwrap_err().to_string(),
            "nmae: unknown key; did you mean `name`?"
        );
        assert_eq!(read("other = \"x\"").required_text("name").unwrap_err().to_string(), "name: is missing");
    }

    #[test]
    fn wrong_types_and_ranges_say_where() {
        let mut root = read("a = 1\nb = \"x\"\nc = 70000\nd = [1]");
        assert_eq!(root.text("a").unwrap_err().to_string(), "a: must be a string");
        assert_eq!(root.flag("b").unwrap_err().to_string(), "b: must be true or false");
        assert_eq!(root.integer("c", 0..=65535).unwrap_err().to_string(), "c: must be between 0 and 65535");
        assert_eq!(root.texts("d").unwrap_err().to_string(), "d: must be a list of strings");
    }

    #[test]
    fn shares_are_numbers_or_percentages() {
        for (text, expected) in
            [("0.01", 0.01), ("1", 1.0), ("0", 0.0), ("\"1%\"", 0.01), ("\"0.25\"", 0.25), ("\"100%\"", 1.0)]
        {
            assert_eq!(read(&format!("a = {text}")).share("a"), Ok(Some(expected)), "{text}");
        }
        for text in ["1.01", "-0.1", "2", "\"101%\"", "\"x\"", "\"%\"", "true", "nan", "inf"] {
            assert!(read(&format!("a = {text}")).share("a").is_err(), "{text}");
        }
    }

    #[test]
    fn a_syntax_error_names_its_line() {
        let error = parse("a = 1\nb = = 2", [], &[]).unwrap_err();
        assert_eq!(error.place, "line 2");
    }

    #[test]
    fn the_environment_lies_over_the_file_for_known_sections_only() {
        let environment = [
            ("TOLLGATE_LISTEN__HTTP", "127.0.0.1:9"),
            ("TOLLGATE_LISTEN__MAX", "7"),
            ("TOLLGATE_STORE__URL", "x"),
            ("HOME", "/"),
        ];
        let mut root = parse("[listen]\nhttp = \"a\"", environment, &["listen"]).unwrap();
        let mut listen = root.section("listen").unwrap().unwrap();
        assert_eq!(listen.text("http").unwrap().as_deref(), Some("127.0.0.1:9"));
        assert_eq!(listen.integer("max", 0..=9).unwrap(), Some(7));
        root.finish().unwrap();
    }
}
