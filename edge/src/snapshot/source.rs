//! Issuers of others: where their keys come from, and how far those can be believed now.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use common::clock::UnixMillis;
use common::jose::{Alg, Jwks, KeySet};
use common::refresh::Plan;
use common::verify::{Leeway, Profile};
use prometheus_client::metrics::counter::Counter;

use crate::outbound::{Address, Authorities};
use crate::snapshot::issuer::Trust;

/// Where the keys of one issuer come from and how they are read, as the settings have it. Where two are equal, what was fetched under one is
/// good under the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySource {
    pub place: Place,
    pub plan: Plan,
    /// For each question; a lookup by discovery asks two.
    pub timeout: Duration,
    pub authorities: Authorities,
    pub reading: Reading,
}

/// Where the key set lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    File(PathBuf),
    Url(Address),
    /// Where the issuer's metadata says; the addresses of the metadata, in the order in which they are tried.
    Discovery([Address; 2]),
}

/// What a set of keys means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The exact `iss`.
    pub iss: Arc<str>,
    pub profile: Profile,
    pub leeway: Leeway,
    /// The algorithm of RSA keys that name none.
    pub rsa_alg: Alg,
    /// Keys of other algorithms verify nothing.
    pub algorithms: Vec<Alg>,
    /// Claims that list groups, instead of the profile's own.
    pub groups: Option<Arc<[Box<str>]>>,
}

/// Why a text is no set of keys to believe: one bad key means that something is wrong with the rest, too (SECURITY.md T13).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    #[error("{0}")]
    Refused(String),
    #[error("no key that can verify")]
    Empty,
}

impl Reading {
    /// Reads a published set whole, or refuses it.
    pub fn trust(&self, jwks: &str) -> Result<Trust, BadKeys> {
        let jwks = Jwks::parse_foreign(jwks).map_err(|error| BadKeys::Refused(error.to_string()))?;
        let keys = KeySet::with_algorithms(Arc::clone(&self.iss), jwks, self.rsa_alg, &self.algorithms)
            .map_err(|error| BadKeys::Refused(error.to_string()))?;
        if keys.is_empty() {
            return Err(BadKeys::Empty);
        }
        let keys = Arc::new(keys);
        let (profile, leeway, groups) = (self.profile, self.leeway, self.groups.clone());
        Ok(Trust { profile, leeway, access_keys: Arc::clone(&keys), id_keys: keys, groups })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Url(address) => write!(f, "{address}"),
            Self::Discovery([first, _]) => write!(f, "where {first} says"),
        }
    }
}

/// What is known of the keys of one source. It lives as long as the source is configured so, over reloads; requests and the fetcher share it.
#[derive(Debug)]
pub struct FetchedKeys {
    pub source: KeySource,
    good_until: AtomicU64,
    fetched: AtomicU64,
    wanted: AtomicBool,
    unknown: Counter,
}

impl FetchedKeys {
    /// Before any fetch: nothing is good.
    pub fn awaited(source: KeySource, unknown: Counter) -> Self {
        Self {
            source,
            good_until: AtomicU64::new(0),
            fetched: AtomicU64::new(0),
            wanted: AtomicBool::new(false),
            unknown,
        }
    }

    /// The settings themselves gave keys just now; they are good until the fetcher says otherwise, which it does at once.
    pub fn given(source: KeySource, unknown: Counter) -> Self {
        Self { good_until: AtomicU64::new(u64::MAX), ..Self::awaited(source, unknown) }
    }

    /// When the last good fetch was, and until when it counts.
    pub fn set(&self, fetched: UnixMillis, good_until: UnixMillis) {
        self.fetched.store(fetched.0, Ordering::Relaxed);
        self.good_until.store(good_until.0, Ordering::Relaxed);
    }

    pub fn is_good(&self, now: UnixMillis) -> bool {
        now.0 < self.good_until.load(Ordering::Relaxed)
    }

    /// Since the last good fetch; `None` before the first.
    pub fn age(&self, now: UnixMillis) -> Option<Duration> {
        match self.fetched.load(Ordering::Relaxed) {
            0 => None,
            at => Some(now.since(UnixMillis(at))),
        }
    }

    /// A token came whose `kid` is not among the keys. The request does not wait for what comes of it.
    pub fn miss(&self) {
        self.unknown.inc();
        if !self.wanted.load(Ordering::Relaxed) {
            self.wanted.store(true, Ordering::Relaxed);
        }
    }

    /// Whether there were misses since the last time that this was asked.
    pub fn take_misses(&self) -> bool {
        self.wanted.swap(false, Ordering::Relaxed)
    }
}
