//! The file: header and frames. Sealing and opening of frames; reading them one by one, with a bound.

use std::io::{ErrorKind, Read};

use common::clock::UnixMillis;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::error::{BackupError, RestoreError};
use crate::envelope::{Context, PoolKey, RootKey};

const MAGIC: &[u8; 16] = b"TOLLGATE-BACKUP\n";
const FORMAT: &str = "1";
const MAX_HEADER: usize = 4_096;
/// Of a sealed frame. The store's pieces are far smaller, but one row may be long.
pub(super) const MAX_FRAME: usize = 32 * 1024 * 1024;
const HEAD: usize = 9;

/// What anyone can read of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub format: String,
    /// 128 random bits in hexadecimal.
    pub id: String,
    /// Which root key opens it ([`RootKey::id`]); not the key.
    pub root_id: String,
    /// By the issuer's clock, before the copy began.
    pub created_at: UnixMillis,
    /// The version of the program that made it.
    pub program: String,
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Manifest,
    Table,
    Rows,
    End,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Manifest, Self::Table, Self::Rows, Self::End];

    const fn code(self) -> u8 {
        match self {
            Self::Manifest => 1,
            Self::Table => 2,
            Self::Rows => 3,
            Self::End => 255,
        }
    }
}

/// Which schema the rows are of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Version and name of every migration, in order.
    pub(super) migrations: Vec<(u32, String)>,
}

/// The rows that follow are of this table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

/// The key of a backup, and the place in it.
pub(super) struct Seal {
    key: PoolKey,
    header: String,
    number: u64,
}

impl Seal {
    fn new(root: &RootKey, header: &Header, encoded: &[u8]) -> Option<Self> {
        let digest = digest(&SHA256, encoded);
        let header_digest = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { key: root.backup_key(&header.id)?, header: header_digest, number: 0 })
    }

    /// The beginning of a new backup, and the seal of its frames.
    pub(super) fn begin(root: &RootKey, header: &Header) -> Option<(Vec<u8>, Self)> {
        let encoded = serde_json::to_vec(header).ok()?;
        let length = u32::try_from(encoded.len()).ok()?;
        let seal = Self::new(root, header, &encoded)?;
        Some(([MAGIC.as_slice(), &length.to_be_bytes(), &encoded].concat(), seal))
    }

    pub(super) fn frame(&mut self, kind: Kind, rows: u32, plain: &[u8]) -> Result<Vec<u8>, BackupError> {
        let sealed = self.at(kind, rows, |key, cell| key.seal(cell, plain))?;
        let length = u32::try_from(sealed.len()).ok().filter(|_| sealed.len() <= MAX_FRAME);
        let length = length.ok_or(BackupError::RowTooLong { limit: MAX_FRAME })?;
        self.number += 1;
        Ok([&[kind.code()], rows.to_be_bytes().as_slice(), &length.to_be_bytes(), &sealed].concat())
    }

    fn open(&mut self, frame: &Sealed) -> Result<Vec<u8>, RestoreError> {
        let plain = self.at(frame.kind, frame.rows, |key, cell| key.open(cell, &frame.body));
        let plain = plain.map_err(|_| RestoreError::Damaged(self.number))?;
        self.number += 1;
        Ok(plain.expose().to_vec())
    }

    fn at<T>(&self, kind: Kind, rows: u32, work: impl FnOnce(&PoolKey, Context<'_>) -> T) -> T {
        let (number, code, rows) = (self.number.to_string(), kind.code().to_string(), rows.to_string());
        let row = [self.header.as_str(), &number, &code, &rows];
        work(&self.key, Context { table: "backup", row: &row, column: "frame" })
    }
}

struct Sealed {
    kind: Kind,
    rows: u32,
    body: Vec<u8>,
}

/// An opened frame.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) kind: Kind,
    pub(super) rows: u32,
    pub(super) plain: Vec<u8>,
}

/// Reads a backup from its start.
struct Raw<R> {
    input: R,
    read: u64,
    frames: u64,
}

