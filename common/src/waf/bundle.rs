//! A web ACL with all that it refers to, as the issuer sends it to edges: texts as the API has them, and what they say.
//!
//! An edge keeps the texts: what a later version reads out of them is then on its disk already.

use std::collections::HashSet;

use serde_json::Value;

use crate::waf::Invalid;
use crate::waf::model::{IpSet, RegexSet, RuleGroup, WebAcl};
use crate::waf::read::{self, Dialect};
use crate::waf::references::{Reference, of_rules};

/// Texts, not read yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    /// `{"WebACL": …}` as `GetWebACL` answers it, and where logging is set `"LoggingConfiguration": …` beside it.
    pub web_acl: String,
    /// `{"IPSet": …}`, `{"RegexPatternSet": …}` or `{"RuleGroup": …}`, each with its ARN. In no order; there may be more than the web ACL uses.
    pub parts: Vec<String>,
}

/// What a [`Bundle`] says.
#[derive(Clone, Debug)]
pub struct Opened {
    pub web_acl: WebAcl,
    /// AWS WAFv2 `LoggingConfiguration`.
    pub logging: Option<Value>,
    pub ip_sets: Vec<IpSet>,
    pub regex_sets: Vec<RegexSet>,
    pub groups: Vec<RuleGroup>,
}

/// Why a bundle can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadBundle {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Invalid(#[from] Invalid),
    #[error("a part is neither an IPSet nor a RegexPatternSet nor a RuleGroup")]
    Part,
    #[error("{0} is referred to and did not come with it")]
    Missing(String),
}

impl Bundle {
    /// Reads all of it. Every reference by ARN is to something that is there; groups that come with the product are not looked for.
    pub fn open(&self) -> Result<Opened, BadBundle> {
        let web_acl: Value = serde_json::from_str(&self.web_acl)?;
        let mut opened = Opened {
            logging: web_acl.get("LoggingConfiguration").cloned(),
            web_acl: read::web_acl(&web_acl, Dialect::default())?,
            ip_sets: Vec::new(),
            regex_sets: Vec::new(),
            groups: Vec::new(),
        };
        for part in &self.parts {
            let part: Value = serde_json::from_str(part)?;
            match part.as_object().and_then(|part| part.keys().next()).map(String::as_str) {
                Some("IPSet") => opened.ip_sets.push(read::ip_set(&part)?),
                Some("RegexPatternSet") => opened.regex_sets.push(read::regex_set(&part)?),
                Some("RuleGroup") => opened.groups.push(read::rule_group(&part, Dialect::default())?),
                _ => return Err(BadBundle::Part),
            }
        }
        opened.complete()?;
        Ok(opened)
    }
}

impl Opened {
    fn complete(&self) -> Result<(), BadBundle> {
        let sets: HashSet<&str> = self.ip_sets.iter().filter_map(|set| set.arn.as_deref()).collect();
        let patterns: HashSet<&str> = self.regex_sets.iter().filter_map(|set| set.arn.as_deref()).collect();
        let groups: HashSet<&str> = self.groups.iter().filter_map(|group| group.arn.as_deref()).collect();
        let own = of_rules(&self.web_acl.rules);
        let is_used = |group: &&RuleGroup| group.arn.as_deref().is_some_and(|arn| own.contains(&Reference::Group(arn)));
        let of_groups = self.groups.iter().filter(is_used).flat_map(|group| of_rules(&group.rules));
        for reference in own.iter().copied().chain(of_groups) {
            let (known, arn) = match reference {
                Reference::IpSet(arn) => (&sets, arn),
                Reference::RegexSet(arn) => (&patterns, arn),
                Reference::Group(arn) => (&groups, arn),
                Reference::Managed { .. } => continue,
            };
            if !known.contains(arn) {
                return Err(BadBundle::Missing(arn.to_owned()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VISIBLE: &str =
        r#""VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"}"#;

    fn bundle(parts: &[&str]) -> Bundle {
        let web_acl = format!(
            r#"{{"WebACL": {{"Name": "a", "DefaultAction": {{"Allow": {{}}}}, "Rules": [], {VISIBLE}}}, "LoggingConfiguration": {{"ResourceArn": "x"}}}}"#
        );
        Bundle { web_acl, parts: parts.iter().map(|part| (*part).to_owned()).collect() }
    }

    #[test]
    fn every_kind_of_part_is_read() {
        let group =
            format!(r#"{{"RuleGroup": {{"Name": "g", "ARN": "arn:g", "Capacity": 5, "Rules": [], {VISIBLE}}}}}"#);
        let opened = bundle(&[
            r#"{"IPSet": {"Name": "s", "ARN": "arn:s", "IPAddressVersion": "IPV4", "Addresses": ["10.0.0.0/8"]}}"#,
            r#"{"RegexPatternSet": {"Name": "p", "ARN": "arn:p", "RegularExpressionList": [{"RegexString": "a+"}]}}"#,
            &group,
        ])
        .open()
        .unwrap();
        assert_eq!((opened.web_acl.name.as_str(), opened.logging.unwrap()["ResourceArn"].as_str()), ("a", Some("x")));
        assert_eq!(opened.ip_sets[0].arn.as_deref(), Some("arn:s"));
        assert_eq!(opened.regex_sets[0].patterns, ["a+"]);
        assert_eq!(opened.groups[0].capacity, 5);
    }

    #[test]
    fn what_is_referred_to_must_be_there() {
        let rule = format!(
            r#"{{"Name": "r", "Priority": 0, "Action": {{"Block": {{}}}}, {VISIBLE},
            "Statement": {{"IPSetReferenceStatement": {{"ARN": "arn:aws:wafv2:r:1:regional/ipset/s/i"}}}}}}"#
        );
        let arn = "arn:aws:wafv2:r:1:regional/rulegroup/g/i";
        let group =
            format!(r#"{{"RuleGroup": {{"Name": "g", "ARN": "{arn}", "Capacity": 5, "Rules": [{rule}], {VISIBLE}}}}}"#);
        let refers = format!(
            r#"{{"Name": "r", "Priority": 0, "OverrideAction": {{"None": {{}}}}, {VISIBLE},
            "Statement": {{"RuleGroupReferenceStatement": {{"ARN": "{arn}"}}}}}}"#
        );
        let using = |parts: &[&str]| {
            let bundle = bundle(parts);
            Bundle { web_acl: bundle.web_acl.replace("[]", &format!("[{refers}]")), ..bundle }
        };
        let set = r#"{"IPSet": {"Name": "s", "ARN": "arn:aws:wafv2:r:1:regional/ipset/s/i", "IPAddressVersion": "IPV4", "Addresses": []}}"#;
        assert!(matches!(using(&[set]).open(), Err(BadBundle::Missing(missing)) if missing == arn));
        assert!(matches!(using(&[&group]).open(), Err(BadBundle::Missing(arn)) if arn.ends_with("ipset/s/i")));
        assert!(using(&[set, &group]).open().is_ok());
        assert!(bundle(&[&group]).open().is_ok(), "what is not used need not be complete");
    }

    #[test]
    fn what_can_not_be_read_is_no_bundle() {
        for part in ["", "{}", "[]", "1", r#"{"Other": {}}"#, r#"{"IPSet": {"Name": "s"}}"#] {
            assert!(bundle(&[part]).open().is_err(), "{part}");
        }
        assert!(Bundle::default().open().is_err());
    }
}
