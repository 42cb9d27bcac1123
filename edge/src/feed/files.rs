//! Files of the state directory: mode 0600, replaced whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Longest file that is read: a state of some millions of revocations.
const MAX_FILE: u64 = 1024 * 1024 * 1024;

/// Makes the directory (0700) unless there is one.
pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() { Ok(()) } else { fs::DirBuilder::new().recursive(true).mode(0o700).create(path) }
}

/// All of a file; `None` if there is none.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Old or new, never a mixture, whatever happens: written beside, synced, renamed, the directory synced.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}
