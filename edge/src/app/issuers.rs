//! Issuers of others, put together: fetchers of keys and questions about tokens, on the control runtime.

use std::path::PathBuf;
use std::sync::Arc;

use common::clock::Clock;
use tokio::runtime::Runtime;

use crate::introspection::Introspector;
use crate::keys::{Fetchers, Surroundings};
use crate::observe::Metrics;
use crate::snapshot::picture::Picture;

/// What follows the configured issuers.
pub struct Issuers {
    picture: Arc<Picture>,
    fetchers: Fetchers,
    introspector: Arc<Introspector>,
}

impl Issuers {
    pub fn new(
        runtime: &Runtime,
        picture: &Arc<Picture>,
        clock: &Arc<dyn Clock>,
        metrics: &Metrics,
        state_dir: Option<PathBuf>,
    ) -> Self {
        let (picture, clock, metrics) = (Arc::clone(picture), Arc::clone(clock), metrics.issuers.clone());
        let introspector = Introspector::new(runtime.handle().clone(), Arc::clone(&clock), metrics.clone());
        let surroundings = Surroundings { picture: Arc::clone(&picture), clock, metrics, state_dir };
        let fetchers = Fetchers::new(surroundings, runtime.handle().clone());
        Self { picture, fetchers, introspector: Arc::new(introspector) }
    }

    pub fn introspector(&self) -> Arc<Introspector> {
        Arc::clone(&self.introspector)
    }

    /// Follows the configuration that the picture has now: call it after each change of it.
    pub fn follow(&self) {
        self.introspector.follow(&self.picture.load());
        self.fetchers.follow();
    }
}
