//! Web ACLs, rule groups and their rules.

use super::action::{action, bodies, default_action, group_action, has_its_body};
use super::logging::protected;
use super::node::{Node, Object};
use super::statement::{Standing, is_label_char, statement};
use super::{Dialect, Invalid};
use crate::waf::capacity;
use crate::waf::model::{Bodies, Rule, RuleAction, RuleGroup, Statement, Visibility, WebAcl};

/// Seconds that a solved puzzle or challenge counts, where nobody says (AWS's default).
const IMMUNITY: u32 = 300;
/// Labels that one rule may add (AWS's quota).
const MAX_LABELS: usize = 100;
/// What AWS keeps for itself in the names of labels.
const RESERVED: [&str; 8] = ["awswaf", "aws", "waf", "rulegroup", "webacl", "regexpatternset", "ipset", "managed"];
/// The account in the namespaces of labels where no ARN names one.
const NO_ACCOUNT: &str = "000000000000";

/// Whose rules they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    WebAcl,
    Group,
}

pub fn web_acl(node: Node<'_>, dialect: Dialect) -> Result<WebAcl, Invalid> {
    let mut object = node.object()?;
    let name = entity_name(&object.required("Name")?)?;
    let arn = object.optional("ARN").map(|arn| arn.text_of(1..=2048).map(str::to_owned)).transpose()?;
    let default = object.required("DefaultAction")?;
    let default_action = default_action(default.clone())?;
    let bodies = object.optional("CustomResponseBodies").map(bodies).transpose()?.unwrap_or_default();
    has_its_body(&default_action, &bodies, &default)?;
    let rules = match object.optional("Rules") {
        None => Vec::new(),
        Some(list) => rules_with(&list, Holder::WebAcl, dialect, Some(&bodies))?,
    };
    let captcha_immunity = immunity(&mut object, "CaptchaConfig")?.unwrap_or(IMMUNITY);
    let challenge_immunity = immunity(&mut object, "ChallengeConfig")?.unwrap_or(IMMUNITY);
    let token_domains = token_domains(&mut object)?;
    let body_limit = body_limit(&mut object)?;
    let visibility = visibility(&mut object)?;
    let protected = protected(&mut object)?;
    no_one_elses_rules(&mut object)?;
    object.ignore(&[
        "Id",
        "Description",
        "Capacity",
        "LabelNamespace",
        "ManagedByFirewallManager",
        "RetrofittedByFirewallManager",
        "LockToken",
        "Scope",
        "Tags",
        "OnSourceDDoSProtectionConfig",
        "ApplicationConfig",
        "MonetizationConfig",
    ]);
    object.finish()?;
    let label_namespace = namespace(arn.as_deref(), "webacl", &name);
    Ok(WebAcl {
        name,
        arn,
        default_action,
        rules,
        bodies,
        captcha_immunity,
        challenge_immunity,
        token_domains,
        body_limit,
        visibility,
        protected,
        label_namespace,
    })
}

/// Rules that AWS Firewall Manager puts around an account's own would be lost: better not to load than to let through.
fn no_one_elses_rules(object: &mut Object<'_>) -> Result<(), Invalid> {
    for name in ["PreProcessFirewallManagerRuleGroups", "PostProcessFirewallManagerRuleGroups"] {
        if let Some(list) = object.optional(name)
            && list.value.as_array().is_none_or(|groups| !groups.is_empty())
        {
            return Err(list.invalid("rule groups of AWS Firewall Manager can't be evaluated here"));
        }
    }
    Ok(())
}