impl<R: Read> Raw<R> {
    fn header(input: R) -> Result<(Self, Header, Vec<u8>), RestoreError> {
        let mut raw = Self { input, read: 0, frames: 0 };
        let mut magic = [0; MAGIC.len()];
        raw.fill(&mut magic).map_err(|_| RestoreError::NotABackup)?;
        let mut length = [0; 4];
        raw.fill(&mut length).map_err(|_| RestoreError::NotABackup)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if magic != *MAGIC || length > MAX_HEADER {
            return Err(RestoreError::NotABackup);
        }
        let mut encoded = vec![0; length];
        raw.fill(&mut encoded)?;
        let header: Header = serde_json::from_slice(&encoded).map_err(|_| RestoreError::NotABackup)?;
        if header.format != FORMAT {
            return Err(RestoreError::Format(header.format));
        }
        Ok((raw, header, encoded))
    }

    fn next(&mut self) -> Result<Sealed, RestoreError> {
        let mut head = [0; HEAD];
        self.fill(&mut head)?;
        let [code, r0, r1, r2, r3, l0, l1, l2, l3] = head;
        let damaged = || RestoreError::Damaged(self.frames);
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == code).ok_or_else(damaged)?;
        let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        if length > MAX_FRAME {
            return Err(damaged());
        }
        let mut body = vec![0; length];
        self.fill(&mut body)?;
        self.frames += 1;
        if kind == Kind::End && self.input.read(&mut [0]).map_err(|_| RestoreError::Trailing)? != 0 {
            return Err(RestoreError::Trailing);
        }
        Ok(Sealed { kind, rows: u32::from_be_bytes([r0, r1, r2, r3]), body })
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), RestoreError> {
        match self.input.read_exact(into) {
            Ok(()) => {
                self.read += into.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(RestoreError::Truncated(self.read)),
            Err(source) => Err(RestoreError::Unreadable { path: "the backup".into(), source }),
        }
    }
}

/// Opens a backup, frame by frame.
pub(super) struct Reader<R> {
    raw: Raw<R>,
    seal: Seal,
    pub(super) header: Header,
}

impl<R: Read> Reader<R> {
    /// # Errors
    /// [`RestoreError::WrongRootKey`] before any frame is looked at.
    pub(super) fn open(input: R, root: &RootKey) -> Result<Self, RestoreError> {
        let (raw, header, encoded) = Raw::header(input)?;
        let wrong =
            || RestoreError::WrongRootKey { made_under: header.root_id.clone(), configured: root.id().to_owned() };
        if header.root_id != root.id() {
            return Err(wrong());
        }
        let seal = Seal::new(root, &header, &encoded).ok_or_else(wrong)?;
        Ok(Self { raw, seal, header })
    }

    pub(super) fn next(&mut self) -> Result<Opened, RestoreError> {
        let sealed = self.raw.next()?;
        Ok(Opened { kind: sealed.kind, rows: sealed.rows, plain: self.seal.open(&sealed)? })
    }

    /// The next frame, which is JSON of this form.
    pub(super) fn parse<T: for<'a> Deserialize<'a>>(&self, plain: &[u8]) -> Result<T, RestoreError> {
        serde_json::from_slice(plain).map_err(|_| RestoreError::Damaged(self.raw.frames))
    }

    /// The frame that was read last is not what it should be.
    pub(super) fn damaged(&self) -> RestoreError {
        RestoreError::Damaged(self.raw.frames)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.raw.read
    }
}

impl Header {
    pub(super) fn new(id: String, root: &RootKey, created_at: UnixMillis) -> Self {
        let program = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT.to_owned(), id, root_id: root.id().to_owned(), created_at, program }
    }
}

/// What can be said of a backup without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    pub header: Header,
    pub rows: u64,
    pub bytes: u64,
}

/// Reads a backup to its end and finds it whole in form. Only the root key tells whether it was altered.
pub fn outline(input: impl Read) -> Result<Outline, RestoreError> {
    let (mut raw, header, _) = Raw::header(input)?;
    let mut rows = 0;
    loop {
        let frame = raw.next()?;
        match frame.kind {
            Kind::End => return Ok(Outline { header, rows, bytes: raw.read }),
            Kind::Manifest | Kind::Table | Kind::Rows => rows += u64::from(frame.rows),
        }
    }
}
