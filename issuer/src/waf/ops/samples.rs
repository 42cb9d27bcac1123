//! AWS WAFv2: GetSampledRequests, of what edges have reported.

use std::collections::BTreeSet;
use std::time::Duration;

use cognito_model::waf::types as wire;
use cognito_model::{Fault, Timestamp};
use common::clock::UnixMillis;
use common::waf::model::{Rule, Statement};
use common::waf::read::{self, Dialect};

use crate::aws_json::Call;
use crate::sampled::{SAMPLES_STAY, Sample, SampledRule, Solved};
use crate::waf::book;
use crate::waf::entities::{self, regional};
use crate::waf::error::WafError;
use crate::waf::model::{Address, Entity, Kind};

/// The metric under which AWS has the requests that no rule ended.
const DEFAULT_ACTION: &str = "Default_Action";

pub async fn get(
    call: Call,
    input: wire::GetSampledRequestsRequest,
) -> Result<wire::GetSampledRequestsResponse, Fault> {
    regional(input.scope)?;
    let address = entities::of_arn(&call, Kind::WebAcl, &input.web_acl_arn)?;
    let entity = entities::get(&call, address).await?;
    if !metrics(&call, &entity).await?.contains(&input.rule_metric_name) {
        let metric = &input.rule_metric_name;
        return Err(WafError::Nonexistent(format!("No rule of the web ACL has the metric {metric}.")).into());
    }
    let (from, to) = window(&input.time_window, call.now)?;
    let rule = SampledRule { web_acl: input.web_acl_arn, metric: input.rule_metric_name };
    let most = usize::try_from(input.max_items).unwrap_or_default();
    let population = call.services.sampled.population(&rule, from, to, most);
    Ok(wire::GetSampledRequestsResponse {
        population_size: Some(i64::try_from(population.requests).unwrap_or(i64::MAX)),
        sampled_requests: Some(population.samples.into_iter().map(shown).collect()),
        time_window: Some(wire::TimeWindow { end_time: to.into(), start_time: from.into() }),
    })
}

/// As AWS does: what was longer ago than three hours is left out.
fn window(asked: &wire::TimeWindow, now: UnixMillis) -> Result<(UnixMillis, UnixMillis), WafError> {
    let (Timestamp(from), Timestamp(to)) = (asked.start_time, asked.end_time);
    if to < from {
        return Err(WafError::invalid("EXPIRE_TIMESTAMP", "TimeWindow", "EndTime is before StartTime"));
    }
    let earliest = now.minus(SAMPLES_STAY);
    Ok((from.max(earliest), to.max(earliest).min(now.plus(Duration::from_secs(1)))))
}

/// The metrics of a web ACL, of its rules, and of the rules of the groups that these refer to.
async fn metrics(call: &Call, entity: &Entity) -> Result<BTreeSet<String>, Fault> {
    let acl = read::web_acl(&entity.object()?, Dialect::default()).map_err(WafError::from)?;
    let mut metrics = BTreeSet::from([DEFAULT_ACTION.to_owned(), acl.visibility.metric.clone()]);
    note(&acl.rules, &mut metrics);
    for rule in &acl.rules {
        let Statement::Group(group) = &rule.statement else { continue };
        let Some(address) = Address::of_arn(&group.arn, &call.services.deployment) else { continue };
        let group = book::entity(call, address.id).await?.object()?;
        note(&read::rule_group(&group, Dialect::default()).map_err(WafError::from)?.rules, &mut metrics);
    }
    Ok(metrics)
}

fn note(rules: &[Rule], metrics: &mut BTreeSet<String>) {
    metrics.extend(rules.iter().map(|rule| rule.visibility.metric.clone()));
}

fn shown(sample: Sample) -> wire::SampledHTTPRequest {
    let headers = |list: Vec<(String, String)>| -> Vec<wire::HTTPHeader> {
        list.into_iter().map(|(name, value)| wire::HTTPHeader { name: Some(name), value: Some(value) }).collect()
    };
    wire::SampledHTTPRequest {
        action: Some(sample.action),
        captcha_response: sample.captcha.as_ref().map(|solved| wire::CaptchaResponse {
            failure_reason: failure(solved),
            response_code: Some(i32::from(solved.status)),
            solve_timestamp: i64::try_from(solved.at).ok(),
        }),
        challenge_response: sample.challenge.as_ref().map(|solved| wire::ChallengeResponse {
            failure_reason: failure(solved),
            response_code: Some(i32::from(solved.status)),
            solve_timestamp: i64::try_from(solved.at).ok(),
        }),
        labels: Some(sample.labels.into_iter().map(|name| wire::Label { name }).collect()),
        overridden_action: sample.overridden,
        request: wire::HTTPRequest {
            client_ip: Some(sample.client),
            country: sample.country,
            http_version: Some(sample.version),
            headers: Some(headers(sample.headers)),
            method: Some(sample.method),
            uri: Some(sample.uri),
        },
        request_headers_inserted: Some(headers(sample.inserted)).filter(|list| !list.is_empty()),
        response_code_sent: sample.status.map(i32::from),
        rule_name_within_rule_group: sample.rule_within_group,
        timestamp: Some(sample.at.into()),
        weight: i64::try_from(sample.weight).unwrap_or(i64::MAX),
    }
}

fn failure(solved: &Solved) -> Option<wire::FailureReason> {
    solved.failure.as_deref().and_then(wire::FailureReason::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_the_last_three_hours() {
        let now = UnixMillis(1_790_000_000_000);
        let hours = |n: u64| now.minus(Duration::from_secs(n * 3_600));
        let asked = |from: UnixMillis, to: UnixMillis| {
            window(&wire::TimeWindow { start_time: from.into(), end_time: to.into() }, now)
        };
        assert_eq!(asked(hours(2), hours(1)).unwrap(), (hours(2), hours(1)));
        assert_eq!(asked(hours(9), hours(1)).unwrap(), (hours(3), hours(1)));
        assert_eq!(asked(hours(9), hours(8)).unwrap(), (hours(3), hours(3)));
        assert!(asked(hours(1), hours(2)).is_err());
    }
}
