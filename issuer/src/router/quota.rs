//! Request quotas at the door: whose bucket a request takes from, and what its answer says of it.
//!
//! A quota belongs to a pool, so only those who can prove that they are its administrators or users take from what these share;
//! for unsigned operations the client's id is all there is. Who proves nothing yet is turned away early when the bucket is empty.
//!
//! Headers: `RateLimit-Policy` and `RateLimit` (IETF draft `draft-ietf-httpapi-ratelimit-headers-10` §3 and §4).

use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use cognito_model::{Exception, Fault};
use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId};
use moka::sync::Cache;

use crate::clients;
use crate::limits::Verdict;
use crate::limits::quotas::{Place, RequestQuotas, Settings, Standing};
use crate::store::{Store, StoreError};

/// Pools of clients that are remembered, at about 200 bytes each.
const CACHED_CLIENTS: u64 = 10_000;
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Counts requests, by a clock that the wall clock's jumps do not touch.
pub struct Turnstile {
    quotas: RequestQuotas,
    started: Instant,
    /// A client never changes its pool, and ids are not given twice. Unknown ids are not remembered.
    pools: Cache<ClientId, PoolId>,
}

impl Turnstile {
    pub fn new(settings: &Settings) -> Self {
        Self { quotas: RequestQuotas::new(settings), started: Instant::now(), pools: Cache::new(CACHED_CLIENTS) }
    }

    /// Counts a request whose place is known. The fault is [`refusal`]'s; either way the standing is for the answer's headers.
    pub fn take(&self, operation: &str, place: Place<'_>, standing: &mut Option<Standing>) -> Result<(), Fault> {
        *standing = self.quotas.take(operation, place, self.now());
        standing.as_ref().map_or(Ok(()), passed)
    }

    /// Turns a request away whose bucket is empty, before the proof of its place is looked at. Takes nothing.
    pub fn look(&self, operation: &str, claimed: Place<'_>, standing: &mut Option<Standing>) -> Result<(), Fault> {
        let seen = self.quotas.look(operation, claimed, self.now());
        let refused = seen.as_ref().map_or(Ok(()), passed);
        *standing = seen.filter(|_| refused.is_err());
        refused
    }

    /// The pool of the client that an unsigned request names, if there is one.
    pub async fn pool_of(&self, store: &Store, client: &ClientId) -> Result<Option<PoolId>, StoreError> {
        if let Some(pool) = self.pools.get(client) {
            return Ok(Some(pool));
        }
        let row = store.one(clients::rows::by_client_id(client)).await?;
        let pool = row.and_then(|row| PoolId::parse(row.text(0).ok()?).ok());
        if let Some(pool) = &pool {
            self.pools.insert(client.clone(), pool.clone());
        }
        Ok(pool)
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

/// What an answer says of the quota that its request was counted in.
pub fn describe(headers: &mut HeaderMap, standing: &Standing) {
    let Standing { policy, decision } = standing;
    let reset = whole_seconds(decision.reset_after);
    let values = [
        (POLICY, format!("\"{policy}\";q={};w=1", decision.limit)),
        (LIMIT, format!("\"{policy}\";r={};t={reset}", decision.remaining)),
    ];
    for (name, value) in values {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

/// Cognito's answer to too many requests; SDKs take it for throttling and try again later.
fn passed(standing: &Standing) -> Result<(), Fault> {
    let Verdict::Refused { retry_after } = standing.decision.verdict else { return Ok(()) };
    let wait = whole_seconds(retry_after.unwrap_or_default()).max(1);
    let mut fault = Fault::new(Exception::TooManyRequests, "Rate exceeded");
    fault.retry_after = Some(Duration::from_secs(wait));
    Err(fault)
}

/// Rounded up: who waits so long has waited enough.
fn whole_seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::quotas::Category;

    const POOL: Place<'_> = Place::Pool("eu-test-1_A");

    fn turnstile(rate: u32) -> Turnstile {
        Turnstile::new(&Settings { enabled: true, rates: [(Category::UserList, rate)].into() })
    }

    fn header(standing: &Standing) -> [String; 2] {
        let mut headers = HeaderMap::new();
        describe(&mut headers, standing);
        [POLICY, LIMIT].map(|name| headers[name].to_str().unwrap().to_owned())
    }

    #[test]
    fn answers_count_down_and_a_refusal_says_when() {
        let turnstile = turnstile(1);
        let mut standing = None;
        turnstile.take("ListUsers", POOL, &mut standing).unwrap();
        assert_eq!(header(&standing.unwrap()), [r#""UserList";q=1;w=1"#, r#""UserList";r=0;t=1"#]);
        let fault = turnstile.look("ListUsers", POOL, &mut standing).unwrap_err();
        assert_eq!((fault.exception, fault.message.as_ref()), (Exception::TooManyRequests, "Rate exceeded"));
        assert_eq!((fault.status(), fault.retry_after), (400, Some(Duration::from_secs(1))));
        assert_eq!(header(&standing.unwrap())[1], r#""UserList";r=0;t=1"#);
    }

    #[test]
    fn looking_tells_nothing_while_there_is_room() {
        let turnstile = turnstile(1);
        let mut standing = None;
        for _ in 0..10 {
            turnstile.look("ListUsers", POOL, &mut standing).unwrap();
            assert_eq!(standing, None);
        }
    }

    #[test]
    fn seconds_are_rounded_up() {
        for (millis, seconds) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
