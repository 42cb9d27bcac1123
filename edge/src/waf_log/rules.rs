//! The parts of a record that are about rules.

use std::sync::Arc;

use common::waf::model::{Redacted, Sensitivity};
use serde::Serialize;

use super::Said;
use crate::redact::{self, REDACTED};
use crate::samples::{Answered, Asked};
use crate::waf::{Found, KeyValue, Match, Note, Rule, Seen, Test};

/// What all of these are made with.
#[derive(Clone, Copy)]
pub struct Scene<'s> {
    pub said: Said<'s>,
    pub clearance: crate::waf::Clearance,
    pub at: common::clock::UnixMillis,
    pub redacted: &'s Redacted,
    /// Nothing in the query would be left out: words of it may be told.
    pub tells_query: bool,
}

/// A rule that matched (`nonTerminatingMatchingRules`, `terminatingRule`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Matched {
    rule_id: Arc<str>,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    overridden_action: Option<&'static str>,
    rule_match_details: Vec<Detail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    captcha_response: Option<Response>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge_response: Option<Response>,
}

/// What a detector found (`terminatingRuleMatchDetails`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    condition_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sensitivity_level: Option<&'static str>,
    location: &'static str,
    matched_data: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matched_field_name: Option<String>,
}

/// What came of a captcha or a challenge.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    response_code: u16,
    solve_timestamp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'static str>,
}

/// A rule group that acted (`ruleGroupList`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    rule_group_id: Arc<str>,
    terminating_rule: Option<Matched>,
    non_terminating_matching_rules: Vec<Matched>,
    excluded_rules: Option<()>,
    customer_config: Option<()>,
}

/// A rate-based rule that acted (`rateBasedRuleList`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    rate_based_rule_id: Arc<str>,
    rate_based_rule_name: Arc<str>,
    limit_key: &'static str,
    max_rate_allowed: u32,
    evaluation_window_sec: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_value: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    custom_values: Vec<Value>,
}

#[derive(Debug, Serialize)]
struct Value {
    key: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    value: String,
}

impl From<Answered> for Response {
    fn from(answered: Answered) -> Self {
        Self { response_code: answered.status, solve_timestamp: answered.solved_at, failure_reason: answered.failure }
    }
}

