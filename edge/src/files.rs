//! Files of a state directory: mode 0600, replaced whole; and files of keys.

pub mod keys;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Longest file that is read: a state of some tens of millions of revocations.
pub const MAX_FILE: u64 = 1024 * 1024 * 1024;

/// Makes the directory (0700) unless there is one.
pub fn make_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() { Ok(()) } else { fs::DirBuilder::new().recursive(true).mode(0o700).create(path) }
}

/// All of a file; `None` if there is none.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Old or new, never a mixture, whatever happens: written beside, synced, renamed, the directory synced. Files are replaced side by side, so each
/// has a draft of its own: its whole name and `.new`.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_by(path, |file| file.write_all(bytes))
}

/// The same with what `write` writes.
pub fn replace_by(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    write(&mut file)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_of_one_stem_are_replaced_side_by_side() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["feed.state", "feed.marks"];
        std::thread::scope(|scope| {
            for name in names {
                let path = dir.path().join(name);
                scope.spawn(move || {
                    for _ in 0..100 {
                        replace(&path, name.as_bytes()).unwrap();
                        assert_eq!(read(&path).unwrap().unwrap(), name.as_bytes());
                    }
                });
            }
        });
    }
}
