//! The last good state on disk: what an edge serves with before its issuer answers.
//!
//! Two files, both under a MAC by a key that only this edge has. `feed.state` holds the states and is written now and then; `feed.marks` holds the
//! newest epochs (written **before** a state of a new epoch is in force: an older one must not come back after a crash) and how fresh each feed is.
//!
//! `feed.state` is written and read in pieces, never held whole: a line that names the format, the number of feeds, for each its name, position and
//! freshness (u32 length, postcard) and its state ([`FeedState::write_to`]), and the MAC over all of that. An earlier format, records under a MAC
//! that stands first, is still read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use common::clock::UnixMillis;
use common::feed::{Epoch, FeedName, FeedState, Kept, Position, Record, Restored};
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::signed::{Signing, Verifying};
use crate::files;

const STATE_MAGIC: &[u8; 22] = b"tollgate feed state 2\n";
const OLD_STATE_MAGIC: &[u8] = b"tollgate feed state 1\n";
const MARKS_MAGIC: &[u8] = b"tollgate feed marks 1\n";
const MAC_LENGTH: usize = 32;
const BUFFER: usize = 64 * 1024;

/// The state directory and the key of its MACs.
pub(super) struct Disk {
    dir: PathBuf,
    key: hmac::Key,
    /// The directory is another process's now: nothing is written any more.
    left: AtomicBool,
}

/// What stands before a feed's state.
#[derive(Serialize, Deserialize)]
struct StoredFeed {
    feed: FeedName,
    position: Position,
    fresh_as_of: UnixMillis,
}

/// A feed in the earlier format.
#[derive(Serialize, Deserialize)]
struct OldFeed {
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
        let mut restored = Restored { epochs: marks.epochs, states: BTreeMap::new() };
        for (feed, kept) in self.states(&mut damaged)? {
            // A mark counts if the state has all that the mark's position has.
            let position = kept.state.position();
            let mark = marks.fresh.get(&feed).filter(|(at, _)| at.epoch == position.epoch && at.seq <= position.seq);
            let fresh_as_of = mark.map_or(kept.fresh_as_of, |(_, fresh)| kept.fresh_as_of.max(*fresh));
            restored.states.insert(feed, Kept { fresh_as_of, ..kept });
        }
        Ok(Loaded { restored, damaged })
    }

    fn states(&self, damaged: &mut bool) -> io::Result<Vec<(FeedName, Kept)>> {
        let path = self.dir.join("feed.state");
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len().min(files::MAX_FILE);
        let mut input = Verifying::new(&self.key, BufReader::with_capacity(BUFFER, file), length);
        let mut magic = [0; STATE_MAGIC.len()];
        match input.read_exact(&mut magic) {
            Ok(()) if magic == *STATE_MAGIC => {}
            Ok(()) => return self.old_states(damaged),
            Err(error) => return genuine(Err(error), damaged),
        }
        let states = read_states(&mut input);
        let good = states.and_then(|states| if input.finish()? { Ok(states) } else { Err(invalid()) });
        genuine(good, damaged)
    }

    fn old_states(&self, damaged: &mut bool) -> io::Result<Vec<(FeedName, Kept)>> {
        let feeds: Vec<OldFeed> = self.read("feed.state", OLD_STATE_MAGIC, damaged)?.unwrap_or_default();
        let mut states = Vec::new();
        for OldFeed { feed, position, fresh_as_of, records } in feeds {
            match FeedState::from_records(position, &records) {
                Ok(state) => states.push((feed, Kept { state, fresh_as_of })),
                Err(_) => *damaged = true,
            }
        }
        Ok(states)
    }

    pub(super) fn save_states(&self, states: &[(FeedName, Kept)]) -> io::Result<()> {
        if self.is_left() {
            return Ok(());
        }
        files::replace_by(&self.dir.join("feed.state"), |file| {
            let mut out = Signing::new(&self.key, BufWriter::with_capacity(BUFFER, file));
            out.write_all(STATE_MAGIC)?;
            out.write_all(&u32::try_from(states.len()).map_err(io::Error::other)?.to_le_bytes())?;
            for (feed, Kept { state, fresh_as_of }) in states {
                let (position, fresh_as_of) = (state.position(), *fresh_as_of);
                let head = StoredFeed { feed: feed.clone(), position, fresh_as_of };
                let head = postcard::to_stdvec(&head).map_err(io::Error::other)?;
                out.write_all(&u32::try_from(head.len()).map_err(io::Error::other)?.to_le_bytes())?;
                out.write_all(&head)?;
                state.write_to(&mut out)?;
            }
            out.finish()
        })
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

fn read_states(input: &mut Verifying<impl Read>) -> io::Result<Vec<(FeedName, Kept)>> {
    let count = read_length(input)?;
    let mut states = Vec::new();
    for _ in 0..count {
        let length = read_length(input)?;
        let mut head = vec![0; usize::try_from(length).ok().filter(|_| length <= input.left()).ok_or_else(invalid)?];
        input.read_exact(&mut head)?;
        let head: StoredFeed = postcard::from_bytes(&head).map_err(|_| invalid())?;
        let left = input.left();
        let state = FeedState::read_from(head.position, input, left)?;
        states.push((head.feed, Kept { state, fresh_as_of: head.fresh_as_of }));
    }
    Ok(states)
}

fn read_length(input: &mut impl Read) -> io::Result<u64> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    Ok(u32::from_le_bytes(length).into())
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not what this edge has written")
}

