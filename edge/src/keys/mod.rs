//! Key sets of other issuers: fetched in the background by the control runtime, never by a request (SECURITY.md E17). When to fetch is decided by
//! [`common::refresh`]; what comes is written into the picture, or kept out of it.

mod discovery;
mod fetch;
mod fetcher;
mod kept;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use common::clock::Clock;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use self::fetcher::Fetcher;
use self::kept::Shelf;
use crate::observe::IssuerMetrics;
use crate::snapshot::picture::Picture;
use crate::snapshot::source::FetchedKeys;

pub use self::kept::restored;

/// What every fetcher needs.
#[derive(Clone)]
pub struct Surroundings {
    pub picture: Arc<Picture>,
    pub clock: Arc<dyn Clock>,
    pub metrics: IssuerMetrics,
    /// Where sets that were fetched are kept over a restart; `None`: nowhere.
    pub state_dir: Option<PathBuf>,
}

/// One fetcher for each source that is configured.
pub struct Fetchers {
    surroundings: Surroundings,
    runtime: Handle,
    running: Mutex<HashMap<Arc<str>, Running>>,
}

struct Running {
    keys: Arc<FetchedKeys>,
    task: JoinHandle<()>,
}

impl Fetchers {
    pub fn new(surroundings: Surroundings, runtime: Handle) -> Self {
        Self { surroundings, runtime, running: Mutex::default() }
    }

    /// Follows the picture's configuration: fetchers of sources that are gone end, new ones begin with what is kept on disk, and those whose
    /// source has not changed go on as if nothing had happened.
    pub fn follow(&self) {
        let snapshot = self.surroundings.picture.load();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|name, fetcher| {
            let current = snapshot.issuers.iter().find(|issuer| issuer.name == *name);
            let stays =
                current.and_then(|issuer| issuer.keys.as_ref()).is_some_and(|keys| Arc::ptr_eq(keys, &fetcher.keys));
            if !stays {
                fetcher.task.abort();
            }
            stays
        });
        for issuer in &snapshot.issuers {
            let Some(keys) = &issuer.keys else { continue };
            running.entry(Arc::clone(&issuer.name)).or_insert_with(|| {
                let shelf =
                    self.surroundings.state_dir.as_deref().and_then(|dir| Shelf::of(dir, &issuer.name, &keys.source));
                let fetcher =
                    Fetcher::new(self.surroundings.clone(), Arc::clone(&issuer.name), Arc::clone(keys), shelf);
                Running { keys: Arc::clone(keys), task: self.runtime.spawn(fetcher.run()) }
            });
        }
    }
}
