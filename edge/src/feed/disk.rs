//! The last good state on disk: what an edge serves with before its issuer answers.
//!
//! Two files, both under a MAC by a key that only this edge has. `feed.state` holds the states and is written now and then; `feed.marks` holds the
//! newest epochs (written **before** a state of a new epoch is in force: an older one must not come back after a crash) and how fresh each feed is.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use common::clock::UnixMillis;
use common::feed::{Epoch, FeedName, FeedState, Kept, Position, Record, Restored};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::files;

const STATE_MAGIC: &[u8] = b"tollgate feed state 1\n";
const MARKS_MAGIC: &[u8] = b"tollgate feed marks 1\n";
const MAC_LENGTH: usize = 32;

/// The state directory and the key of its MACs.
pub(super) struct Disk {
    dir: PathBuf,
    key: hmac::Key,
    /// The directory is another process's now: nothing is written any more.
    left: AtomicBool,
}

#[derive(Serialize, Deserialize)]
struct StoredFeed {
    feed: FeedName,
    position: Position,
    fresh_as_of: UnixMillis,
    records: Vec<Record>,
}

#[derive(Default, Serialize, Deserialize)]
struct Marks {
    epochs: BTreeMap<FeedName, Epoch>,
    /// Complete at this position as of that moment.
    fresh: BTreeMap<FeedName, (Position, UnixMillis)>,
}

/// What was on disk.
pub(super) struct Loaded {
    pub restored: Restored,
    /// A file was damaged or written under another key; it counts for nothing.
    pub damaged: bool,
}

impl Disk {
    /// Makes the key on first use.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        files::make_dir(dir)?;
        let path = dir.join("state.key");
        let bytes = match files::read(&path)? {
            Some(bytes) if bytes.len() == 32 => bytes,
            _ => {
                let bytes = [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()].concat();
                files::replace(&path, &bytes)?;
                bytes
            }
        };
        Ok(Self { dir: dir.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, &bytes), left: AtomicBool::new(false) })
    }

    /// Leaves the directory to a successor.
    pub(super) fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    /// To look at only; `None` where no edge has saved anything.
    pub(super) fn look(dir: &Path) -> io::Result<Option<Self>> {
        let key = files::read(&dir.join("state.key"))?;
        Ok(key.map(|key| Self {
            dir: dir.to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            left: AtomicBool::new(true),
        }))
    }

    pub(super) fn load(&self) -> io::Result<Loaded> {
        let mut damaged = false;
        let marks: Marks = self.read("feed.marks", MARKS_MAGIC, &mut damaged)?.unwrap_or_default();
        let feeds: Vec<StoredFeed> = self.read("feed.state", STATE_MAGIC, &mut damaged)?.unwrap_or_default();
        let mut restored = Restored { epochs: marks.epochs, states: BTreeMap::new() };
        for stored in feeds {
            let Ok(state) = FeedState::from_records(stored.position, &stored.records) else {
                damaged = true;
                continue;
            };
            // A mark counts if the state has all that the mark's position has.
            let mark = marks
                .fresh
                .get(&stored.feed)
                .filter(|(at, _)| at.epoch == stored.position.epoch && at.seq <= stored.position.seq);
            let fresh_as_of = mark.map_or(stored.fresh_as_of, |(_, fresh)| stored.fresh_as_of.max(*fresh));
            restored.states.insert(stored.feed, Kept { state, fresh_as_of });
        }
        Ok(Loaded { restored, damaged })
    }

    pub(super) fn save_states(&self, states: &[(FeedName, Kept)]) -> io::Result<()> {
        let store = |(feed, kept): &(FeedName, Kept)| StoredFeed {
            feed: feed.clone(),
            position: kept.state.position(),
            fresh_as_of: kept.fresh_as_of,
            records: kept.state.records().collect(),
        };
        self.write("feed.state", STATE_MAGIC, &states.iter().map(store).collect::<Vec<_>>())
    }

    pub(super) fn save_marks(
        &self,
        epochs: &BTreeMap<FeedName, Epoch>,
        fresh: BTreeMap<FeedName, (Position, UnixMillis)>,
    ) -> io::Result<()> {
        self.write("feed.marks", MARKS_MAGIC, &Marks { epochs: epochs.clone(), fresh })
    }

    fn read<T: for<'a> Deserialize<'a>>(&self, name: &str, magic: &[u8], damaged: &mut bool) -> io::Result<Option<T>> {
        let Some(bytes) = files::read(&self.dir.join(name))? else { return Ok(None) };
        let body = bytes.split_at_checked(MAC_LENGTH).and_then(|(mac, signed)| {
            hmac::verify(&self.key, signed, mac).ok()?;
            signed.strip_prefix(magic)
        });
        let value = body.and_then(|body| postcard::from_bytes(body).ok());
        *damaged |= value.is_none();
        Ok(value)
    }

    fn write<T: Serialize>(&self, name: &str, magic: &[u8], value: &T) -> io::Result<()> {
        if self.is_left() {
            return Ok(());
        }
        let body = postcard::to_stdvec(value).map_err(io::Error::other)?;
        let signed = [magic, &body].concat();
        let mac = hmac::sign(&self.key, &signed);
        files::replace(&self.dir.join(name), &[mac.as_ref(), &signed].concat())
    }
}

