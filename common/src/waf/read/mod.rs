//! AWS's JSON in, values that can't be wrong out, or the place and the reason.

mod acl;
mod action;
mod attempt;
mod field;
mod logging;
mod node;
mod rate;
mod set;
mod statement;

use serde_json::Value;

use self::node::Node;
use crate::waf::model::{IpSet, Logging, RegexSet, RuleGroup, WebAcl};

/// Something that AWS's `WAFInvalidParameterException` would be about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Invalid {
    /// One of the model's `ParameterExceptionField`.
    pub field: &'static str,
    /// Path of the member: `Rules[2].Statement.ByteMatchStatement.SearchString`.
    pub place: String,
    /// The value that is refused, or the name that is missing; shortened.
    pub parameter: String,
    pub reason: String,
}

/// How `SearchString` is written. The API has it in base64 (a blob of the model); AWS's console shows, and CloudFormation takes, the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SearchStrings {
    #[default]
    Base64,
    Text,
}

/// How texts that mean different things in different places are to be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dialect {
    pub search_strings: SearchStrings,
}

/// Reads a web ACL: the object of `GetWebACL`, with or without what stands around it there, or the input of `CreateWebACL`.
pub fn web_acl(json: &Value, dialect: Dialect) -> Result<WebAcl, Invalid> {
    acl::web_acl(unwrapped(json, "WebACL"), dialect)
}

/// Reads a rule group: the object of `GetRuleGroup`, or the input of `CreateRuleGroup`.
pub fn rule_group(json: &Value, dialect: Dialect) -> Result<RuleGroup, Invalid> {
    acl::rule_group(unwrapped(json, "RuleGroup"), dialect)
}

/// Reads a list of rules, as `CheckCapacity` has it.
pub fn rules(json: &Value, dialect: Dialect) -> Result<Vec<crate::waf::model::Rule>, Invalid> {
    acl::rules(&Node::whole(json, "RULE"), acl::Holder::WebAcl, dialect)
}

/// Reads an IP set: the object of `GetIPSet`, or the input of `CreateIPSet`.
pub fn ip_set(json: &Value) -> Result<IpSet, Invalid> {
    set::ip_set(unwrapped(json, "IPSet"))
}

/// Reads a regex pattern set: the object of `GetRegexPatternSet`, or the input of `CreateRegexPatternSet`.
pub fn regex_set(json: &Value) -> Result<RegexSet, Invalid> {
    set::regex_set(unwrapped(json, "RegexPatternSet"))
}

/// Reads what is logged of a web ACL: the object of `GetLoggingConfiguration`, or the input of `PutLoggingConfiguration`.
pub fn logging(json: &Value) -> Result<Logging, Invalid> {
    logging::logging(unwrapped(json, "LoggingConfiguration"))
}

/// What a `Get…` operation has around the thing itself is taken off.
fn unwrapped<'j>(json: &'j Value, name: &str) -> Node<'j> {
    let what = match name {
        "WebACL" => "WEB_ACL",
        "RuleGroup" => "RULE_GROUP",
        "IPSet" => "IP_SET",
        "LoggingConfiguration" => "LOG_DESTINATION",
        _ => "REGEX_PATTERN_SET",
    };
    Node::whole(json.get(name).filter(|inner| inner.is_object()).unwrap_or(json), what)
}

#[cfg(test)]
mod tests;
