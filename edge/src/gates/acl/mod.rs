//! The gate of web ACLs: what AWS WAF's rules say of a request (docs/WAF.md).
//!
//! It is asked before the token, so that rules see everybody; where rules ask for claims of verified tokens, after it, and then of everybody too: a
//! request whose token is no good has no claims.

pub mod config;

use common::reject::Reject;
use common::verify::Verified;

use crate::facts::Facts;
use crate::gates::{Outcome, RequestView};
use crate::rates::Limits;
use crate::snapshot::acl::{AclRule, EncodedBodies, Judged};
use crate::waf::{Body, Clearance, Counting, Ending, Request, Said, Verdict};

/// Asks the route's web ACL, once a request: a request that comes again with its body, or with what an issuer said of its token, goes on where it
/// stood.
pub fn check(request: RequestView<'_>, facts: &mut Facts, token: Option<&Verified>, limits: &Limits) -> Outcome {
    let Some(rule) = &request.route.acl else { return Outcome::Continue };
    let mut judged = facts.acl.take().unwrap_or_default();
    let (table, digester) = (&limits.table, &limits.digester);
    let counting = Counting { table, digester, now: request.moment, only_looks: false };
    let outcome = judge(request, rule, &mut judged, token, counting);
    facts.acl = Some(judged);
    outcome
}

fn judge(
    request: RequestView<'_>,
    rule: &AclRule,
    judged: &mut Judged,
    token: Option<&Verified>,
    counting: Counting<'_>,
) -> Outcome {
    if judged.verdict.is_none() {
        let said = rule.acl.evaluate(view(request, token), &mut judged.progress, &*rule.locate, counting);
        match said {
            Said::NeedsBody(_) if rule.encoded == EncodedBodies::Refuse && is_encoded(request) => {
                return Outcome::Reject(Reject::BodyEncoded);
            }
            Said::NeedsBody(bytes) => return Outcome::NeedBody(bytes),
            Said::Done(verdict) => judged.verdict = Some(verdict),
        }
        rule.count(judged);
    }
    match judged.verdict.as_ref() {
        None => Outcome::Reject(Reject::Internal),
        Some(verdict) => refusal(verdict).map_or(Outcome::Continue, Outcome::Reject),
    }
}

/// How a request is refused that rules do not let through.
pub fn refusal(verdict: &Verdict) -> Option<Reject> {
    match verdict.ending {
        Ending::Allow => None,
        Ending::Block(_) => Some(Reject::AclBlocked),
        Ending::Captcha => Some(Reject::CaptchaRequired),
        Ending::Challenge => Some(Reject::ChallengeRequired),
    }
}

/// What rules may see of the request.
pub fn view<'r>(request: RequestView<'r>, token: Option<&'r Verified>) -> Request<'r> {
    Request {
        method: request.canonical.method,
        path: request.canonical.path.as_str(),
        query: request.canonical.query,
        headers: request.headers,
        body: request.body,
        client: request.connection.client,
        ja3: None,
        ja4: None,
        token,
        clearance: Clearance::default(),
    }
}

/// Anything but `identity` (RFC 9110 §8.4). A body that nobody has read yet may have one.
fn is_encoded(request: RequestView<'_>) -> bool {
    let encodings = request.headers.get_all(http::header::CONTENT_ENCODING);
    let is_identity = |value: &http::HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    matches!(request.body, Body::Unread) && encodings.into_iter().any(|value| !is_identity(value))
}

#[cfg(test)]
mod tests;
