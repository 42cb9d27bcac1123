//! The service models as botocore publishes them ("service-2.json", here without the documentation).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer};

/// One service: its operations and the shapes they are made of.
#[derive(Debug, Deserialize)]
pub struct Spec {
    pub metadata: Metadata,
    pub operations: BTreeMap<String, Operation>,
    pub shapes: BTreeMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The part of `X-Amz-Target` before the dot.
    pub target_prefix: String,
    /// Also the signing name (SigV4).
    pub endpoint_prefix: String,
}

#[derive(Debug, Deserialize)]
pub struct Operation {
    pub name: String,
    pub input: ShapeRef,
    pub output: Option<ShapeRef>,
    #[serde(default)]
    pub errors: Vec<ShapeRef>,
    /// `none` when the operation is not signed.
    pub authtype: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct ShapeRef {
    pub shape: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(default)]
    pub members: BTreeMap<String, ShapeRef>,
    #[serde(default)]
    pub required: Vec<String>,
    pub member: Option<ShapeRef>,
    pub key: Option<ShapeRef>,
    pub value: Option<ShapeRef>,
    #[serde(default, deserialize_with = "bound")]
    pub min: Option<i64>,
    #[serde(default, deserialize_with = "bound")]
    pub max: Option<i64>,
    pub pattern: Option<String>,
    #[serde(rename = "enum", default)]
    pub values: Vec<String>,
    #[serde(default)]
    pub sensitive: bool,
    #[serde(default)]
    pub document: bool,
    #[serde(default)]
    pub exception: bool,
    #[serde(default)]
    pub fault: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Structure,
    List,
    Map,
    String,
    Integer,
    Long,
    Boolean,
    Double,
    Timestamp,
    Blob,
}

impl Spec {
    /// Gives shapes other patterns.
    pub fn correct(&mut self, patterns: &[(&str, &str)]) {
        for (name, pattern) in patterns {
            if let Some(shape) = self.shapes.get_mut(*name) {
                shape.pattern = Some((*pattern).to_owned());
            }
        }
    }

    /// Makes documents of these shapes, any JSON, and drops the shapes that nothing but they were made of: a language of its own has a reader of its
    /// own.
    pub fn leave_to_others(&mut self, names: &[&str]) {
        for (_, shape) in self.shapes.iter_mut().filter(|(name, _)| names.contains(&name.as_str())) {
            *shape = Shape::document();
        }
        let whole = |operation: &Operation| {
            let output = operation.output.as_ref().map(|output| output.shape.clone());
            [Some(operation.input.shape.clone()), output].into_iter().flatten().collect::<Vec<_>>()
        };
        let mut waiting: Vec<String> = self.operations.values().flat_map(whole).collect();
        let mut reached = BTreeSet::new();
        while let Some(name) = waiting.pop() {
            let parts = self.shapes.get(&name).into_iter().flat_map(Shape::parts);
            if !reached.contains(&name) {
                waiting.extend(parts.map(str::to_owned));
                reached.insert(name);
            }
        }
        self.shapes.retain(|name, shape| shape.exception || reached.contains(name));
    }
}

impl Shape {
    fn document() -> Self {
        Self {
            kind: Kind::Structure,
            members: BTreeMap::new(),
            required: Vec::new(),
            member: None,
            key: None,
            value: None,
            min: None,
            max: None,
            pattern: None,
            values: Vec::new(),
            sensitive: false,
            document: true,
            exception: false,
            fault: false,
        }
    }

    /// The shapes this one is made of.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        let inner = [&self.member, &self.key, &self.value].into_iter().flatten();
        self.members.values().chain(inner).map(|part| part.shape.as_str())
    }

    pub fn is_structure(&self) -> bool {
        self.kind == Kind::Structure && !self.document
    }

    pub fn is_enum(&self) -> bool {
        !self.values.is_empty()
    }
}

/// Some models write whole numbers as `100.0`.
fn bound<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number.as_i64().or_else(|| format!("{number}").strip_suffix(".0").and_then(|text| text.parse().ok()));
    whole.map(Some).ok_or_else(|| serde::de::Error::custom("a bound that is no whole number"))
}
