//! What administrators store and issuers send: web ACLs, rule groups, IP sets, regex pattern sets and lists of rules, as any reader of them meets them.
//!
//! What must hold: no panic; what is refused is refused in a short text with a place; what is accepted is accepted again and says the same; a bundle
//! that is accepted is complete; and one that is refused leaves the good one that was there.

use common::waf::model::{RuleGroup, WebAcl};
use common::waf::read::{self, Dialect};
use common::waf::references::{Reference, of_rules};
use common::waf::{Bundle, Invalid, Opened, SearchStrings, capacity};
use serde_json::Value;

const GOOD: &str = include_str!("../corpus/waf/web_acl");

pub fn one(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    in_force(text);
    let Ok(json) = serde_json::from_str::<Value>(text) else { return };
    for search_strings in [SearchStrings::Base64, SearchStrings::Text] {
        let dialect = Dialect { search_strings };
        let acl = same(|| read::web_acl(&json, dialect), |acl: &WebAcl| format!("{acl:?}"));
        let group = same(|| read::rule_group(&json, dialect), |group: &RuleGroup| format!("{group:?}"));
        let rules = same(|| read::rules(&json, dialect), |rules| format!("{rules:?}"));
        for rules in [acl.map(|acl| acl.rules), group.map(|group| group.rules), rules].into_iter().flatten() {
            let _ = capacity::of_rules(&rules, &|_| Some(capacity::MAX));
            let _ = of_rules(&rules);
        }
    }
    let _ = same(|| read::ip_set(&json), |set| format!("{set:?}"));
    let _ = same(|| read::regex_set(&json), |set| format!("{set:?}"));
}

/// Reads twice.
fn same<T>(read: impl Fn() -> Result<T, Invalid>, shown: impl Fn(&T) -> String) -> Option<T> {
    match read() {
        Ok(value) => {
            let again = read().ok().map(|again| shown(&again));
            assert_eq!(again, Some(shown(&value)));
            Some(value)
        }
        Err(invalid) => {
            let said = invalid.to_string();
            assert!(!invalid.reason.is_empty() && invalid.parameter.len() < 1_024 && invalid.reason.len() < 16 * 1024, "{said}");
            None
        }
    }
}

/// As an edge does: what came last and was good.
fn in_force(text: &str) {
    let good = Bundle { web_acl: GOOD.to_owned(), parts: Vec::new() }.open().expect("the seed is good");
    let as_acl = Bundle { web_acl: text.to_owned(), parts: Vec::new() }.open();
    let as_part = Bundle { web_acl: GOOD.to_owned(), parts: vec![text.to_owned()] }.open();
    for outcome in [as_acl, as_part] {
        let in_force = outcome.as_ref().unwrap_or(&good);
        let named = |arn: &str| {
            let Opened { ip_sets, regex_sets, groups, .. } = in_force;
            let mut arns = ip_sets.iter().map(|set| &set.arn).chain(regex_sets.iter().map(|set| &set.arn));
            arns.any(|known| known.as_deref() == Some(arn)) || groups.iter().any(|group| group.arn.as_deref() == Some(arn))
        };
        for reference in of_rules(&in_force.web_acl.rules) {
            let (Reference::IpSet(arn) | Reference::RegexSet(arn) | Reference::Group(arn)) = reference else { continue };
            assert!(named(arn), "{arn}");
        }
    }
}
