//! The gates: each sees a borrowed view of the canonical request, the facts so far and the snapshot, and says whether the request
//! may go on. They import neither pingora nor the feed, and do no I/O; an error anywhere means refusal.

pub mod acl;
pub mod certificate;
pub mod limits;
pub mod policy;
pub mod proof;
pub mod session;
pub mod token;

use common::canonical::CanonicalRequest;
use common::clock::UnixMillis;
use common::reject::Reject;
use http::HeaderMap;

use crate::challenge::Challenges;
use crate::facts::{Connection, Facts};
use crate::rates::{Limits, Moment};
use crate::replay::Replay;
use crate::snapshot::Snapshot;
use crate::snapshot::limit::Stage;
use crate::snapshot::route::Route;
use crate::takeover::Watch;
use crate::waf::Body;

/// What gates may see of a request. Its route has been chosen by the canonical form.
#[derive(Clone, Copy, Debug)]
pub struct RequestView<'r> {
    pub canonical: &'r CanonicalRequest<'r>,
    pub connection: &'r Connection,
    pub headers: &'r HeaderMap,
    /// The token of the browser's session, which stands for the one in `Authorization`; none where the request has that.
    pub session: Option<&'r str>,
    pub route: &'r Route,
    /// What has been read of the body, on request of a gate.
    pub body: Body<'r>,
    pub now: UnixMillis,
    /// By the monotonic clock, for what is counted; of routes that count nothing it is any moment.
    pub moment: Moment,
}

/// A gate's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Continue,
    Reject(Reject),
    /// The issuer at this position in the snapshot must say what the token is worth: ask it, put its answer into the facts, and ask again.
    NeedIntrospection(usize),
    /// The first so many bytes of the body are to be inspected: read them, and ask again.
    NeedBody(usize),
}

/// What gates share besides the snapshot.
#[derive(Clone, Copy, Debug)]
pub struct Shared<'s> {
    pub replay: &'s Replay,
    pub challenges: &'s Challenges,
    pub limits: &'s Limits,
    pub watch: &'s Watch,
}

/// The gates in their fixed order; the first that does not let it go on stands. The proof is used up last: only a request that passes takes a
/// place for it.
pub fn pass(request: RequestView<'_>, facts: &mut Facts, snapshot: &Snapshot, shared: Shared<'_>) -> Outcome {
    certificate::check(request)
        .then(|| rules_and_token(request, facts, snapshot, shared))
        .then(|| limits::check(request, facts, shared.limits, Stage::Identity))
        .then(|| policy::check(request, facts))
        .then(|| proof::spend(request, facts, shared.replay))
}

/// The web ACLs come first, the route's before the pool's; where the route's asks for claims, the token does, and its refusal stands only if no rule has
/// another word for the request.
fn rules_and_token(request: RequestView<'_>, facts: &mut Facts, snapshot: &Snapshot, shared: Shared<'_>) -> Outcome {
    let reads_claims = request.route.acl.as_ref().is_some_and(|rule| rule.acl.reads_claims);
    if !reads_claims {
        return acl::check(request, facts, None, shared)
            .then(|| acl::pool::check(request, facts, snapshot, shared))
            .then(|| limits::check(request, facts, shared.limits, Stage::Request))
            .then(|| token::check(request, facts, snapshot))
            .then(|| session::check(request, facts));
    }
    let of_token = limits::check(request, facts, shared.limits, Stage::Request)
        .then(|| token::check(request, facts, snapshot))
        .then(|| session::check(request, facts));
    if matches!(of_token, Outcome::NeedIntrospection(_)) {
        return of_token;
    }
    let identity =
        facts.bearer.as_ref().filter(|_| of_token == Outcome::Continue).map(|bearer| bearer.identity.clone());
    acl::check(request, facts, identity.as_ref().map(|identity| &identity.token), shared)
        .then(|| acl::pool::check(request, facts, snapshot, shared))
        .then(|| of_token)
}

impl Outcome {
    fn then(self, next: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Continue => next(),
            halt => halt,
        }
    }
}

impl From<Result<(), Reject>> for Outcome {
    fn from(result: Result<(), Reject>) -> Self {
        match result {
            Ok(()) => Self::Continue,
            Err(reject) => Self::Reject(reject),
        }
    }
}