/// A file that ends too early or is not what was written is damaged; one that can't be read is an error.
fn genuine<T: Default>(found: io::Result<T>, damaged: &mut bool) -> io::Result<T> {
    match found {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
            *damaged = true;
            Ok(T::default())
        }
        other => other,
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
        for at in [0, 22, MAC_LENGTH + 2, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            let loaded = disk.load().unwrap();
            assert!(loaded.damaged && loaded.restored.states.is_empty(), "{at}");
        }
        for length in [0, 20, 22, good.len() / 2, good.len() - 1] {
            std::fs::write(&path, &good[..length]).unwrap();
            let loaded = disk.load().unwrap();
            assert!(loaded.damaged && loaded.restored.states.is_empty(), "{length}");
        }
        let longer = [good.as_slice(), &[0]].concat();
        std::fs::write(&path, longer).unwrap();
        assert!(disk.load().unwrap().damaged);
    }

    #[test]
    fn a_state_of_the_earlier_format_is_read_and_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        let Kept { state, fresh_as_of } = kept(3);
        let (position, records) = (state.position(), state.records().collect());
        let old = OldFeed { feed: FeedName::Global, position, fresh_as_of, records };
        disk.write("feed.state", OLD_STATE_MAGIC, &vec![old]).unwrap();
        let loaded = disk.load().unwrap();
        assert!(!loaded.damaged);
        assert_eq!(loaded.restored.states[&FeedName::Global], kept(3));
        let states: Vec<(FeedName, Kept)> = loaded.restored.states.into_iter().collect();
        disk.save_states(&states).unwrap();
        assert!(std::fs::read(dir.path().join("feed.state")).unwrap().starts_with(STATE_MAGIC));
        assert_eq!(disk.load().unwrap().restored.states[&FeedName::Global], kept(3));
    }

    #[test]
    fn many_revocations_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        let session = |n: u128| {
            let revoked = Revoked::Session { origin_jti: uuid::Uuid::from_u128(n).to_string() };
            Record::from(Change::Revoked(revoked).to_raw(UnixMillis(5)).unwrap().encode().unwrap())
        };
        let records: Vec<Record> = (0..20_000).map(session).collect();
        let state = FeedState::from_records(kept(3).state.position(), &records).unwrap();
        let states = [(FeedName::Global, kept(1)), (FeedName::parse("r_A").unwrap(), Kept { state, ..kept(3) })];
        disk.save_states(&states).unwrap();
        let loaded = disk.load().unwrap();
        assert!(!loaded.damaged);
        assert_eq!(loaded.restored.states, states.into());
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
