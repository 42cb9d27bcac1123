//! `LoggingConfiguration`, and `DataProtectionConfig` of web ACLs.

use super::Invalid;
use super::node::{Node, Object};
use crate::waf::model::{LogAction, LogCondition, LogFilter, LogRule, Logging, Redacted};

/// Redacted fields, filters, and conditions of a filter. (AWS: 100 fields.)
const MOST: usize = 100;
/// Fields that one web ACL protects (AWS's quota), and names in one of them.
const MAX_PROTECTIONS: usize = 26;
const MAX_KEYS: usize = 100;

pub fn logging(node: Node<'_>) -> Result<Logging, Invalid> {
    let mut object = node.object()?;
    let mut redacted = Redacted::default();
    if let Some(fields) = object.optional("RedactedFields") {
        for field in fields.named("FIELD_TO_MATCH").items(0..=MOST)? {
            add_redacted(field, &mut redacted)?;
        }
    }
    let filter = object.optional("LoggingFilter").map(|node| filter(node.named("LOGGING_FILTER"))).transpose()?;
    object.ignore(&["ResourceArn", "LogDestinationConfigs", "ManagedByFirewallManager", "LogType", "LogScope"]);
    object.finish()?;
    Ok(Logging { redacted, filter })
}

/// AWS redacts the path, the query, the method and single headers.
fn add_redacted(field: Node<'_>, redacted: &mut Redacted) -> Result<(), Invalid> {
    let whole = field.clone();
    match field.union()? {
        ("UriPath", inner) => inner.nothing_in_it().map(|()| redacted.path = true),
        ("QueryString", inner) => inner.nothing_in_it().map(|()| redacted.query = true),
        ("Method", inner) => inner.nothing_in_it().map(|()| redacted.method = true),
        ("SingleHeader", inner) => {
            let mut header = inner.object()?;
            redacted.headers.push(header.required("Name")?.text_of(1..=64)?.to_ascii_lowercase());
            header.finish()
        }
        _ => Err(whole.invalid("a redacted field is UriPath, QueryString, Method or SingleHeader with a Name")),
    }
}

fn filter(node: Node<'_>) -> Result<LogFilter, Invalid> {
    let mut object = node.object()?;
    let mut filters = Vec::new();
    for one in object.required("Filters")?.items(1..=MOST)? {
        filters.push(rule(one)?);
    }
    let keeps_others = behavior(&object.required("DefaultBehavior")?)?;
    object.finish()?;
    Ok(LogFilter { filters, keeps_others })
}

fn rule(node: Node<'_>) -> Result<LogRule, Invalid> {
    let mut object = node.object()?;
    let keeps = behavior(&object.required("Behavior")?)?;
    let needs_all = object.required("Requirement")?.choice(&[("MEETS_ALL", true), ("MEETS_ANY", false)])?;
    let mut conditions = Vec::new();
    for one in object.required("Conditions")?.named("FILTER_CONDITION").items(1..=MOST)? {
        conditions.push(condition(one)?);
    }
    object.finish()?;
    Ok(LogRule { keeps, needs_all, conditions })
}

fn behavior(node: &Node<'_>) -> Result<bool, Invalid> {
    node.choice(&[("KEEP", true), ("DROP", false)])
}

fn condition(node: Node<'_>) -> Result<LogCondition, Invalid> {
    let whole = node.clone();
    let (name, inner) = node.union()?;
    let mut object = inner.object()?;
    let condition = match name {
        "ActionCondition" => LogCondition::Action(object.required("Action")?.choice(&[
            ("ALLOW", LogAction::Allow),
            ("BLOCK", LogAction::Block),
            ("COUNT", LogAction::Count),
            ("CAPTCHA", LogAction::Captcha),
            ("CHALLENGE", LogAction::Challenge),
            ("EXCLUDED_AS_COUNT", LogAction::ExcludedAsCount),
        ])?),
        "LabelNameCondition" => LogCondition::Label(object.required("LabelName")?.text_of(1..=1024)?.to_owned()),
        _ => return Err(whole.invalid("a condition is either an ActionCondition or a LabelNameCondition")),
    };
    object.finish()?;
    Ok(condition)
}

