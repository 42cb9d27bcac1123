//! The task of one source: waits, fetches, judges, writes.

use std::sync::Arc;
use std::time::Duration;

use common::clock::UnixMillis;
use common::refresh::{Chance, Next, Refresher};
use http::HeaderValue;
use ring::rand::{SecureRandom, SystemRandom};

use crate::keys::Surroundings;
use crate::keys::fetch::{Asker, Brought, FetchError};
use crate::keys::kept::Shelf;
use crate::observe::Fetched;
use crate::snapshot::issuer::Trust;
use crate::snapshot::source::{BadKeys, FetchedKeys};

/// How often it looks whether a name was missed, or the clock was set.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) struct Fetcher {
    surroundings: Surroundings,
    name: Arc<str>,
    keys: Arc<FetchedKeys>,
    shelf: Option<Shelf>,
    asker: Asker,
    refresher: Refresher,
    /// Of the set in use.
    etag: Option<HeaderValue>,
}

/// What became of a fetch that brought something.
enum Taken {
    Changed,
    Unchanged,
}

impl Fetcher {
    /// What is kept on disk is in force when this returns.
    pub(super) fn new(
        surroundings: Surroundings,
        name: Arc<str>,
        keys: Arc<FetchedKeys>,
        shelf: Option<Shelf>,
    ) -> Self {
        let now = surroundings.clock.now();
        let restored = shelf.as_ref().and_then(|shelf| shelf.load(&keys.source, now));
        let fetched = restored.map(|(trust, fetched)| {
            surroundings.picture.fetched(&name, &keys, trust);
            fetched
        });
        let refresher = Refresher::new(keys.source.plan, now, fetched);
        let asker = Asker::new(&keys.source);
        let fetcher = Self { surroundings, name, keys, shelf, asker, refresher, etag: None };
        fetcher.tell();
        fetcher
    }

    /// Until it is aborted.
    pub(super) async fn run(mut self) {
        loop {
            if self.keys.take_misses() {
                self.refresher.want();
            }
            match self.refresher.next(self.now()) {
                Next::Fetch => self.fetch().await,
                Next::Wait(span) => tokio::time::sleep(span.min(LOOK_EVERY)).await,
                // Not met: the fetch above has ended by then. A wait costs nothing and loops for ever less quickly.
                Next::Busy => tokio::time::sleep(LOOK_EVERY).await,
            }
            self.tell();
        }
    }

    async fn fetch(&mut self) {
        let brought = self.asker.fetch(&self.keys.source, self.etag.as_ref()).await;
        let chance = chance();
        let now = self.now();
        match brought {
            Ok(Brought::Unchanged { lifetime }) => {
                self.refresher.succeeded(now, lifetime, chance);
                self.tell();
                self.count(Fetched::Unchanged);
                self.keep(None, now).await;
            }
            Ok(Brought::Set { text, etag, lifetime }) => match self.take(&text) {
                Ok(taken) => {
                    self.refresher.succeeded(now, lifetime, chance);
                    self.tell();
                    self.etag = etag;
                    self.count(match taken {
                        Taken::Changed => Fetched::Changed,
                        Taken::Unchanged => Fetched::Unchanged,
                    });
                    self.keep(Some(text), now).await;
                }
                Err(problem) => {
                    self.refresher.failed(now, None, chance);
                    self.count(Fetched::Refused);
                    let (issuer, from) = (&self.name, &self.keys.source.place);
                    tracing::error!(%issuer, %from, %problem, "the key set is refused; the last good one stays");
                }
            },
            Err(error) => self.failed(&error, now, chance),
        }
    }

    fn failed(&mut self, error: &FetchError, now: UnixMillis, chance: Chance) {
        self.refresher.failed(now, error.retry_after(), chance);
        self.count(Fetched::Failed);
        let (issuer, failures, age) = (&self.name, self.refresher.failures(), self.refresher.age(now));
        let age_s = age.map(|age| age.as_secs());
        tracing::warn!(%issuer, %error, failures, age_s, "keys could not be fetched");
    }

    /// Into the picture, if it is good and differs from what is in use: a set in another order keeps what is known of tokens under it.
    fn take(&self, text: &str) -> Result<Taken, BadKeys> {
        let trust = self.keys.source.reading.trust(text)?;
        let current = self.surroundings.picture.trusted(&self.name);
        let same = |current: &Trust| current.access_keys.jwks().has_same_keys(trust.access_keys.jwks());
        if current.as_ref().is_some_and(same) {
            return Ok(Taken::Unchanged);
        }
        let count = trust.access_keys.len();
        self.surroundings.picture.fetched(&self.name, &self.keys, trust);
        tracing::info!(issuer = %self.name, keys = count, "another key set is in use");
        Ok(Taken::Changed)
    }

    /// On disk, with the time that counts for its age.
    async fn keep(&self, text: Option<String>, now: UnixMillis) {
        let Some(shelf) = &self.shelf else { return };
        let current = || {
            let trust = self.surroundings.picture.trusted(&self.name)?;
            Some(trust.access_keys.jwks().to_json())
        };
        let Some(text) = text.or_else(current) else { return };
        let (shelf, issuer) = (shelf.clone(), Arc::clone(&self.name));
        let stored = tokio::task::spawn_blocking(move || shelf.store(&text, now)).await;
        if let Ok(Err(error)) = stored {
            tracing::warn!(%issuer, %error, "the key set could not be kept on disk");
        }
    }

    /// Requests see by this how far the keys can be believed.
    fn tell(&self) {
        let now = self.now();
        if let (Some(age), Some(good_until)) = (self.refresher.age(now), self.refresher.good_until()) {
            self.keys.set(now.minus(age), good_until);
        }
    }

    fn count(&self, result: Fetched) {
        self.surroundings.metrics.fetched(&self.name, result);
    }

    fn now(&self) -> UnixMillis {
        self.surroundings.clock.now()
    }
}

fn chance() -> Chance {
    let mut bytes = [0; 4];
    // Without chance edges ask together, which is no reason not to ask.
    let _ = SystemRandom::new().fill(&mut bytes);
    Chance(u32::from_be_bytes(bytes))
}
