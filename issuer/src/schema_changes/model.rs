//! What can be changed, and what is told of it.

use cognito_model::idp::types::{
    AliasAttributeType, AttributeDataType, NumberAttributeConstraintsType, SchemaAttributeType,
    StringAttributeConstraintsType, UsernameAttributeType,
};
use serde::{Deserialize, Serialize};

/// A change, as it is asked for and kept. Names are whole: `custom:plan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// Another name for a custom attribute, within the same prefix.
    Rename { attribute: String, to: String },
    /// The attribute and its values go.
    Drop { attribute: String },
    /// Wider bounds, not required, mutable: only what every value meets that there is.
    Relax {
        attribute: String,
        #[serde(default)]
        min: Option<String>,
        #[serde(default)]
        max: Option<String>,
        #[serde(default)]
        optional: bool,
        #[serde(default)]
        mutable: bool,
    },
    /// Another type for a custom attribute, with bounds of its own.
    Retype {
        attribute: String,
        to: Type,
        #[serde(default)]
        min: Option<String>,
        #[serde(default)]
        max: Option<String>,
    },
    /// How people sign in; what is left out stays.
    SignIn {
        #[serde(default)]
        alias_attributes: Option<Vec<AliasAttributeType>>,
        #[serde(default)]
        username_attributes: Option<Vec<UsernameAttributeType>>,
        /// Names are compared without regard to case. There is no way back.
        #[serde(default)]
        case_insensitive: bool,
    },
}

/// The data types of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    String,
    Number,
    Boolean,
    Datetime,
}

/// What there is to say while a change is looked at or made.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Progress { phase: &'static str, done: u64, total: u64 },
    Report(Report),
}

/// What a change comes to, or what stands in its way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Users of the pool when it was made.
    pub users: u64,
    /// Users whose rows are changed.
    pub affected: u64,
    /// What stands in the way: all of it counted, the first [`Report::SHOWN`] shown.
    pub conflicts: u64,
    pub shown: Vec<Conflict>,
}

/// One thing that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The value that does not fit, or the name that several would have; its beginning.
    pub value: String,
    /// Why it does not fit.
    pub why: String,
    /// User names, two at least for a name; the first [`Conflict::USERS`].
    pub users: Vec<String>,
}

impl Report {
    /// Conflicts that are shown.
    pub const SHOWN: usize = 100;

    pub fn add(&mut self, conflict: Conflict) {
        self.conflicts += 1;
        if self.shown.len() < Self::SHOWN {
            self.shown.push(conflict);
        }
    }

    pub fn summary(&self) -> String {
        let first = self.shown.first();
        let example =
            first.map(|first| format!("; the first: {:?} ({}; {})", first.value, first.why, first.users.join(", ")));
        format!("{} in the way{}", self.conflicts, example.unwrap_or_default())
    }
}

impl Conflict {
    /// Users that are named of one conflict.
    pub const USERS: usize = 5;
    const LONGEST: usize = 64;

    pub fn new(value: &str, why: impl Into<String>, users: Vec<String>) -> Self {
        Self { value: value.chars().take(Self::LONGEST).collect(), why: why.into(), users }
    }
}

impl Change {
    /// For people: `rename custom:a to custom:b`.
    pub fn describe(&self) -> String {
        match self {
            Self::Rename { attribute, to } => format!("rename {attribute} to {to}"),
            Self::Drop { attribute } => format!("drop {attribute}"),
            Self::Relax { attribute, .. } => format!("relax {attribute}"),
            Self::Retype { attribute, to, .. } => format!("retype {attribute} to {}", to.wire().as_str()),
            Self::SignIn { .. } => "sign-in".to_owned(),
        }
    }
}

impl Type {
    pub const fn wire(self) -> AttributeDataType {
        match self {
            Self::String => AttributeDataType::String,
            Self::Number => AttributeDataType::Number,
            Self::Boolean => AttributeDataType::Boolean,
            Self::Datetime => AttributeDataType::DateTime,
        }
    }
}

/// A definition with other bounds, which mean lengths for texts.
pub fn with_bounds(
    definition: SchemaAttributeType,
    min: Option<String>,
    max: Option<String>,
) -> Result<SchemaAttributeType, String> {
    if min.is_none() && max.is_none() {
        return Ok(definition);
    }
    match definition.attribute_data_type {
        Some(AttributeDataType::Number) => Ok(SchemaAttributeType {
            number_attribute_constraints: Some(NumberAttributeConstraintsType { min_value: min, max_value: max }),
            ..definition
        }),
        Some(AttributeDataType::String) | None => Ok(SchemaAttributeType {
            string_attribute_constraints: Some(StringAttributeConstraintsType { min_length: min, max_length: max }),
            ..definition
        }),
        Some(other) => Err(format!("a {} has no bounds", other.as_str())),
    }
}
