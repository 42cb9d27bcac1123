//! The gate of web ACLs: what AWS WAF's rules say of a request (docs/WAF.md).
//!
//! It is asked before the token, so that rules see everybody; where rules ask for claims of verified tokens, after it, and then of everybody too: a
//! request whose token is no good has no claims.

pub mod config;
pub mod pool;
mod terms;

use common::reject::Reject;
use common::verify::Verified;

pub use self::terms::Terms;
use crate::challenge::{self, Challenges};
use crate::facts::Facts;
use crate::gates::{Outcome, RequestView, Shared};
use crate::snapshot::acl::{AclRule, EncodedBodies, Judged};
use crate::waf::{Body, Clearance, Counting, Ending, Request, Said, Solved, Standing, Verdict};

/// Asks the route's web ACL, once a request: a request that comes again with its body, or with what an issuer said of its token, goes on where it
/// stood.
pub fn check(request: RequestView<'_>, facts: &mut Facts, token: Option<&Verified>, shared: Shared<'_>) -> Outcome {
    let Some(rule) = &request.route.acl else { return Outcome::Continue };
    let mut judged = facts.acl.take().unwrap_or_default();
    let outcome = judge(request, rule, &mut judged, token, shared);
    facts.acl = Some(judged);
    outcome
}

fn judge(
    request: RequestView<'_>,
    rule: &AclRule,
    judged: &mut Judged,
    token: Option<&Verified>,
    shared: Shared<'_>,
) -> Outcome {
    let (table, digester) = (&shared.limits.table, &shared.limits.digester);
    let counting = Counting { table, digester, watch: shared.watch, now: request.moment, only_looks: false };
    if judged.verdict.is_none() {
        judged.clearance = clearance(request, rule, shared.challenges);
        let (view, progress) = (view(request, rule, token, judged.clearance), &mut judged.progress);
        let said = match rule.tells.log {
            None => rule.acl.evaluate(view, progress, &*rule.locate, counting),
            Some(_) => rule.acl.evaluate_noting(&mut judged.noted, view, progress, &*rule.locate, counting),
        };
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

/// What rules may see of the request: of a body, as much as this web ACL inspects.
pub fn view<'r>(
    request: RequestView<'r>,
    rule: &AclRule,
    token: Option<&'r Verified>,
    clearance: Clearance,
) -> Request<'r> {
    let fingerprints = request.connection.fingerprints();
    Request {
        method: request.canonical.method,
        path: request.canonical.path.as_str(),
        query: request.canonical.query,
        headers: request.headers,
        body: request.body.first(rule.acl.body_limit),
        client: request.connection.client,
        ja3: fingerprints.map(|prints| &*prints.ja3),
        ja4: fingerprints.map(|prints| &*prints.ja4),
        token,
        clearance,
    }
}

/// What the client has solved, as its token says, where the web ACL asks for it.
pub fn clearance(request: RequestView<'_>, rule: &AclRule, challenges: &Challenges) -> Clearance {
    if !rule.asks && !rule.acl.watches() {
        return Clearance::default();
    }
    let host = request.canonical.host.name();
    let token = match challenges.standing(request.headers, host, &rule.acl.token_domains, request.now) {
        challenge::Standing::Missing => return Clearance::default(),
        challenge::Standing::Invalid => return Clearance { standing: Standing::Invalid, ..Clearance::default() },
        challenge::Standing::DomainMismatch => {
            return Clearance { standing: Standing::DomainMismatch, ..Clearance::default() };
        }
        challenge::Standing::Good(token) => token,
    };
    let solved = |solved: challenge::Solved| Solved {
        ago: request.now.seconds().saturating_sub(solved.at),
        difficulty: solved.difficulty,
    };
    Clearance {
        captcha: token.captcha.map(solved),
        challenge: token.challenge.map(solved),
        standing: Standing::Good,
        session: Some(token.session),
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
