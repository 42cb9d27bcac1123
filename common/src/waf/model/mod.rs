//! Web ACLs, rule groups and sets as values that can't be wrong: made by [`crate::waf::read`] only, evaluated by the edge.

mod action;
mod attempt;
mod field;
mod logging;
mod rate;
mod set;
mod statement;

use std::collections::BTreeMap;

pub use self::action::{Action, BlockResponse, ContentType, GroupAction, InsertedHeader, ResponseBody, RuleAction};
pub use self::attempt::{
    Answers, AttemptFields, AttemptPlace, PathMatch, Payload, Signal, Signals, Texts, Watched, Watching,
};
pub use self::field::{
    BodyFallback, CookieFilter, Fallback, Field, HeaderFilter, JsonPaths, NameFilter, Oversize, Place, PreParse, Scope,
    Target,
};
pub use self::logging::{LogAction, LogCondition, LogFilter, LogRule, Logging, Redacted};
pub use self::rate::{Aggregation, KeyPart, RateBased};
pub use self::set::{IpSet, RegexSet};
pub use self::statement::{
    Comparison, ForwardedIp, GroupReference, LabelScope, ManagedGroup, Overrides, Position, Sensitivity, SetPosition,
    Statement,
};

/// A web ACL: what becomes of a request (AWS WAFv2 `WebACL`).
#[derive(Clone, Debug, PartialEq)]
pub struct WebAcl {
    pub name: String,
    /// None in a request that makes one.
    pub arn: Option<String>,
    /// Where no rule ends the evaluation: [`Action::Allow`] or [`Action::Block`].
    pub default_action: Action,
    /// By priority, the lowest number first.
    pub rules: Vec<Rule>,
    pub bodies: Bodies,
    /// Seconds that a solved puzzle counts, where a rule does not say. Default 300.
    pub captcha_immunity: u32,
    /// Seconds that a solved challenge counts, where a rule does not say. Default 300.
    pub challenge_immunity: u32,
    /// Hosts whose tokens count here besides the request's own.
    pub token_domains: Vec<String>,
    /// Bytes of bodies that are inspected (`AssociationConfig`), where the web ACL says.
    pub body_limit: Option<usize>,
    pub visibility: Visibility,
    /// What neither logs nor samples tell of its requests.
    pub protected: Redacted,
    /// `awswaf:<account>:webacl:<name>:`, ends in a colon.
    pub label_namespace: String,
}

/// Bodies of custom responses by their keys.
pub type Bodies = BTreeMap<String, ResponseBody>;

/// Rules that web ACLs refer to (AWS WAFv2 `RuleGroup`).
#[derive(Clone, Debug, PartialEq)]
pub struct RuleGroup {
    pub name: String,
    pub arn: Option<String>,
    /// What it was declared to cost at most; never less than its rules do.
    pub capacity: u64,
    pub rules: Vec<Rule>,
    pub bodies: Bodies,
    pub visibility: Visibility,
    /// `awswaf:<account>:rulegroup:<name>:`, ends in a colon.
    pub label_namespace: String,
    /// Of a group that judges attempts: which.
    pub watched: Option<Watched>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub name: String,
    pub priority: u32,
    pub statement: Statement,
    pub action: RuleAction,
    /// Added when the rule matches, without their namespace.
    pub labels: Vec<String>,
    pub captcha_immunity: Option<u32>,
    pub challenge_immunity: Option<u32>,
    pub visibility: Visibility,
}

/// What is counted and sampled of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visibility {
    pub metric: String,
    pub measured: bool,
    pub sampled: bool,
}
