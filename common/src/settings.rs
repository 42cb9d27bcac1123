//! Settings files: TOML text plus `TOLLGATE_SECTION__KEY` overrides, parsed into a type whose unknown keys are errors that
//! name the nearest known key. Reading the file and the environment is the caller's.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Exit code for configuration that can't be used (`EX_USAGE` of sysexits.h).
pub const EXIT_CONFIG: u8 = 64;

const ENV_PREFIX: &str = "TOLLGATE_";

/// One clear line about what is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

impl SettingsError {
    pub fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }
}

/// Parses `text` as TOML, lays the overrides of `env` over it and reads a `T`, which should `deny_unknown_fields`.
///
/// An override `TOLLGATE_LISTEN__HTTP=…` sets `listen.http`. It replaces a value by one of the type that is there; where
/// nothing is there it is read as a TOML scalar and else as text. Variables without `__` are not settings and are ignored.
pub fn parse<T: DeserializeOwned>(
    text: &str,
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<T, SettingsError> {
    let mut table: Table = text.parse().map_err(|e: toml::de::Error| in_words(text, &e))?;
    let mut overrides: Vec<_> = env.into_iter().filter(|(name, _)| is_override(name)).collect();
    if overrides.is_empty() {
        return toml::from_str(text).map_err(|e| in_words(text, &e)); // keeps line numbers
    }
    overrides.sort();
    for (name, value) in overrides {
        lay_over(&mut table, &name, &value)?;
    }
    T::deserialize(Value::Table(table)).map_err(|e| in_words("", &e))
}

fn is_override(name: &str) -> bool {
    name.strip_prefix(ENV_PREFIX).is_some_and(|rest| rest.contains("__"))
}

fn lay_over(table: &mut Table, name: &str, value: &str) -> Result<(), SettingsError> {
    let path: Vec<String> = name.trim_start_matches(ENV_PREFIX).split("__").map(str::to_ascii_lowercase).collect();
    let Some((key, sections)) = path.split_last() else { return Ok(()) };
    let mut section = table;
    for part in sections {
        let entry = section.entry(part.clone()).or_insert_with(|| Value::Table(Table::new()));
        section = entry.as_table_mut().ok_or_else(|| SettingsError(format!("{name}: '{part}' is not a section")))?;
    }
    let new = match section.get(key) {
        Some(Value::String(_)) => Value::String(value.to_owned()),
        Some(Value::Table(_) | Value::Array(_)) => {
            return Err(SettingsError(format!("{name}: only single values can be set by environment")));
        }
        Some(_) | None => scalar(value),
    };
    section.insert(key.clone(), new);
    Ok(())
}

fn scalar(text: &str) -> Value {
    if let Ok(flag) = text.parse::<bool>() {
        return Value::Boolean(flag);
    }
    text.parse::<i64>().map_or_else(|_| Value::String(text.to_owned()), Value::Integer)
}

/// `line 3: unknown key 'htp'; did you mean 'http'?`
fn in_words(text: &str, error: &toml::de::Error) -> SettingsError {
    let at = error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
    let at = if text.is_empty() { None } else { at };
    let message = unknown_key(error.message()).unwrap_or_else(|| error.message().replace('\n', " "));
    SettingsError(at.map_or(message.clone(), |line| format!("line {line}: {message}")))
}

/// Rewrites serde's `unknown field …, expected …` so that it names the nearest known key.
fn unknown_key(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, rest) = rest.split_once('`')?;
    let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    let nearest = known.iter().min_by_key(|candidate| edit_distance(key, candidate));
    Some(match nearest {
        Some(nearest) => format!("unknown key '{key}'; did you mean '{nearest}'?"),
        None => format!("unknown key '{key}'"),
    })
}

/// Levenshtein's distance, one row at a time.
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (to, cell) in b.chars().zip(row.iter_mut().skip(1)) {
            let substituted = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = substituted.min(left + 1).min(*cell + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        listen: Listen,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Listen {
        http: String,
        #[serde(default)]
        workers: u16,
    }

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn overrides_lie_over_the_file() {
        let text = "[listen]\nhttp = \"a:1\"\n";
        let vars = env(&[("TOLLGATE_LISTEN__HTTP", "b:2"), ("TOLLGATE_LISTEN__WORKERS", "3"), ("TOLLGATE_BIN", "x")]);
        let got: Settings = parse(text, vars).unwrap();
        assert_eq!(got, Settings { listen: Listen { http: "b:2".into(), workers: 3 } });
    }

    #[test]
    fn errors_are_one_clear_line() {
        let none = || env(&[]);
        let cases = [
            ("[listen]\nhtp = \"a\"\n", "line 2: unknown key 'htp'; did you mean 'http'?"),
            ("[listn]\n", "unknown key 'listn'; did you mean 'listen'?"),
            ("[listen]\nhttp = 1\n", "line 2: invalid type: integer `1`, expected a string"),
            ("[listen]\n", "missing field `http`"),
        ];
        for (text, want) in cases {
            let got = parse::<Settings>(text, none()).unwrap_err().to_string();
            assert!(got.contains(want), "{text:?}: {got}");
            assert!(!got.contains('\n'));
        }
        let got = parse::<Settings>("[listen]\nhttp='a'", env(&[("TOLLGATE_LISTEN__HTPP", "x")])).unwrap_err();
        assert_eq!(got.to_string(), "unknown key 'htpp'; did you mean 'http'?");
    }

    #[test]
    fn distance() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
    }
}
