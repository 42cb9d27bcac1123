//! The preloaded library tests/faults/shim.c: lets the disk of one process fail, and its wall clock jump, while it runs.

use std::fs::{File, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::roles::Surroundings;

/// Offsets in the `struct control` of shim.c.
const CLOCK_OFFSET: u64 = 0;
const NTH: u64 = 8;
const ONWARDS: u64 = 16;
const ERROR: u64 = 24;
const CALLS: u64 = 32;
const FAILED: u64 = 40;
const FOLDER: u64 = 48;
const FOLDER_BYTES: usize = 2048;

/// Controls one process, or a family of them.
pub struct Shim {
    control: File,
    folder: TempDir,
}

/// What goes wrong with the disk.
#[derive(Clone, Copy, Debug)]
pub struct DiskFault {
    /// The call that fails: a write, sync, truncation or opening for writing; counted from 1.
    pub nth: u64,
    pub error: Errno,
    pub lasts: Lasts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    Eio = 5,
    Enospc = 28,
    Erofs = 30,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    Once,
    Onwards,
}

impl Shim {
    /// Compiles the library. Another user, such as PostgreSQL's, may use it too.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let compiled =
            Command::new(compiler).args(["-O2", "-shared", "-fPIC", "-o"]).arg(library(&folder)).arg(source).status();
        assert!(compiled.unwrap().success(), "shim.c (Debian: apt-get install gcc libc6-dev)");
        let control = File::options().read(true).write(true).create(true).truncate(true).open(file(&folder)).unwrap();
        control.set_len(FOLDER + FOLDER_BYTES as u64).unwrap();
        control.set_permissions(Permissions::from_mode(0o666)).unwrap();
        Self { control, folder }
    }

    /// The environment that puts a process under control.
    pub fn env(&self) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let preload = ("LD_PRELOAD".to_owned(), text(library(&self.folder)));
        vec![preload, ("TOLLGATE_FAULTS".to_owned(), text(file(&self.folder)))]
    }

    pub fn surroundings(&self) -> Surroundings {
        Surroundings { env: self.env(), ..Surroundings::default() }
    }

    /// Calls on files below `folder` count from now on.
    pub fn watch(&self, folder: &Path) {
        let mut text = folder.canonicalize().unwrap().to_str().unwrap().as_bytes().to_vec();
        assert!(text.len() < FOLDER_BYTES);
        text.resize(FOLDER_BYTES, 0);
        self.control.write_all_at(&text, FOLDER).unwrap();
        self.put(CALLS, 0);
    }

    /// Starts to count, and lets calls fail.
    pub fn fail(&self, fault: DiskFault) {
        for (at, value) in [
            (NTH, 0),
            (ERROR, fault.error as u64),
            (ONWARDS, u64::from(fault.lasts == Lasts::Onwards)),
            (CALLS, 0),
            (FAILED, 0),
            (NTH, fault.nth),
        ] {
            self.put(at, value);
        }
    }

    /// The disk is well again.
    pub fn heal(&self) {
        self.put(NTH, 0);
    }

    /// Calls since [`Shim::watch`] or [`Shim::fail`].
    pub fn calls(&self) -> u64 {
        self.number(CALLS)
    }

    /// How many calls have failed since [`Shim::fail`].
    pub fn failed(&self) -> u64 {
        self.number(FAILED)
    }

    /// Sets the wall clock this far from the true time.
    pub fn set_clock(&self, jump: Jump) {
        let nanos = i64::try_from(jump.size().as_nanos()).unwrap();
        let offset = if matches!(jump, Jump::Back(_)) { -nanos } else { nanos };
        self.control.write_all_at(&offset.to_ne_bytes(), CLOCK_OFFSET).unwrap();
    }

    fn put(&self, at: u64, value: u64) {
        self.control.write_all_at(&value.to_ne_bytes(), at).unwrap();
    }

    fn number(&self, at: u64) -> u64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, at).unwrap();
        u64::from_ne_bytes(bytes)
    }
}

/// Where a wall clock stands, seen from the true time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    Ahead(Duration),
    Back(Duration),
}

impl Jump {
    pub const NONE: Self = Self::Ahead(Duration::ZERO);

    pub fn size(self) -> Duration {
        match self {
            Self::Ahead(size) | Self::Back(size) => size,
        }
    }
}

fn library(folder: &TempDir) -> PathBuf {
    folder.path().join("shim.so")
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("control")
}