impl Scene<'_> {
    /// The web ACL's own rules that matched and let the request go on; a group that only counts is one of them.
    pub fn counted(&self) -> Vec<Matched> {
        let mut list = Vec::new();
        for matched in &self.said.progress.matched {
            match self.said.acl.rule(matched.step) {
                Some(rule) if rule.group.is_none() => list.push(self.matched(matched.step, rule, Some(matched))),
                Some(Rule { group: Some(group), .. }) if matched.counted => {
                    list.push(Matched::plain(Arc::clone(group), "COUNT"));
                }
                _ => {}
            }
        }
        list
    }

    /// The groups of which a rule matched, in their order.
    pub fn groups(&self) -> Vec<Group> {
        let ended = self.said.verdict.step.map(|step| (step, None));
        let matched = self.said.progress.matched.iter().map(|matched| (matched.step, Some(matched)));
        let mut groups: Vec<(Arc<str>, Group)> = Vec::new();
        for (step, counted) in matched.chain(ended) {
            let Some((rule, name)) = self.said.acl.rule(step).and_then(|rule| Some((rule, rule.group.as_ref()?)))
            else {
                continue;
            };
            if groups.last().is_none_or(|(last, _)| last != name) {
                let id =
                    self.said.acl.group(name).map_or_else(|| Arc::clone(name), |reference| Arc::clone(&reference.id));
                groups.push((Arc::clone(name), Group::new(id)));
            }
            let Some((_, group)) = groups.last_mut() else { continue };
            match counted {
                Some(Match { counted: false, .. }) => {
                    group.non_terminating_matching_rules.push(self.matched(step, rule, counted));
                }
                // It has ended the group, if not the web ACL.
                _ => group.terminating_rule = Some(self.matched(step, rule, None)),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// The rate-based rules that matched.
    pub fn rates(&self) -> Vec<Rate> {
        let steps = self.said.progress.matched.iter().map(|matched| matched.step).chain(self.said.verdict.step);
        let rates = steps.filter_map(|step| {
            let rule = self.said.acl.rule(step)?;
            let Test::Rate(rate) = &rule.test else { return None };
            let note = self.said.noted.of(step);
            Some(Rate {
                rate_based_rule_id: Arc::clone(&rule.name),
                rate_based_rule_name: Arc::clone(&rule.name),
                limit_key: rate.limit_key(),
                max_rate_allowed: rate.quota.rate(),
                evaluation_window_sec: rate.quota.window().as_secs().to_string(),
                limit_value: note.and_then(|note| note.address).map(|address| address.to_string()),
                custom_values: note.map(|note| self.values(&note.values)).unwrap_or_default(),
            })
        });
        rates.collect()
    }

    /// What the rule at a place has found.
    pub fn details(&self, step: usize) -> Vec<Detail> {
        let found = self.said.noted.of(step).into_iter().flat_map(|note: &Note| &note.found);
        found.map(|found| self.detail(found)).collect()
    }

    fn matched(&self, step: usize, rule: &Rule, counted: Option<&Match>) -> Matched {
        let asked = Asked::of(rule).filter(|_| counted.is_some());
        let response = asked.map(|asked| asked.solved(self.clearance, self.at).into());
        let (captcha_response, challenge_response) = match asked {
            Some(Asked::Captcha) => (response, None),
            _ => (None, response),
        };
        Matched {
            rule_match_details: self.details(step),
            overridden_action: rule.instead_of,
            captcha_response,
            challenge_response,
            ..Matched::plain(Arc::clone(&rule.name), rule.act.name())
        }
    }

    fn detail(&self, found: &Found) -> Detail {
        let tells = match &found.seen {
            Seen::Path => !self.redacted.path,
            Seen::Query => self.tells_query,
            Seen::Argument(name) => {
                !self.redacted.query
                    && redact::query(&format!("{name}=x"), self.redacted, redact::Bounds::ONE).ends_with("=x")
            }
            Seen::Header(name) => redact::header(name, b"x", self.redacted) == "x",
            Seen::Elsewhere => false,
        };
        let name = match &found.seen {
            Seen::Header(name) | Seen::Argument(name) => Some(redact::cut(name, 256).into_owned()),
            Seen::Path | Seen::Query | Seen::Elsewhere => None,
        };
        let words = found.words.iter().map(|word| redact::value(word, self.redacted));
        Detail {
            condition_type: if found.sensitivity.is_some() { "SQL_INJECTION" } else { "XSS" },
            sensitivity_level: found.sensitivity.map(|level| if level == Sensitivity::High { "HIGH" } else { "LOW" }),
            location: found.location,
            matched_data: if tells { words.collect() } else { Vec::new() },
            matched_field_name: name,
        }
    }

    fn values(&self, values: &[KeyValue]) -> Vec<Value> {
        values.iter().map(|one| Value { key: one.key, name: one.name.clone(), value: self.key_value(one) }).collect()
    }

    fn key_value(&self, one: &KeyValue) -> String {
        let name = one.name.as_deref().unwrap_or_default();
        let told = match one.key {
            "COOKIE" | "CLAIM" => REDACTED.to_owned(),
            // The rule has counted some, which are not to be told.
            "LABEL_NAMESPACE" if one.value.is_empty() => REDACTED.to_owned(),
            "HEADER" => redact::header(name, one.value.as_bytes(), self.redacted),
            "QUERY_ARGUMENT" => {
                let told = redact::query(&format!("{name}={}", one.value), self.redacted, redact::Bounds::ONE);
                told.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).unwrap_or(REDACTED).to_owned()
            }
            "QUERY_STRING" => redact::query(&one.value, self.redacted, redact::Bounds::ONE),
            "URI_PATH" => redact::path(&one.value, self.redacted, redact::Bounds::ONE),
            "HTTP_METHOD" => redact::method(&one.value, self.redacted),
            _ => one.value.clone(),
        };
        redact::cut(&told, 256).into_owned()
    }
}

impl Matched {
    fn plain(rule_id: Arc<str>, action: &'static str) -> Self {
        Self {
            rule_id,
            action,
            overridden_action: None,
            rule_match_details: Vec::new(),
            captcha_response: None,
            challenge_response: None,
        }
    }
}

impl Group {
    fn new(rule_group_id: Arc<str>) -> Self {
        Self {
            rule_group_id,
            terminating_rule: None,
            non_terminating_matching_rules: Vec::new(),
            excluded_rules: None,
            customer_config: None,
        }
    }
}
