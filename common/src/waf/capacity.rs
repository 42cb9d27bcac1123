//! Web ACL capacity units (WCU): what rules cost, by the figures that the AWS WAF Developer Guide gives for each statement.
//!
//! The Guide says that AWS may charge once where several rules transform the same part in the same way, and not when. Here each is charged, so a
//! figure of AWS's is never larger than ours.

use crate::waf::model::{Aggregation, Field, Position, RateBased, Rule, Sensitivity, SetPosition, Statement, Target};

/// The most that a web ACL or a rule group may cost.
pub const MAX: u64 = 5_000;

/// Who knows what a referenced group costs; None for a group that nobody knows.
pub type GroupCapacity<'g> = &'g dyn Fn(GroupName<'_>) -> Option<u64>;

/// How a statement names a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupName<'n> {
    Arn(&'n str),
    Managed { vendor: &'n str, name: &'n str },
}

/// What the rules cost together; None where they refer to a group that nobody knows.
pub fn of_rules(rules: &[Rule], groups: GroupCapacity<'_>) -> Option<u64> {
    rules.iter().map(|rule| of_statement(&rule.statement, groups)).sum()
}

pub fn of_statement(statement: &Statement, groups: GroupCapacity<'_>) -> Option<u64> {
    Some(match statement {
        Statement::And(inner) | Statement::Or(inner) => {
            return inner.iter().map(|statement| of_statement(statement, groups)).sum();
        }
        Statement::Not(inner) => return of_statement(inner, groups),
        Statement::ByteMatch { target, position, .. } => match position {
            Position::Exactly | Position::StartsWith | Position::EndsWith => on(target, 2),
            Position::Contains | Position::ContainsWord => on(target, 10),
        },
        Statement::Regex { target, .. } => on(target, 3),
        Statement::RegexSet { target, .. } => on(target, 25),
        Statement::Size { target, .. } => on(target, 1),
        Statement::Sqli { target, sensitivity: Sensitivity::Low } => on(target, 20),
        Statement::Sqli { target, sensitivity: Sensitivity::High } => on(target, 30),
        Statement::Xss { target } => on(target, 40),
        Statement::Geo { .. } | Statement::Asn { .. } | Statement::Label { .. } | Statement::Signal(_) => 1,
        Statement::IpSet { forwarded: Some((_, SetPosition::Any)), .. } => 5,
        Statement::IpSet { .. } => 1,
        Statement::Rate(rate) => of_rate(rate) + optional(rate.scope_down.as_deref(), groups)?,
        Statement::Group(group) => groups(GroupName::Arn(&group.arn))?,
        Statement::Managed(group) => {
            let own = groups(GroupName::Managed { vendor: &group.vendor, name: &group.name })?;
            own + optional(group.scope_down.as_deref(), groups)?
        }
    })
}

/// Two, and thirty for each part of a custom key.
fn of_rate(rate: &RateBased) -> u64 {
    match &rate.aggregation {
        Aggregation::Keys(parts) => 2 + 30 * parts.len() as u64,
        Aggregation::Ip | Aggregation::ForwardedIp(_) | Aggregation::Constant => 2,
    }
}

fn optional(statement: Option<&Statement>, groups: GroupCapacity<'_>) -> Option<u64> {
    statement.map_or(Some(0), |statement| of_statement(statement, groups))
}

/// A JSON body doubles the base, all arguments of a query cost ten, and so does each transformation.
fn on(target: &Target, base: u64) -> u64 {
    let base = if matches!(target.field, Field::JsonBody { .. }) { 2 * base } else { base };
    let all = if matches!(target.field, Field::AllQueryArguments) { 10 } else { 0 };
    base + all + 10 * (target.transforms.len() as u64 + target.pre.len() as u64)
}
