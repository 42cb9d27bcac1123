//! The service models as botocore publishes them ("service-2.json", here without the documentation).

use std::collections::BTreeMap;

use serde::Deserialize;

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
    pub min: Option<i64>,
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
    Timestamp,
    Blob,
}

impl Shape {
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
