//! What edges report of the requests that a pool's web ACL judged.

use common::clock::UnixMillis;
use common::feed::{HeldBack, Report, SampledRequest, Samples, Solving};
use common::ids::{EdgeId, PoolId};

use super::model::{Address, Kind};
use super::rows;
use crate::sampled::{RateRule, Sample, SampledRule, Solved};
use crate::services::Services;

/// Keeps a report that is about the web ACL which the pool has. One about another, which it may have had a moment ago, is nobody's.
///
/// # Errors
/// In words for the log, when the store can't be read.
pub async fn take(services: &Services, edge: &EdgeId, report: Report, now: UnixMillis) -> Result<(), String> {
    let (pool, arn) = match &report {
        Report::Samples(samples) => (&samples.pool, &samples.web_acl),
        Report::HeldBack(held) => (&held.pool, &held.web_acl),
        _ => return Ok(()),
    };
    let Some(web_acl) = web_acl_of(services, pool, arn).await? else { return Ok(()) };
    match report {
        Report::Samples(samples) => keep(services, samples, now),
        Report::HeldBack(HeldBack { rule, within, addresses, .. }) => {
            let rule = RateRule { web_acl, rule, rule_within_group: within };
            services.sampled.hold_back(now, rule, edge.clone(), addresses);
        }
        _ => {}
    }
    Ok(())
}

/// The id of the pool's web ACL, if its ARN is this.
async fn web_acl_of(services: &Services, pool: &PoolId, arn: &str) -> Result<Option<String>, String> {
    let Some(address) = Address::of_arn(arn, &services.deployment).filter(|address| address.kind == Kind::WebAcl)
    else {
        return Ok(None);
    };
    let row = services.store.one(rows::web_acl_of(pool)).await.map_err(|error| error.to_string())?;
    let id = row.map(|row| row.text(0).map(str::to_owned)).transpose().map_err(|error| error.to_string())?;
    Ok(id.filter(|id| id == address.id))
}

fn keep(services: &Services, samples: Samples, now: UnixMillis) {
    let Samples { web_acl, requests, metrics, .. } = samples;
    for one in metrics {
        let of_metric = one.samples.into_iter().filter_map(|sample| {
            let request = requests.get(usize::from(sample.request))?;
            Some(Sample {
                weight: sample.weight,
                action: sample.action,
                overridden: sample.overridden,
                rule_within_group: sample.within,
                ..told(request, now)
            })
        });
        let rule = SampledRule { web_acl: web_acl.clone(), metric: one.metric };
        services.sampled.report(now, rule, one.requests, of_metric.collect());
    }
}

/// An edge's clock may be ahead; what is asked for ends now.
fn told(request: &SampledRequest, now: UnixMillis) -> Sample {
    let solved =
        |solving: &Solving| Solved { status: solving.status, at: solving.solved_at, failure: solving.failure.clone() };
    Sample {
        at: request.at.min(now),
        client: request.client.map(|client| client.to_string()).unwrap_or_default(),
        country: request.country.and_then(|code| String::from_utf8(code.to_vec()).ok()),
        method: request.method.clone(),
        uri: request.uri.clone(),
        version: request.version.clone(),
        headers: request.headers.clone(),
        labels: request.labels.clone(),
        status: request.status,
        inserted: request.inserted.clone(),
        captcha: request.captcha.as_ref().map(solved),
        challenge: request.challenge.as_ref().map(solved),
        ..Sample::default()
    }
}
