//! What Cedar policies say of a route, compiled when the settings are read: one slice for each action, with the policies that can apply to it
//! and the entities that they can reach. The deciding is done by `gates::policy`.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cedar_policy::{Entities, EntityTypeName, EntityUid, PolicySet};
use prometheus_client::metrics::counter::Counter;

/// Different texts about denials that one slice keeps; further ones are made each time.
const KEPT_DETAILS: usize = 64;

/// What is asked of Cedar on one route.
#[derive(Debug)]
pub struct Authorization {
    /// `User`, in the policies' namespace.
    pub user: EntityTypeName,
    /// `Group`, in the policies' namespace.
    pub group: EntityTypeName,
    /// What requests of this route are about.
    pub resource: EntityUid,
    pub actions: Actions,
    /// All entities of the policies' files: for the groups that groups are in.
    pub known: Arc<Entities>,
    pub meter: PolicyMeter,
}

/// Which action a request is.
#[derive(Debug)]
pub enum Actions {
    /// Named by the route: the same for every method.
    Named(Slice),
    /// The method.
    Methods {
        slices: Vec<(String, Slice)>,
        /// For methods without a slice: the route's policies for whatever action.
        others: OtherActions,
    },
}

/// For methods that nobody counted on: the action is made for each request.
#[derive(Debug)]
pub struct OtherActions {
    pub action: EntityTypeName,
    pub slice: Slice,
}

/// The policies that can apply to one action on one resource.
pub struct Slice {
    /// Counts the slices of a configuration: the name under which verdicts on a token are kept.
    pub number: usize,
    /// None in [`OtherActions`].
    pub action: Option<EntityUid>,
    pub policies: PolicySet,
    /// What the policies can reach besides the principal.
    pub entities: Entities,
    pub reads: Reads,
    details: Mutex<Vec<Arc<str>>>,
}

/// What the policies of a slice read of a request, which is all that they are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Attributes of the context. Where there are none, the verdict depends on the token alone and is kept with it.
    pub context: HashSet<ContextAttribute>,
    pub claims: Claims,
}

/// Which claims the principal has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claims {
    All,
    Some(HashSet<String>),
}

impl Default for Claims {
    fn default() -> Self {
        Self::Some(HashSet::new())
    }
}

impl Reads {
    /// What both read.
    pub fn join(&mut self, other: &Self) {
        self.context.extend(&other.context);
        match (&mut self.claims, &other.claims) {
            (Claims::Some(names), Claims::Some(more)) => names.extend(more.iter().cloned()),
            (claims, _) => *claims = Claims::All,
        }
    }
}

/// What Cedar may know of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContextAttribute {
    Method,
    Scheme,
    Host,
    Path,
    ClientIp,
    Now,
}

impl ContextAttribute {
    pub const ALL: [Self; 6] = [Self::Method, Self::Scheme, Self::Host, Self::Path, Self::ClientIp, Self::Now];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Scheme => "scheme",
            Self::Host => "host",
            Self::Path => "path",
            Self::ClientIp => "client_ip",
            Self::Now => "now",
        }
    }
}

/// Counts evaluations of a route's policies; verdicts that were kept are not evaluated again.
#[derive(Clone, Debug, Default)]
pub struct PolicyMeter {
    pub permitted: Counter,
    pub denied: Counter,
    pub failed: Counter,
}

impl Slice {
    pub fn new(
        number: usize,
        action: Option<EntityUid>,
        policies: PolicySet,
        entities: Entities,
        reads: Reads,
    ) -> Self {
        Self { number, action, policies, entities, reads, details: Mutex::default() }
    }

    /// Whether the verdict depends on the token alone.
    pub fn is_about_the_token(&self) -> bool {
        self.action.is_some() && self.reads.context.is_empty()
    }

    /// The same text, shared: it is kept with many tokens.
    pub fn shared(&self, detail: &str) -> Arc<str> {
        let mut details = self.details.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = details.iter().find(|kept| ***kept == *detail) {
            return Arc::clone(kept);
        }
        let shared: Arc<str> = detail.into();
        if details.len() < KEPT_DETAILS {
            details.push(Arc::clone(&shared));
        }
        shared
    }
}

impl fmt::Debug for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slice").field("number", &self.number).field("action", &self.action).finish_non_exhaustive()
    }
}

impl Authorization {
    /// The slice for a method.
    pub fn slice(&self, method: &str) -> &Slice {
        match &self.actions {
            Actions::Named(slice) => slice,
            Actions::Methods { slices, others } => {
                slices.iter().find(|(name, _)| name == method).map_or(&others.slice, |(_, slice)| slice)
            }
        }
    }
}
