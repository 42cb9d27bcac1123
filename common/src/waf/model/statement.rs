//! What a rule asks of a request.

use std::collections::BTreeMap;

use crate::waf::model::{Action, AttemptPlace, Fallback, RateBased, Signal, Target};

/// AWS WAFv2 `Statement`.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// Two or more.
    And(Vec<Statement>),
    /// Two or more.
    Or(Vec<Statement>),
    Not(Box<Statement>),
    ByteMatch {
        target: Target,
        search: Vec<u8>,
        position: Position,
    },
    /// The pattern compiles.
    Regex {
        target: Target,
        pattern: String,
    },
    RegexSet {
        target: Target,
        arn: String,
    },
    Size {
        target: Target,
        comparison: Comparison,
        bytes: u64,
    },
    Sqli {
        target: Target,
        sensitivity: Sensitivity,
    },
    Xss {
        target: Target,
    },
    /// ISO 3166-1 alpha-2 codes.
    Geo {
        countries: Vec<[u8; 2]>,
        forwarded: Option<ForwardedIp>,
    },
    Asn {
        numbers: Vec<u32>,
        forwarded: Option<ForwardedIp>,
    },
    IpSet {
        arn: String,
        forwarded: Option<(ForwardedIp, SetPosition)>,
    },
    Label {
        scope: LabelScope,
        key: String,
    },
    /// One of these is said of the attempt that the request is. For groups that come with Tollgate; AWS's JSON has no such statement.
    Signal(Vec<Signal>),
    Rate(Box<RateBased>),
    Group(GroupReference),
    Managed(Box<ManagedGroup>),
}

/// Where the text has to be (`PositionalConstraint`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Position {
    Exactly,
    StartsWith,
    EndsWith,
    Contains,
    /// As [`Position::Contains`], with no letter, digit or underscore beside it.
    ContainsWord,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Eq,
    Ne,
    Le,
    Lt,
    Ge,
    Gt,
}

impl Comparison {
    pub fn holds(self, left: u64, right: u64) -> bool {
        match self {
            Self::Eq => left == right,
            Self::Ne => left != right,
            Self::Le => left <= right,
            Self::Lt => left < right,
            Self::Ge => left >= right,
            Self::Gt => left > right,
        }
    }
}

/// How easily a text passes for SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sensitivity {
    Low,
    High,
}

/// An address that a header names instead of the client's own (`ForwardedIPConfig`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardedIp {
    /// In lower case.
    pub header: String,
    /// What is said when the header holds no valid address; without the header nothing matches.
    pub fallback: Fallback,
}

/// Which of several addresses in the header are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetPosition {
    First,
    Last,
    /// Of up to ten.
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelScope {
    Label,
    Namespace,
}

/// A reference to a rule group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupReference {
    pub arn: String,
    pub overrides: Overrides,
}

/// A reference to a rule group that comes with the product.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagedGroup {
    pub vendor: String,
    pub name: String,
    pub version: Option<String>,
    pub overrides: Overrides,
    pub scope_down: Option<Box<Statement>>,
    /// What `ManagedRuleGroupConfigs` says of an application's own sign-in or sign-up.
    pub place: Option<AttemptPlace>,
}

/// Actions that rules of a group get in the place of their own, by name (`RuleActionOverrides`, and `ExcludedRules`, which means Count).
pub type Overrides = BTreeMap<String, Action>;