/// What a web ACL's own protection leaves out, from logs and samples alike. A hash in the place of a value tells it to whoever can guess it, so what AWS would
/// hash is left out, too. Cookies and bodies are never told, whatever this says.
pub fn protected(object: &mut Object<'_>) -> Result<Redacted, Invalid> {
    let mut redacted = Redacted::default();
    let Some(node) = object.optional("DataProtectionConfig") else { return Ok(redacted) };
    let mut config = node.named("DATA_PROTECTION_CONFIG").object()?;
    for one in config.required("DataProtections")?.items(0..=MAX_PROTECTIONS)? {
        let mut protection = one.object()?;
        let mut field = protection.required("Field")?.object()?;
        let kind = field.required("FieldType")?;
        let keys = match field.optional("FieldKeys") {
            None => Vec::new(),
            Some(list) => {
                let names = list.items(0..=MAX_KEYS)?.map(|key| key.text_of(1..=64).map(str::to_ascii_lowercase));
                names.collect::<Result<Vec<_>, _>>()?
            }
        };
        match kind.text()? {
            "SINGLE_HEADER" => redacted.headers.extend(keys),
            "SINGLE_QUERY_ARGUMENT" => redacted.arguments.extend(keys),
            "QUERY_STRING" => redacted.query = true,
            "SINGLE_COOKIE" | "BODY" => {}
            _ => {
                return Err(
                    kind.invalid("must be SINGLE_HEADER, SINGLE_COOKIE, SINGLE_QUERY_ARGUMENT, QUERY_STRING or BODY")
                );
            }
        }
        field.finish()?;
        protection.required("Action")?.choice(&[("SUBSTITUTION", ()), ("HASH", ())])?;
        protection.ignore(&["ExcludeRuleMatchDetails", "ExcludeRateBasedDetails"]);
        protection.finish()?;
    }
    config.finish()?;
    Ok(redacted)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{self as read, Dialect};
    use super::*;

    fn with(members: &Value) -> Result<Logging, Invalid> {
        let mut json = json!({"ResourceArn": "arn", "LogDestinationConfigs": ["arn:aws:s3:::aws-waf-logs-x"],
            "ManagedByFirewallManager": false, "LogType": "WAF_LOGS", "LogScope": "CUSTOMER"});
        json.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        read::logging(&json)
    }

    #[test]
    fn as_aws_answers_it() {
        let members = json!({
            "RedactedFields": [{"UriPath": {}}, {"SingleHeader": {"Name": "X-Secret"}}],
            "LoggingFilter": {"DefaultBehavior": "DROP", "Filters": [{
                "Behavior": "KEEP", "Requirement": "MEETS_ANY",
                "Conditions": [{"ActionCondition": {"Action": "EXCLUDED_AS_COUNT"}}, {"LabelNameCondition": {"LabelName": "a:b"}}]}]}});
        let expected = Logging {
            redacted: Redacted { path: true, headers: vec!["x-secret".into()], ..Redacted::default() },
            filter: Some(LogFilter {
                filters: vec![LogRule {
                    keeps: true,
                    needs_all: false,
                    conditions: vec![
                        LogCondition::Action(LogAction::ExcludedAsCount),
                        LogCondition::Label("a:b".into()),
                    ],
                }],
                keeps_others: false,
            }),
        };
        assert_eq!(with(&members).unwrap(), expected);
        let wrapped = json!({"LoggingConfiguration": members});
        assert_eq!(read::logging(&wrapped).unwrap(), expected, "as get-logging-configuration prints it");
        assert_eq!(with(&json!({})).unwrap(), Logging::default());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let filter = |condition: Value| {
            json!({"LoggingFilter": {"DefaultBehavior": "KEEP", "Filters": [
                {"Behavior": "DROP", "Requirement": "MEETS_ALL", "Conditions": [condition]}]}})
        };
        for (members, place) in [
            (json!({"RedactedFields": [{"Body": {}}]}), "RedactedFields[0]"),
            (json!({"RedactedFields": [{"UriPath": {}, "Method": {}}]}), "RedactedFields[0]"),
            (json!({"RedactedFields": [{"SingleHeader": {}}]}), "RedactedFields[0].SingleHeader.Name"),
            (json!({"LoggingFilter": {"DefaultBehavior": "KEEP", "Filters": []}}), "LoggingFilter.Filters"),
            (filter(json!({})), "LoggingFilter.Filters[0].Conditions[0]"),
            (
                filter(json!({"ActionCondition": {"Action": "NONE"}})),
                "LoggingFilter.Filters[0].Conditions[0].ActionCondition.Action",
            ),
            (json!({"Redacted": []}), "Redacted"),
        ] {
            assert_eq!(with(&members).unwrap_err().place, place, "{members}");
        }
    }

    #[test]
    fn what_a_web_acl_protects() {
        let acl = |protections: Value| {
            let json = json!({"Name": "a", "DefaultAction": {"Allow": {}},
                "VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"},
                "DataProtectionConfig": {"DataProtections": protections}});
            read::web_acl(&json, Dialect::default()).map(|acl| acl.protected)
        };
        let field =
            |kind: &str, keys: Value| json!({"Field": {"FieldType": kind, "FieldKeys": keys}, "Action": "HASH"});
        let protected = acl(json!([
            field("SINGLE_HEADER", json!(["X-Key"])),
            field("SINGLE_QUERY_ARGUMENT", json!(["PIN"])),
            field("BODY", Value::Null),
        ]));
        let expected = Redacted { headers: vec!["x-key".into()], arguments: vec!["pin".into()], ..Redacted::default() };
        assert_eq!(protected.unwrap(), expected);
        assert!(acl(json!([field("COOKIE", json!([]))])).is_err());
    }
}
