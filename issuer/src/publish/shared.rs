//! What all connections of one issuer share.

use std::sync::Arc;

use common::clock::Clock;

use super::authority::Authority;
use super::counters::Counters;
use super::directory::Directory;
use super::hub::Hub;
use super::registry::Registry;
use super::reports::Receivers;
use super::sealing::Sealing;
use crate::outbox::Wake;
use crate::store::Store;

pub(super) struct Shared {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub sealing: Arc<dyn Sealing>,
    pub authority: Authority,
    pub directory: Directory,
    pub hub: Arc<Hub>,
    pub registry: Registry,
    pub receivers: Receivers,
    pub counters: Counters,
    pub wake: Wake,
    /// `host:port` that join tokens name.
    pub advertise: String,
}
