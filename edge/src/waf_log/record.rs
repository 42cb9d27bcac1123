//! A record, field by field, in AWS's names and AWS's order.

use std::sync::Arc;

use common::clock::UnixMillis;
use common::waf::model::Redacted;
use serde::Serialize;

use super::rules::{Detail, Group, Matched, Rate, Response, Scene};
use super::{Logged, Said};
use crate::redact::{self, Bounds};
use crate::samples::{Asked, inserted, says_status};
use crate::waf::Test;

const BOUNDS: Bounds = Bounds { fields: 200, value: 4_096, headers: 32_768 };
/// Labels of a record (as in AWS WAF).
const MAX_LABELS: usize = 100;
/// Where no rule ended it.
const DEFAULT_ACTION: &str = "Default_Action";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record<'r> {
    timestamp: UnixMillis,
    format_version: u8,
    webacl_id: &'r str,
    terminating_rule_id: Arc<str>,
    terminating_rule_type: &'static str,
    action: &'static str,
    terminating_rule_match_details: Vec<Detail>,
    http_source_name: &'r str,
    http_source_id: &'r str,
    rule_group_list: Vec<Group>,
    rate_based_rule_list: Vec<Rate>,
    non_terminating_matching_rules: Vec<Matched>,
    request_headers_inserted: Option<Vec<Named>>,
    response_code_sent: Option<u16>,
    http_request: HttpRequest<'r>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    labels: Vec<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    captcha_response: Option<Response>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge_response: Option<Response>,
    #[serde(rename = "ja3Fingerprint", skip_serializing_if = "Option::is_none")]
    ja3: Option<&'r str>,
    #[serde(rename = "ja4Fingerprint", skip_serializing_if = "Option::is_none")]
    ja4: Option<&'r str>,
    request_body_size: u64,
    #[serde(rename = "requestBodySizeInspectedByWAF")]
    request_body_size_inspected: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HttpRequest<'r> {
    client_ip: String,
    country: String,
    headers: Vec<Named>,
    uri: String,
    args: String,
    http_version: &'static str,
    http_method: String,
    request_id: &'r str,
    /// Browsers send none.
    fragment: &'static str,
    scheme: &'static str,
    host: &'r str,
}

#[derive(Debug, Serialize)]
struct Named {
    name: String,
    value: String,
}

#[derive(Debug, Serialize)]
struct Label {
    name: Arc<str>,
}

impl<'r> Record<'r> {
    pub fn new(said: Said<'r>, logged: &Logged<'r>, redacted: &Redacted) -> Self {
        let Logged { request, .. } = *logged;
        let (acl, progress, verdict) = (said.acl, said.progress, said.verdict);
        let args = redact::query(request.query.unwrap_or_default(), redacted, BOUNDS);
        let scene = Scene {
            said,
            clearance: request.clearance,
            at: request.at,
            redacted,
            tells_query: Some(args.as_str()) == request.query,
        };
        let answered =
            |asked: Asked| asked.last(acl, progress, verdict, request.clearance, request.at).map(Response::from);
        let (terminating_rule_id, terminating_rule_type) = terminating(said);
        let inserted: Vec<Named> = inserted(&progress.headers).map(Named::from).collect();
        Self {
            timestamp: request.at,
            format_version: 1,
            webacl_id: acl.arn.as_deref().unwrap_or(&acl.name),
            terminating_rule_id,
            terminating_rule_type,
            action: verdict.ending.name(),
            terminating_rule_match_details: verdict.step.map(|step| scene.details(step)).unwrap_or_default(),
            http_source_name: logged.source.0,
            http_source_id: logged.source.1,
            rule_group_list: scene.groups(),
            rate_based_rule_list: scene.rates(),
            non_terminating_matching_rules: scene.counted(),
            request_headers_inserted: (!inserted.is_empty()).then_some(inserted),
            response_code_sent: says_status(verdict).then_some(request.status),
            http_request: HttpRequest::new(logged, args, redacted),
            labels: progress.labels.told().take(MAX_LABELS).map(|name| Label { name: Arc::clone(name) }).collect(),
            captcha_response: answered(Asked::Captcha),
            challenge_response: answered(Asked::Challenge),
            ja3: logged.ja3,
            ja4: logged.ja4,
            request_body_size: logged.body,
            request_body_size_inspected: inspected(said, logged.body),
        }
    }
}

impl<'r> HttpRequest<'r> {
    fn new(logged: &Logged<'r>, args: String, redacted: &Redacted) -> Self {
        let Logged { request, .. } = *logged;
        let country = request.country.and_then(|code| String::from_utf8(code.to_vec()).ok());
        Self {
            client_ip: request.client.map(|client| client.to_string()).unwrap_or_default(),
            country: country.unwrap_or_else(|| "-".to_owned()),
            headers: redact::headers(request.headers, redacted, BOUNDS).into_iter().map(Named::from).collect(),
            uri: redact::path(request.path, redacted, BOUNDS),
            args,
            http_version: request.version,
            http_method: redact::method(request.method, redacted),
            request_id: logged.request_id,
            fragment: "",
            scheme: logged.scheme,
            host: logged.host,
        }
    }
}

impl From<(String, String)> for Named {
    fn from((name, value): (String, String)) -> Self {
        Self { name, value }
    }
}

/// Which rule of the web ACL ended it, and of what kind it is.
fn terminating(said: Said<'_>) -> (Arc<str>, &'static str) {
    let Some(rule) = said.verdict.step.and_then(|step| said.acl.rule(step)) else {
        return (DEFAULT_ACTION.into(), "REGULAR");
    };
    match (&rule.group, &rule.test) {
        (Some(group), _) => {
            let is_managed = said.acl.group(group).is_some_and(|reference| reference.managed);
            (Arc::clone(group), if is_managed { "MANAGED_RULE_GROUP" } else { "GROUP" })
        }
        (None, Test::Rate(_)) => (Arc::clone(&rule.name), "RATE_BASED"),
        (None, Test::Condition(_)) => (Arc::clone(&rule.name), "REGULAR"),
    }
}

/// Bytes of the body that rules could see: none, where the request was over before one asked for it.
fn inspected(said: Said<'_>, body: u64) -> u64 {
    let ended_at = said.verdict.step.unwrap_or(usize::MAX);
    let asked = said.acl.rules().any(|(step, rule)| rule.reads_body && step <= ended_at);
    if asked { body.min(u64::try_from(said.acl.body_limit).unwrap_or(u64::MAX)) } else { 0 }
}
