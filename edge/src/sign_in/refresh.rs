//! One refresh at a time for each session: whoever comes meanwhile, or with the old cookie shortly after, gets what the first one got. Refresh
//! tokens that are good once (RFC 9700 §4.14.2) would else end the session of a browser that loads two things at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::clock::UnixMillis;
use moka::sync::Cache;
use tokio::sync::watch;

use super::session::Session;
use crate::snapshot::verdicts::TokenDigest;

/// How long what came of a refresh is remembered.
const REMEMBERED: Duration = Duration::from_secs(60);
/// How long nobody tries again after a refresh that came to nothing.
const COOL_DOWN: Duration = Duration::from_secs(5);
/// Refreshes that are on their way.
const MOST: usize = 10_000;
/// Memory for what is remembered; bytes.
const MOST_BYTES: u64 = 32 << 20;
/// Key, slot and bookkeeping of one; bytes.
const ENTRY_OVERHEAD: usize = 256;

/// What came of a refresh.
#[derive(Clone, Debug)]
pub enum Refreshed {
    Session(Arc<Session>),
    /// The provider ends the session.
    Over,
    /// No answer, or none that can be used.
    Failed,
}

#[derive(Clone)]
struct Kept {
    refreshed: Refreshed,
    at: UnixMillis,
}

pub struct Refreshes {
    open: Mutex<HashMap<TokenDigest, watch::Receiver<Option<Refreshed>>>>,
    done: Cache<TokenDigest, Kept>,
}

/// How a request stands to the refresh of its session.
pub enum Joined {
    Done(Refreshed),
    Waiting(watch::Receiver<Option<Refreshed>>),
    /// It is the first: it does it.
    First(watch::Sender<Option<Refreshed>>, watch::Receiver<Option<Refreshed>>),
}

impl Default for Refreshes {
    fn default() -> Self {
        let done = Cache::builder().max_capacity(MOST_BYTES).weigher(weigh).time_to_live(REMEMBERED).build();
        Self { open: Mutex::default(), done }
    }
}

impl Refreshes {
    pub fn join(&self, token: TokenDigest, now: UnixMillis) -> Joined {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = open.get(&token) {
            return Joined::Waiting(same.clone());
        }
        if let Some(kept) = self.done.get(&token).filter(|kept| kept.counts(now)) {
            return Joined::Done(kept.refreshed);
        }
        if open.len() >= MOST {
            return Joined::Done(Refreshed::Failed);
        }
        let (tell, told) = watch::channel(None);
        open.insert(token, told.clone());
        Joined::First(tell, told)
    }

    /// Remembers the end of a refresh before it leaves the open ones.
    pub fn end(&self, token: TokenDigest, refreshed: Refreshed, at: UnixMillis) {
        self.done.insert(token, Kept { refreshed, at });
        self.forget(token);
    }

    /// Of a refresh that broke off.
    pub fn forget(&self, token: TokenDigest) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&token);
    }
}

fn weigh(_: &TokenDigest, kept: &Kept) -> u32 {
    let session = match &kept.refreshed {
        Refreshed::Session(session) => session.weight(),
        Refreshed::Over | Refreshed::Failed => 0,
    };
    u32::try_from(ENTRY_OVERHEAD + session).unwrap_or(u32::MAX)
}

impl Kept {
    fn counts(&self, now: UnixMillis) -> bool {
        let span = match self.refreshed {
            Refreshed::Session(_) | Refreshed::Over => REMEMBERED,
            Refreshed::Failed => COOL_DOWN,
        };
        now >= self.at && now.since(self.at) < span
    }
}
