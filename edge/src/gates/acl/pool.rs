//! The web ACL of the pool that a request to the issuer is for.
//!
//! It stands before the pool's public operations, whatever lies under its path (`/{pool}/…`), and the pages and endpoints of its domains, as AWS puts one before a user pool. The route's own
//! web ACL has been asked before. Where the pool is not known here, or nothing says which one it is, there is nothing to ask: the attestation then
//! names none, and an issuer that finds a pool with a web ACL refuses it.

use std::sync::Arc;

use common::reject::Reject;

use super::judge;
use crate::facts::Facts;
use crate::gates::{Outcome, RequestView, Shared};
use crate::snapshot::Snapshot;
use crate::snapshot::acl::{Judged, PoolAcl, PoolJudged};
use crate::tenant::{self, Tenant};

/// All of the body is held on routes to an issuer, so a gate names no length.
const ALL: usize = usize::MAX;

/// Asks it, once a request.
pub fn check(request: RequestView<'_>, facts: &mut Facts, snapshot: &Snapshot, shared: Shared<'_>) -> Outcome {
    if !request.route.attest || !snapshot.tenants.has_web_acls() {
        return Outcome::Continue;
    }
    let mut asked = match facts.pool_acl.take() {
        Some(asked) => asked,
        None => match find(request, snapshot) {
            Ok(Some(asked)) => Box::new(asked),
            Ok(None) => return Outcome::Continue,
            Err(outcome) => return outcome,
        },
    };
    let rule = Arc::clone(&asked.rule);
    let outcome = judge(request, &rule.rule, &mut asked.judged, None, shared);
    facts.pool_acl = Some(asked);
    outcome
}

/// The web ACL that stands before the request's pool, if one does.
pub fn find(request: RequestView<'_>, snapshot: &Snapshot) -> Result<Option<PoolJudged>, Outcome> {
    let host = &request.canonical.host;
    let arrived = tenant::Arrived {
        host: (host.name(), host.port()),
        method: request.canonical.method,
        path: request.canonical.path.as_str(),
        headers: request.headers,
        body: request.body,
    };
    let pool = match tenant::of(arrived, &snapshot.tenants) {
        Tenant::Pool(pool) => pool,
        Tenant::Nobody => return Ok(None),
        Tenant::NeedsBody => return Err(Outcome::NeedBody(ALL)),
    };
    match snapshot.tenants.web_acl(&pool) {
        None => Ok(None),
        Some(PoolAcl::Unreadable) => Err(Outcome::Reject(Reject::AclUnreadable)),
        Some(PoolAcl::Of(rule)) => Ok(Some(PoolJudged { pool, rule: Arc::clone(rule), judged: Judged::default() })),
    }
}
