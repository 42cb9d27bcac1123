//! Reads the configuration again. It is taken whole or not at all; `[listen]` stays as it was at the start.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{ConfigError, Listen, environment, load};
use crate::observe::Metrics;
use crate::snapshot::picture::Picture;

/// Everything that a reload needs.
#[derive(Debug)]
pub struct Reload {
    file: PathBuf,
    picture: Arc<Picture>,
    metrics: Arc<Metrics>,
    listen: Listen,
    one_at_a_time: Mutex<()>,
}

impl Reload {
    pub fn new(file: PathBuf, picture: Arc<Picture>, metrics: Arc<Metrics>, listen: &Listen) -> Self {
        Self { file, picture, metrics, listen: listen.clone(), one_at_a_time: Mutex::new(()) }
    }

    /// Answers the generation that serves from now on.
    pub fn run(&self) -> Result<u64, ConfigError> {
        let _alone = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let config = load(&self.file, &environment(), &self.metrics).inspect_err(|_| {
            self.metrics.reloads_failed.inc();
        })?;
        if config.listen != self.listen {
            tracing::warn!("[listen] has changed: that takes a restart");
        }
        let generation = self.picture.configure(config.routes, config.issuers);
        self.metrics.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        Ok(generation)
    }
}
