//! What a request may hold, as static data. The tables are generated; this is their vocabulary.

use crate::pattern::Pattern;

/// A structure's members, sorted by name.
#[derive(Debug)]
pub struct Structure {
    pub members: &'static [Member],
}

#[derive(Debug)]
pub struct Member {
    /// As on the wire: `UserPoolId`.
    pub name: &'static str,
    pub shape: &'static Shape,
    pub presence: Presence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Required,
    Optional,
}

/// One shape of the model.
#[derive(Debug)]
pub struct Shape {
    pub kind: Kind,
    pub privacy: Privacy,
}

/// Whether error texts may repeat a value. What lies below a hidden shape is hidden too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    Shown,
    Hidden,
}

#[derive(Debug)]
pub enum Kind {
    /// Length in code points.
    Text {
        length: Bounds,
        rule: TextRule,
    },
    Integer(Bounds),
    Long(Bounds),
    Boolean,
    Timestamp,
    /// Length in bytes.
    Blob(Bounds),
    /// Any JSON.
    Document,
    List {
        length: Bounds,
        item: &'static Shape,
    },
    Map {
        length: Bounds,
        key: &'static Shape,
        value: &'static Shape,
    },
    Structure(&'static Structure),
}

#[derive(Debug)]
pub enum TextRule {
    Any,
    Pattern(&'static Pattern),
    OneOf(&'static [&'static str]),
}

/// Inclusive limits of a length or a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub min: Option<i64>,
    pub max: Option<i64>,
}

impl Bounds {
    pub const NONE: Self = Self { min: None, max: None };

    pub const fn at_least(min: i64) -> Self {
        Self { min: Some(min), max: None }
    }

    pub const fn at_most(max: i64) -> Self {
        Self { min: None, max: Some(max) }
    }

    pub const fn between(min: i64, max: i64) -> Self {
        Self { min: Some(min), max: Some(max) }
    }
}

impl Member {
    pub const fn required(name: &'static str, shape: &'static Shape) -> Self {
        Self { name, shape, presence: Presence::Required }
    }

    pub const fn optional(name: &'static str, shape: &'static Shape) -> Self {
        Self { name, shape, presence: Presence::Optional }
    }
}

impl Shape {
    const fn new(kind: Kind) -> Self {
        Self { kind, privacy: Privacy::Shown }
    }

    /// The same, never repeated in error texts.
    pub const fn hidden(mut self) -> Self {
        self.privacy = Privacy::Hidden;
        self
    }

    pub const fn text(length: Bounds) -> Self {
        Self::new(Kind::Text { length, rule: TextRule::Any })
    }

    pub const fn matching(length: Bounds, pattern: &'static Pattern) -> Self {
        Self::new(Kind::Text { length, rule: TextRule::Pattern(pattern) })
    }

    pub const fn one_of(values: &'static [&'static str]) -> Self {
        Self::new(Kind::Text { length: Bounds::NONE, rule: TextRule::OneOf(values) })
    }

    pub const fn integer(value: Bounds) -> Self {
        Self::new(Kind::Integer(value))
    }

    pub const fn long(value: Bounds) -> Self {
        Self::new(Kind::Long(value))
    }

    pub const fn boolean() -> Self {
        Self::new(Kind::Boolean)
    }

    pub const fn timestamp() -> Self {
        Self::new(Kind::Timestamp)
    }

    pub const fn blob(length: Bounds) -> Self {
        Self::new(Kind::Blob(length))
    }

    pub const fn document() -> Self {
        Self::new(Kind::Document)
    }

    pub const fn list(length: Bounds, item: &'static Shape) -> Self {
        Self::new(Kind::List { length, item })
    }

    pub const fn map(length: Bounds, key: &'static Shape, value: &'static Shape) -> Self {
        Self::new(Kind::Map { length, key, value })
    }

    pub const fn structure(structure: &'static Structure) -> Self {
        Self::new(Kind::Structure(structure))
    }
}
