//! The last good key set of a source on disk, so that an edge that starts while its issuer is away serves.
//!
//! Public keys are no secret, but whoever could write here could sign: files are for this user only (0600), like the settings that name the source.

use std::io;
use std::path::{Path, PathBuf};

use common::clock::UnixMillis;
use ring::digest;
use serde::{Deserialize, Serialize};

use crate::files;
use crate::snapshot::issuer::Trust;
use crate::snapshot::source::{KeySource, Place};

const FOLDER: &str = "keys";

/// The place of one source's set.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    file: PathBuf,
    label: String,
}

#[derive(Serialize, Deserialize)]
struct KeptSet {
    /// Of which source it is: that of another URL or issuer under the same name counts for nothing.
    source: String,
    fetched: UnixMillis,
    jwks: String,
}

impl Shelf {
    /// None for a file, which is on disk anyway.
    pub(super) fn of(state_dir: &Path, name: &str, source: &KeySource) -> Option<Self> {
        let place = match &source.place {
            Place::File(_) => return None,
            Place::Url(address) => address.as_str(),
            Place::Discovery([first, _]) => first.as_str(),
        };
        let label = format!("{} {place}", source.reading.iss);
        let hash = digest::digest(&digest::SHA256, name.as_bytes());
        let digits: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Some(Self { file: state_dir.join(FOLDER).join(format!("{digits}.json")), label })
    }

    pub(super) fn store(&self, jwks: &str, fetched: UnixMillis) -> io::Result<()> {
        let kept = KeptSet { source: self.label.clone(), fetched, jwks: jwks.to_owned() };
        if let Some(folder) = self.file.parent() {
            files::make_dir(folder)?;
        }
        files::replace(&self.file, &serde_json::to_vec(&kept)?)
    }

    /// The set and when it was fetched, if there is one of this source that is still good.
    pub(super) fn load(&self, source: &KeySource, now: UnixMillis) -> Option<(Trust, UnixMillis)> {
        let bytes = files::read(&self.file).ok()??;
        let kept: KeptSet = serde_json::from_slice(&bytes).ok()?;
        let fetched = kept.fetched.min(now);
        let is_good = kept.source == self.label && now.since(fetched) < source.plan.max_stale();
        is_good.then(|| source.reading.trust(&kept.jwks).ok())?.map(|trust| (trust, fetched))
    }
}

/// What is kept of a source, for whoever wants to know without fetching.
pub fn restored(state_dir: &Path, name: &str, source: &KeySource, now: UnixMillis) -> Option<(Trust, UnixMillis)> {
    Shelf::of(state_dir, name, source)?.load(source, now)
}
