//! The gates: each sees a borrowed view of the canonical request, the facts so far and the snapshot, and says whether the request
//! may go on. They import neither pingora nor the feed, and do no I/O; an error anywhere means refusal.

pub mod certificate;
pub mod policy;
pub mod session;
pub mod token;

use common::canonical::CanonicalRequest;
use common::clock::UnixMillis;
use common::reject::Reject;
use http::HeaderMap;

use crate::facts::{Connection, Facts};
use crate::snapshot::Snapshot;
use crate::snapshot::route::Route;

/// What gates may see of a request. Its route has been chosen by the canonical form.
#[derive(Clone, Copy, Debug)]
pub struct RequestView<'r> {
    pub canonical: &'r CanonicalRequest<'r>,
    pub connection: &'r Connection,
    pub headers: &'r HeaderMap,
    pub route: &'r Route,
    pub now: UnixMillis,
}

/// A gate's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Continue,
    Reject(Reject),
    /// The issuer at this position in the snapshot must say what the token is worth: ask it, put its answer into the facts, and ask again.
    NeedIntrospection(usize),
}

/// The gates in their fixed order; the first refusal stands.
pub fn pass(request: RequestView<'_>, facts: &mut Facts, snapshot: &Snapshot) -> Outcome {
    match certificate::check(request) {
        Outcome::Continue => {}
        halt => return halt,
    }
    match token::check(request, facts, snapshot) {
        Outcome::Continue => {}
        halt => return halt,
    }
    match session::check(request, facts) {
        Outcome::Continue => policy::check(request, facts),
        halt => halt,
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
