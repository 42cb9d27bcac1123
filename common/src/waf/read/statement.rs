//! Statements.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::action::action;
use super::field::{fallback, target};
use super::node::{Node, Object};
use super::{Dialect, Invalid, SearchStrings, attempt, rate, set};
use crate::waf::model::{
    Comparison, ForwardedIp, GroupReference, LabelScope, ManagedGroup, Overrides, Position, Sensitivity, SetPosition,
    Statement,
};

/// Bytes of a text that is searched for (AWS's quota).
const MAX_SEARCH_BYTES: usize = 200;
/// How deep statements may stand in one another: more than the capacity of a web ACL pays for.
const MAX_DEPTH: usize = 16;

/// Where a statement stands, which says what it may be.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// References to groups are for rules of web ACLs only.
    pub groups: bool,
    /// The rule's own statement, not one inside of another.
    pub top: bool,
    pub depth: usize,
    pub dialect: Dialect,
}

impl Standing {
    pub fn inside(self) -> Self {
        Self { top: false, depth: self.depth + 1, ..self }
    }
}

pub fn statement(node: Node<'_>, standing: Standing) -> Result<Statement, Invalid> {
    if standing.depth > MAX_DEPTH {
        return Err(node.named("STATEMENT").invalid(format!("stands in more than {MAX_DEPTH} others")));
    }
    let (name, inner) = node.named("STATEMENT").union()?;
    match name {
        "AndStatement" => several(inner.named("AND_STATEMENT"), standing).map(Statement::And),
        "OrStatement" => several(inner.named("OR_STATEMENT"), standing).map(Statement::Or),
        "NotStatement" => not(inner.named("NOT_STATEMENT").object()?, standing),
        "ByteMatchStatement" => byte_match(inner.named("BYTE_MATCH_STATEMENT").object()?, standing.dialect),
        "RegexMatchStatement" => regex(inner.named("STATEMENT").object()?),
        "RegexPatternSetReferenceStatement" => regex_set(inner.named("REGEX_PATTERN_REFERENCE_STATEMENT").object()?),
        "SizeConstraintStatement" => size(inner.named("SIZE_CONSTRAINT_STATEMENT").object()?),
        "SqliMatchStatement" => sqli(inner.named("SQLI_MATCH_STATEMENT").object()?),
        "XssMatchStatement" => xss(inner.named("XSS_MATCH_STATEMENT").object()?),
        "GeoMatchStatement" => geo(inner.named("GEO_MATCH_STATEMENT").object()?),
        "AsnMatchStatement" => asn(inner.object()?),
        "IPSetReferenceStatement" => ip_set(inner.named("IP_SET_REFERENCE_STATEMENT").object()?),
        "LabelMatchStatement" => label(inner.named("LABEL_MATCH_STATEMENT").object()?),
        "RateBasedStatement" if standing.top => {
            rate::rate(inner.named("RATE_BASED_STATEMENT").object()?, standing).map(Box::new).map(Statement::Rate)
        }
        "RuleGroupReferenceStatement" if standing.top && standing.groups => {
            group(inner.named("RULE_GROUP_REFERENCE_STATEMENT").object()?)
        }
        "ManagedRuleGroupStatement" if standing.top && standing.groups => {
            managed(inner.named("MANAGED_RULE_SET_STATEMENT").object()?, standing)
        }
        "RateBasedStatement" => Err(inner.invalid("can't stand inside of another statement")),
        "RuleGroupReferenceStatement" | "ManagedRuleGroupStatement" => {
            Err(inner.invalid("can stand as the whole statement of a web ACL's rule only"))
        }
        _ => Err(inner.invalid("is no statement")),
    }
}

fn several(node: Node<'_>, standing: Standing) -> Result<Vec<Statement>, Invalid> {
    let mut object = node.object()?;
    let list = object.required("Statements")?;
    object.finish()?;
    list.items(2..=usize::MAX)?.map(|item| statement(item, standing.inside())).collect()
}

fn not(mut object: Object<'_>, standing: Standing) -> Result<Statement, Invalid> {
    let inner = statement(object.required("Statement")?, standing.inside())?;
    object.finish()?;
    Ok(Statement::Not(Box::new(inner)))
}

