//! Requests that a web ACL is tried with, in the form of the OWASP CRS regression corpus: one JSON object a line.
//!
//! `{"rule":942100,"fam":"REQUEST-942-…","test":1,"stage":0,"label":"attack","ids":[942100],"method":"POST","uri":"/post",
//! "headers":{"Host":"localhost"},"data":"a=b","encoded":null,"status":null}`. Every field but `fam` and `label` may be missing or null. A test of
//! several stages is several lines. `encoded` is base64 of a whole request and stands for everything else.

mod levels;
mod wire;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub use levels::{Level, Levels};
pub use wire::Form;

/// Longest file, in bytes.
const FILE_LIMIT: u64 = 512 * 1024 * 1024;

/// One request of a corpus.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Rule of CRS that it tests; 0 for clean traffic.
    #[serde(default, deserialize_with = "or_default")]
    pub rule: u64,
    /// Name of the rule's file, or of a class of clean traffic.
    pub fam: String,
    #[serde(default, deserialize_with = "or_default")]
    pub test: u64,
    #[serde(default, deserialize_with = "or_default")]
    pub stage: u64,
    pub label: Label,
    pub ids: Option<Value>,
    #[serde(default, deserialize_with = "text")]
    pub method: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub uri: Option<String>,
    pub headers: Option<Fields>,
    #[serde(default, deserialize_with = "text")]
    pub data: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub encoded: Option<String>,
    pub status: Option<Value>,
}

/// What a request is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// A rule must find it.
    Attack,
    /// One rule must not find it; others may.
    BenignForRule,
    /// Traffic that nothing should refuse.
    Clean,
    /// Whatever else the corpus tests, such as the server's own refusals.
    #[default]
    #[serde(other)]
    Other,
}

/// Fields of a head in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The value of the first field of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Entry {
    /// Short name in lists: `942100-1`, with the stage where there are several.
    pub fn name(&self) -> String {
        let stage = if self.stage == 0 { String::new() } else { format!("/{}", self.stage) };
        if self.rule == 0 {
            format!("{}-{}{stage}", self.fam, self.test)
        } else {
            format!("{}-{}{stage}", self.rule, self.test)
        }
    }

    /// The family's number: of `REQUEST-942-APPLICATION-ATTACK-SQLI`, or else of rule 942100, 942.
    pub fn family(&self) -> Option<u64> {
        let number = |word: &str| word.parse().ok().filter(|number| (900..1000).contains(number));
        self.fam.split('-').find_map(number).or_else(|| number(self.rule.to_string().get(..3)?))
    }
}

/// A file's requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Corpus {
    /// Each with its line, counted from 1.
    pub entries: Vec<(usize, Entry)>,
    /// Lines that are no request, and why.
    pub broken: Vec<(usize, String)>,
}

/// Why a corpus can't be read.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}: at most {FILE_LIMIT} bytes are read", path.display())]
    TooLong { path: PathBuf },
}

/// Every request of a file, in its order. Empty lines are left out.
///
/// # Errors
/// When it can't be read or is too long.
pub fn read(path: &Path) -> Result<Corpus, CorpusError> {
    let at = |source| CorpusError::File { path: path.to_owned(), source };
    let length = std::fs::metadata(path).map_err(at)?.len();
    if length > FILE_LIMIT {
        return Err(CorpusError::TooLong { path: path.to_owned() });
    }
    Ok(parse(&std::fs::read(path).map_err(at)?))
}

/// The same of a text.
pub fn parse(text: &[u8]) -> Corpus {
    let mut corpus = Corpus::default();
    for (line, bytes) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        if !bytes.iter().all(u8::is_ascii_whitespace) {
            match serde_json::from_slice(bytes) {
                Ok(entry) => corpus.entries.push((line, entry)),
                Err(error) => corpus.broken.push((line, error.to_string())),
            }
        }
    }
    corpus
}

fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// A text, or what is written without quotes and stands for one.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match Option::deserialize(from)? {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
        Some(_) => Err(serde::de::Error::custom("a text is wanted")),
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        let mut map = into.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("header fields by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            let text = match value {
                Value::String(text) => text,
                Value::Null => String::new(),
                other => other.to_string(),
            };
            fields.push((name, text));
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests;
