//! The immutable picture that every request decides by: routes, issuers, keys, revocations. One `Arc` a request.
//!
//! This module owns the data types; `routes`, `gates` and `forward` decide over them. [`picture`] is the only place that writes.

pub mod acl;
pub mod authorization;
pub mod cors;
pub mod deaths;
pub mod flow;
pub mod identity;
pub mod introspection;
pub mod issuer;
pub mod limit;
pub mod meter;
pub mod picture;
pub mod resource;
pub mod route;
pub mod sign_in;
pub mod source;
pub mod tenants;
pub mod upstream;
pub mod verdicts;

use std::sync::Arc;

use self::issuer::Issuer;
use self::route::RouteTable;
use self::tenants::Tenants;

/// One state of the edge.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Counts configurations that were taken into use, from 1.
    pub generation: u64,
    pub routes: Arc<RouteTable>,
    /// In the order to which [`route::TokenRule::issuers`] refers.
    pub issuers: Vec<Arc<Issuer>>,
    /// What requests to the issuer may be about.
    pub tenants: Arc<Tenants>,
}

impl Snapshot {
    /// Some web ACL asks for challenges or captchas, so the edge answers on the paths for them itself.
    pub fn asks(&self) -> bool {
        self.routes.asks || self.tenants.asks()
    }
}
