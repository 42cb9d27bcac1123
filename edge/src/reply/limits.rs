//! What answers say of rate limits: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10 §3, §4), `Retry-After` (RFC 9110 §10.2.3).

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::facts::{Limited, Standing};
use crate::snapshot::limit::RouteLimits;

pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The refusal of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    pub status: StatusCode,
    /// None where waiting does not help.
    pub wait: Option<Duration>,
}

impl Spent {
    /// None where no limit has refused the request.
    pub fn of(of_route: Option<&RouteLimits>, limited: &Limited) -> Option<Self> {
        let number = limited.refused_by?;
        let limit = of_route?.limits.get(usize::from(number))?;
        let standing = limited.tightest.filter(|standing| standing.limit == number);
        Some(Self { status: limit.status, wait: standing.map(|standing| standing.wait) })
    }

    pub fn retry_after(self) -> Option<(HeaderName, HeaderValue)> {
        self.wait.map(|wait| (RETRY_AFTER, HeaderValue::from(whole_seconds(wait).max(1))))
    }
}

/// The policies of the route, and what is left of the limit that leaves least. None where no limit has counted the request.
pub fn fields(of_route: Option<&RouteLimits>, limited: &Limited) -> Option<[(HeaderName, HeaderValue); 2]> {
    let Standing { limit, remaining, wait } = limited.tightest?;
    let of_route = of_route?;
    let name = &of_route.limits.get(usize::from(limit))?.name;
    let seconds = whole_seconds(wait).max(1);
    let left = HeaderValue::try_from(format!("\"{name}\";r={remaining};t={seconds}")).ok()?;
    Some([(POLICY, of_route.policy.clone()?), (LIMIT, left)])
}

/// Rounded up: who waits so long has waited enough.
fn whole_seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}