pub fn rule_group(node: Node<'_>, dialect: Dialect) -> Result<RuleGroup, Invalid> {
    let mut object = node.object()?;
    let name = entity_name(&object.required("Name")?)?;
    let arn = object.optional("ARN").map(|arn| arn.text_of(1..=2048).map(str::to_owned)).transpose()?;
    let declared = object.required("Capacity")?;
    let capacity = declared.number(1..=capacity::MAX)?;
    let bodies = object.optional("CustomResponseBodies").map(bodies).transpose()?.unwrap_or_default();
    let rules = match object.optional("Rules") {
        None => Vec::new(),
        Some(list) => rules_with(&list, Holder::Group, dialect, Some(&bodies))?,
    };
    let cost = capacity::of_rules(&rules, &|_| None).unwrap_or(u64::MAX);
    if cost > capacity {
        return Err(declared.invalid(format!("the rules need a capacity of {cost}")));
    }
    let visibility = visibility(&mut object)?;
    object.ignore(&[
        "Id",
        "Description",
        "LabelNamespace",
        "AvailableLabels",
        "ConsumedLabels",
        "LockToken",
        "Scope",
        "Tags",
        "MonetizationConfig",
    ]);
    object.finish()?;
    let label_namespace = namespace(arn.as_deref(), "rulegroup", &name);
    Ok(RuleGroup { name, arn, capacity, rules, bodies, visibility, label_namespace, watched: None })
}

/// `awswaf:<account>:<kind>:<name>:`, as AWS puts it before the labels of rules.
fn namespace(arn: Option<&str>, kind: &str, name: &str) -> String {
    let account = arn.and_then(|arn| arn.split(':').nth(4)).filter(|account| !account.is_empty()).unwrap_or(NO_ACCOUNT);
    format!("awswaf:{account}:{kind}:{name}:")
}

/// Rules by priority; the bodies of their responses are looked for by nobody.
pub fn rules(list: &Node<'_>, holder: Holder, dialect: Dialect) -> Result<Vec<Rule>, Invalid> {
    rules_with(list, holder, dialect, None)
}

fn rules_with(
    list: &Node<'_>,
    holder: Holder,
    dialect: Dialect,
    bodies: Option<&Bodies>,
) -> Result<Vec<Rule>, Invalid> {
    let mut rules: Vec<Rule> = Vec::new();
    for item in list.clone().named("RULE").items(0..=usize::MAX)? {
        let rule = rule(item.clone(), holder, dialect, bodies)?;
        if rules.iter().any(|other| other.name == rule.name) {
            return Err(item.invalid(format!("there is another rule of the name {}", rule.name)));
        }
        if rules.iter().any(|other| other.priority == rule.priority) {
            return Err(item.invalid(format!("there is another rule of the priority {}", rule.priority)));
        }
        rules.push(rule);
    }
    rules.sort_by_key(|rule| rule.priority);
    Ok(rules)
}

fn rule(node: Node<'_>, holder: Holder, dialect: Dialect, bodies: Option<&Bodies>) -> Result<Rule, Invalid> {
    let mut object = node.clone().object()?;
    let name = entity_name(&object.required("Name")?)?;
    let priority = object.required("Priority")?.number(0..=i32::MAX as u64)?;
    let standing = Standing { groups: holder == Holder::WebAcl, top: true, depth: 0, dialect };
    let statement = statement(object.required("Statement")?, standing)?;
    let own = object.optional("Action").map(|node| (node.clone(), action(node.named("RULE_ACTION"))));
    let of_group = object.optional("OverrideAction").map(group_action).transpose()?;
    let is_group = matches!(statement, Statement::Group(_) | Statement::Managed(_));
    let action = match (own, of_group, is_group) {
        (Some((at, action)), None, false) => {
            let action = action?;
            if let Some(bodies) = bodies {
                has_its_body(&action, bodies, &at)?;
            }
            RuleAction::Own(action)
        }
        (None, Some(action), true) => RuleAction::Group(action),
        (_, _, true) => return Err(node.invalid("a rule that refers to a group has an OverrideAction and no Action")),
        (_, _, false) => return Err(node.invalid("must have an Action, and no OverrideAction")),
    };
    let labels = labels(&mut object, is_group)?;
    let captcha_immunity = immunity(&mut object, "CaptchaConfig")?;
    let challenge_immunity = immunity(&mut object, "ChallengeConfig")?;
    let visibility = visibility(&mut object)?;
    object.finish()?;
    let priority = u32::try_from(priority).unwrap_or(u32::MAX);
    Ok(Rule { name, priority, statement, action, labels, captcha_immunity, challenge_immunity, visibility })
}

