//! What was learnt about one request, each set once.

use std::sync::Arc;

use crate::snapshot::identity::Identity;
use crate::snapshot::issuer::Issuer;

/// The facts that gates add for those after them, and for the headers and the log.
#[derive(Debug, Default)]
pub struct Facts {
    /// Set by the token gate: whose token it is, and what it says.
    pub bearer: Option<Bearer>,
}

/// A verified token and the issuer that vouches for it.
#[derive(Clone, Debug)]
pub struct Bearer {
    pub identity: Arc<Identity>,
    pub issuer: Arc<Issuer>,
}

impl Facts {
    pub fn identity(&self) -> Option<&Identity> {
        self.bearer.as_ref().map(|bearer| &*bearer.identity)
    }
}
