//! Reads the configuration again. It is taken whole or not at all; addresses and threads stay as they were at the start.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::app::issuers::Issuers;
use crate::app::server;
use crate::config::{ConfigError, Places, environment, load};
use crate::front::Reception;
use crate::observe::Metrics;
use crate::snapshot::picture::Picture;

/// Everything that a reload needs.
pub struct Reload {
    pub file: PathBuf,
    pub picture: Arc<Picture>,
    pub metrics: Arc<Metrics>,
    pub reception: Arc<ArcSwap<Reception>>,
    /// As at the start.
    pub places: Places,
    pub issuers: Arc<Issuers>,
    pub one_at_a_time: Mutex<()>,
}

impl Reload {
    /// Answers the generation that serves from now on.
    pub fn run(&self) -> Result<u64, ConfigError> {
        let _alone = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let config = load(&self.file, &environment(), &self.metrics).inspect_err(|_| {
            self.metrics.reloads_failed.inc();
        })?;
        if config.listen.places != self.places {
            tracing::warn!("addresses, threads, drain_timeout or realm of [listen] have changed: that takes a restart");
        }
        self.reception.store(Arc::new(server::reception(&config.listen)));
        let generation = self.picture.configure(config.routes, config.issuers);
        self.issuers.follow();
        self.metrics.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        Ok(generation)
    }
}