fn byte_match(mut object: Object<'_>, dialect: Dialect) -> Result<Statement, Invalid> {
    let target = target(&mut object)?;
    let position = object.required("PositionalConstraint")?.choice(&[
        ("EXACTLY", Position::Exactly),
        ("STARTS_WITH", Position::StartsWith),
        ("ENDS_WITH", Position::EndsWith),
        ("CONTAINS", Position::Contains),
        ("CONTAINS_WORD", Position::ContainsWord),
    ])?;
    let node = object.required("SearchString")?;
    let text = node.text()?;
    let search = match dialect.search_strings {
        SearchStrings::Text => text.as_bytes().to_vec(),
        SearchStrings::Base64 => STANDARD.decode(text).map_err(|_| {
            node.invalid("is no base64, which the API has here (for the text itself, say search_strings = \"text\")")
        })?,
    };
    if !(1..=MAX_SEARCH_BYTES).contains(&search.len()) {
        return Err(node.invalid(format!("must have 1 to {MAX_SEARCH_BYTES} bytes, not {}", search.len())));
    }
    object.finish()?;
    Ok(Statement::ByteMatch { target, search, position })
}

fn regex(mut object: Object<'_>) -> Result<Statement, Invalid> {
    let target = target(&mut object)?;
    let pattern = set::regex(&object.required("RegexString")?)?;
    object.finish()?;
    Ok(Statement::Regex { target, pattern })
}

fn regex_set(mut object: Object<'_>) -> Result<Statement, Invalid> {
    let target = target(&mut object)?;
    let arn = arn(&mut object)?;
    object.finish()?;
    Ok(Statement::RegexSet { target, arn })
}

fn arn(object: &mut Object<'_>) -> Result<String, Invalid> {
    Ok(object.required("ARN")?.named("RESOURCE_ARN").text_of(20..=2048)?.to_owned())
}

fn size(mut object: Object<'_>) -> Result<Statement, Invalid> {
    let target = target(&mut object)?;
    let comparison = object.required("ComparisonOperator")?.choice(&[
        ("EQ", Comparison::Eq),
        ("NE", Comparison::Ne),
        ("LE", Comparison::Le),
        ("LT", Comparison::Lt),
        ("GE", Comparison::Ge),
        ("GT", Comparison::Gt),
    ])?;
    let bytes = object.required("Size")?.number(0..=21_474_836_480)?;
    object.finish()?;
    Ok(Statement::Size { target, comparison, bytes })
}

fn sqli(mut object: Object<'_>) -> Result<Statement, Invalid> {
    let target = target(&mut object)?;
    let levels = [("LOW", Sensitivity::Low), ("HIGH", Sensitivity::High)];
    let sensitivity = object.optional("SensitivityLevel").map(|level| level.choice(&levels)).transpose()?;
    object.finish()?;
    Ok(Statement::Sqli { target, sensitivity: sensitivity.unwrap_or(Sensitivity::Low) })
}

fn xss(mut object: Object<'_>) -> Result<Statement, Invalid> {
    let target = target(&mut object)?;
    object.finish()?;
    Ok(Statement::Xss { target })
}

fn geo(mut object: Object<'_>) -> Result<Statement, Invalid> {
    let mut countries = Vec::new();
    for item in object.required("CountryCodes")?.items(1..=usize::MAX)? {
        match item.text()?.as_bytes() {
            &[first, second] if first.is_ascii_uppercase() && second.is_ascii_uppercase() => {
                countries.push([first, second])
            }
            _ => return Err(item.invalid("is no country's code of two capital letters (ISO 3166-1)")),
        }
    }
    let forwarded = forwarded(&mut object)?;
    object.finish()?;
    Ok(Statement::Geo { countries, forwarded })
}

fn asn(mut object: Object<'_>) -> Result<Statement, Invalid> {
    let numbers = object.required("AsnList")?.items(1..=100)?.map(|item| item.number(0..=u64::from(u32::MAX)));
    let numbers = numbers.map(|number| number.map(|number| u32::try_from(number).unwrap_or_default()));
    let numbers = numbers.collect::<Result<_, _>>()?;
    let forwarded = forwarded(&mut object)?;
    object.finish()?;
    Ok(Statement::Asn { numbers, forwarded })
}

/// The optional `ForwardedIPConfig`.
pub fn forwarded(object: &mut Object<'_>) -> Result<Option<ForwardedIp>, Invalid> {
    let Some(node) = object.optional("ForwardedIPConfig") else { return Ok(None) };
    let mut config = node.named("FORWARDED_IP_CONFIG").object()?;
    let forwarded = forwarded_members(&mut config)?;
    config.finish()?;
    Ok(Some(forwarded))
}