#[cfg(test)]
mod tests {
    use common::feed::{Change, Revoked};

    use super::*;

    fn kept(seq: u64) -> Kept {
        let change = Change::Revoked(Revoked::Token { jti: "j".into() });
        let record: Record = change.to_raw(UnixMillis(5)).unwrap().encode().unwrap().into();
        let position = Position { seq, ..Position::start(Epoch([1; 16])) };
        Kept { state: FeedState::from_records(position, [&record]).unwrap(), fresh_as_of: UnixMillis(10) }
    }

    #[test]
    fn what_was_saved_is_loaded_by_this_edge_only() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        disk.save_states(&[(FeedName::Global, kept(3))]).unwrap();
        let loaded = Disk::open(dir.path()).unwrap().load().unwrap();
        assert!(!loaded.damaged);
        assert_eq!(loaded.restored.states[&FeedName::Global], kept(3));

        std::fs::remove_file(dir.path().join("state.key")).unwrap();
        let loaded = Disk::open(dir.path()).unwrap().load().unwrap();
        assert!(loaded.damaged && loaded.restored.states.is_empty());
    }

    #[test]
    fn what_was_left_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (Disk::open(dir.path()).unwrap(), Disk::open(dir.path()).unwrap());
        old.leave();
        new.save_states(&[(FeedName::Global, kept(3))]).unwrap();
        old.save_states(&[]).unwrap();
        assert_eq!(new.load().unwrap().restored.states.len(), 1);
    }

    #[test]
    fn one_changed_bit_means_starting_empty() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        disk.save_states(&[(FeedName::Global, kept(3))]).unwrap();
        let path = dir.path().join("feed.state");
        let good = std::fs::read(&path).unwrap();
        for at in [0, MAC_LENGTH + 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            let loaded = disk.load().unwrap();
            assert!(loaded.damaged && loaded.restored.states.is_empty(), "{at}");
        }
        std::fs::write(&path, &good[..20]).unwrap();
        assert!(disk.load().unwrap().damaged);
    }

    #[test]
    fn a_mark_counts_only_for_a_state_that_has_it_all() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        let mark = |seq| BTreeMap::from([(FeedName::Global, (kept(seq).state.position(), UnixMillis(99)))]);
        let epochs = BTreeMap::from([(FeedName::Global, Epoch([1; 16]))]);
        disk.save_states(&[(FeedName::Global, kept(3))]).unwrap();
        disk.save_marks(&epochs, mark(3)).unwrap();
        assert_eq!(disk.load().unwrap().restored.states[&FeedName::Global].fresh_as_of, UnixMillis(99));
        disk.save_marks(&epochs, mark(4)).unwrap();
        let restored = disk.load().unwrap().restored;
        assert_eq!(restored.states[&FeedName::Global].fresh_as_of, UnixMillis(10));
        assert_eq!(restored.epochs, epochs);
    }

    #[test]
    fn files_are_for_this_user_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(&dir.path().join("state")).unwrap();
        disk.save_marks(&BTreeMap::new(), BTreeMap::new()).unwrap();
        for name in ["state.key", "feed.marks"] {
            let mode = std::fs::metadata(dir.path().join("state").join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
}