fn labels(object: &mut Object<'_>, is_group: bool) -> Result<Vec<String>, Invalid> {
    let Some(list) = object.optional("RuleLabels") else { return Ok(Vec::new()) };
    let mut labels = Vec::new();
    for item in list.items(0..=MAX_LABELS)? {
        let mut one = item.object()?;
        let node = one.required("Name")?;
        let name = node.token(1..=1024, is_label_char)?;
        one.finish()?;
        if name.split(':').any(str::is_empty) {
            return Err(node.invalid("a label neither begins nor ends in a colon, nor has two in a row"));
        }
        if let Some(word) = name.split(':').find(|word| RESERVED.contains(word)) {
            return Err(node.invalid(format!("{word} is reserved")));
        }
        labels.push(name.to_owned());
    }
    match is_group && !labels.is_empty() {
        true => Err(list.invalid("rules of a group have labels, a reference to it has none")),
        false => Ok(labels),
    }
}

fn immunity(object: &mut Object<'_>, name: &'static str) -> Result<Option<u32>, Invalid> {
    let Some(node) = object.optional(name) else { return Ok(None) };
    let mut config = node.named("CHALLENGE_CONFIG").object()?;
    let seconds = match config.optional("ImmunityTimeProperty") {
        None => None,
        Some(property) => {
            let mut property = property.object()?;
            let seconds = property.required("ImmunityTime")?.number(60..=259_200)?;
            property.finish()?;
            u32::try_from(seconds).ok()
        }
    };
    config.finish()?;
    Ok(seconds)
}

fn token_domains(object: &mut Object<'_>) -> Result<Vec<String>, Invalid> {
    let Some(list) = object.optional("TokenDomains") else { return Ok(Vec::new()) };
    list.named("TOKEN_DOMAIN").items(0..=10)?.map(|item| Ok(item.text_of(1..=253)?.to_ascii_lowercase())).collect()
}

/// The largest limit of all kinds of resources: they are all one here.
fn body_limit(object: &mut Object<'_>) -> Result<Option<usize>, Invalid> {
    let Some(node) = object.optional("AssociationConfig") else { return Ok(None) };
    let mut config = node.named("ASSOCIATED_RESOURCE_TYPE").object()?;
    config.ignore(&["ChallengeJavascriptSdkInjection"]);
    let mut limit = None;
    if let Some(bodies) = config.optional("RequestBody") {
        for (_, resource) in bodies.entries()? {
            let mut resource = resource.object()?;
            let kilobytes: usize = resource.required("DefaultSizeInspectionLimit")?.choice(&[
                ("KB_16", 16),
                ("KB_32", 32),
                ("KB_48", 48),
                ("KB_64", 64),
            ])?;
            resource.finish()?;
            limit = limit.max(Some(kilobytes * 1024));
        }
    }
    config.finish()?;
    Ok(limit)
}

fn visibility(object: &mut Object<'_>) -> Result<Visibility, Invalid> {
    let mut config = object.required("VisibilityConfig")?.object()?;
    let metric = config.required("MetricName")?.named("METRIC_NAME");
    let name = metric.token(1..=255, |char| char.is_ascii_alphanumeric() || "_#:.-/".contains(char))?;
    let measured = config.required("CloudWatchMetricsEnabled")?.truth()?;
    let sampled = config.required("SampledRequestsEnabled")?.truth()?;
    config.finish()?;
    Ok(Visibility { metric: name.to_owned(), measured, sampled })
}

pub fn entity_name(node: &Node<'_>) -> Result<String, Invalid> {
    let name = node.token(1..=128, |char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-'))?;
    Ok(name.to_owned())
}