fn forwarded_members(config: &mut Object<'_>) -> Result<ForwardedIp, Invalid> {
    let name = config.required("HeaderName")?.named("HEADER_NAME");
    let header = name.token(1..=255, |char| char.is_ascii_alphanumeric() || char == '-')?;
    let fallback = fallback(&config.required("FallbackBehavior")?.named("FALLBACK_BEHAVIOR"))?;
    Ok(ForwardedIp { header: header.to_ascii_lowercase(), fallback })
}

fn ip_set(mut object: Object<'_>) -> Result<Statement, Invalid> {
    let arn = arn(&mut object)?;
    let forwarded = match object.optional("IPSetForwardedIPConfig") {
        None => None,
        Some(node) => {
            let mut config = node.named("IP_SET_FORWARDED_IP_CONFIG").object()?;
            let forwarded = forwarded_members(&mut config)?;
            let position = config.required("Position")?.named("POSITION").choice(&[
                ("FIRST", SetPosition::First),
                ("LAST", SetPosition::Last),
                ("ANY", SetPosition::Any),
            ])?;
            config.finish()?;
            Some((forwarded, position))
        }
    };
    object.finish()?;
    Ok(Statement::IpSet { arn, forwarded })
}

fn label(mut object: Object<'_>) -> Result<Statement, Invalid> {
    let scope =
        object.required("Scope")?.choice(&[("LABEL", LabelScope::Label), ("NAMESPACE", LabelScope::Namespace)])?;
    let node = object.required("Key")?;
    let key = node.token(1..=1024, is_label_char)?;
    match (scope, key.ends_with(':')) {
        (LabelScope::Namespace, false) => return Err(node.invalid("a namespace ends in a colon")),
        (LabelScope::Label, true) => return Err(node.invalid("a label does not end in a colon")),
        _ => {}
    }
    object.finish()?;
    Ok(Statement::Label { scope, key: key.to_owned() })
}

pub fn is_label_char(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | ':')
}

fn group(mut object: Object<'_>) -> Result<Statement, Invalid> {
    let arn = arn(&mut object)?;
    let overrides = overrides(&mut object)?;
    object.finish()?;
    Ok(Statement::Group(GroupReference { arn, overrides }))
}

fn managed(mut object: Object<'_>, standing: Standing) -> Result<Statement, Invalid> {
    let vendor = object.required("VendorName")?.text_of(1..=128)?.to_owned();
    let name = object.required("Name")?.text_of(1..=128)?.to_owned();
    let version = object.optional("Version").map(|node| node.text_of(1..=64).map(str::to_owned)).transpose()?;
    let overrides = overrides(&mut object)?;
    let place = match object.optional("ManagedRuleGroupConfigs") {
        None => None,
        Some(list) => attempt::place(&list.named("MANAGED_RULE_GROUP_CONFIG"))?,
    };
    let scope_down = scope_down(&mut object, standing)?;
    object.finish()?;
    Ok(Statement::Managed(Box::new(ManagedGroup { vendor, name, version, overrides, scope_down, place })))
}

pub fn scope_down(object: &mut Object<'_>, standing: Standing) -> Result<Option<Box<Statement>>, Invalid> {
    let inner = object.optional("ScopeDownStatement");
    Ok(inner.map(|node| statement(node, standing.inside())).transpose()?.map(Box::new))
}

fn overrides(object: &mut Object<'_>) -> Result<Overrides, Invalid> {
    let mut overrides = Overrides::new();
    if let Some(list) = object.optional("ExcludedRules") {
        for item in list.named("EXCLUDED_RULE").items(0..=100)? {
            let mut one = item.object()?;
            overrides.insert(one.required("Name")?.text_of(1..=128)?.to_owned(), super::action::COUNT);
            one.finish()?;
        }
    }
    if let Some(list) = object.optional("RuleActionOverrides") {
        for item in list.items(0..=100)? {
            let mut one = item.object()?;
            let name = one.required("Name")?.text_of(1..=128)?.to_owned();
            overrides.insert(name, action(one.required("ActionToUse")?.named("RULE_ACTION"))?);
            one.finish()?;
        }
    }
    Ok(overrides)
}
