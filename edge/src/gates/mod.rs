//! The gates: each sees a borrowed view of the canonical request, the facts so far and the snapshot, and says whether the request
//! may go on. They import neither pingora nor the feed, and do no I/O; an error anywhere means refusal.

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

use crate::facts::{Connection, Facts};
use crate::rates::{Limits, Moment};
use crate::replay::Replay;
use crate::snapshot::Snapshot;
use crate::snapshot::limit::Stage;
use crate::snapshot::route::Route;

/// What gates may see of a request. Its route has been chosen by the canonical form.
#[derive(Clone, Copy, Debug)]
pub struct RequestView<'r> {
    pub canonical: &'r CanonicalRequest<'r>,
    pub connection: &'r Connection,
    pub headers: &'r HeaderMap,
    pub route: &'r Route,
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
}

/// The gates in their fixed order; the first that does not let it go on stands. The proof is used up last: only a request that passes takes a
/// place for it.
pub fn pass(
    request: RequestView<'_>,
    facts: &mut Facts,
    snapshot: &Snapshot,
    replay: &Replay,
    limits: &Limits,
) -> Outcome {
    certificate::check(request)
        .then(|| limits::check(request, facts, limits, Stage::Request))
        .then(|| token::check(request, facts, snapshot))
        .then(|| session::check(request, facts))
        .then(|| limits::check(request, facts, limits, Stage::Identity))
        .then(|| policy::check(request, facts))
        .then(|| proof::spend(request, facts, replay))
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
