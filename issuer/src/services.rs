//! The mechanisms that features work with, built once by `app`. It knows no feature.

use std::sync::Arc;

use common::clock::{Clock, UnixMillis};

use crate::audit::Recorder;
use crate::config::Deployment;
use crate::envelope::{PoolKey, PoolKeys};
use crate::keys::KeyRing;
use crate::limits::Lockout;
use crate::messages::Courier;
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::outbox::Wake;
use crate::passwords::{Compromised, Passwords};
use crate::sampled::Sampled;
use crate::store::Store;

/// Cheap to clone behind an `Arc`; every request holds one.
pub struct Services {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub deployment: Deployment,
    /// For values that belong to no pool.
    pub deployment_key: PoolKey,
    pub pool_keys: Arc<PoolKeys>,
    pub keys: KeyRing,
    pub passwords: Passwords,
    /// Passwords that others know.
    pub compromised: Compromised,
    /// Asked before a password is verified.
    pub lockout: Lockout,
    pub audit: Recorder,
    pub metrics: Arc<Metrics>,
    pub courier: Courier,
    /// Asks URLs that clients name.
    pub outbound: Outbound,
    /// What edges report of requests that web ACLs judged.
    pub sampled: Sampled,
    /// Rings when a commit changed what edges must know.
    pub feed: Wake,
}

impl Services {
    pub fn now(&self) -> UnixMillis {
        self.clock.now()
    }
}
