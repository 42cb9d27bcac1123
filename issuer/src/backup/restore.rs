//! Fills an empty database from a backup, while no issuer runs.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use common::clock::UnixMillis;

use super::aftermath::{self, EdgeLeft, Kept, KeyLeft};
use super::error::RestoreError;
use super::frame::{Header, Kind, Manifest, Reader, Table};
use super::rows;
use crate::envelope::RootKey;
use crate::store::{Loading, Migration, StoreConfig};

/// A clock that is behind the backup's by more than this is wrong. Where it is behind by less, the later of the two counts.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(300);
const BUFFER: usize = 1024 * 1024;

/// What to restore, where, and what may outlive it.
pub struct Ask<'a> {
    pub file: &'a Path,
    pub into: &'a StoreConfig,
    pub migrations: &'a [&'a Migration],
    pub now: UnixMillis,
    pub kept: Kept,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The whole file was read and is what the issuer wrote.
    Checked { rows: u64, bytes: u64 },
    /// A table is filled.
    Filled { table: String, rows: u64 },
    /// The signing keys of so many pools were replaced.
    Keys { pools: u64 },
}

/// What was restored, and what an operator must know about it.
#[derive(Clone, Debug)]
pub struct Report {
    pub header: Header,
    pub rows: u64,
    pub bytes: u64,
    /// Tokens and sessions from up to this instant are dead.
    pub at: UnixMillis,
    /// Pools whose signing keys were replaced.
    pub pools: u64,
    pub admin_keys: Vec<KeyLeft>,
    pub edges: Vec<EdgeLeft>,
}

/// A backup that was read to its end and found whole and unaltered.
#[derive(Clone, Debug)]
pub struct Checked {
    pub header: Header,
    pub rows: u64,
    pub bytes: u64,
    manifest: Manifest,
}

/// Reads all of a backup. `root` must be the key that it was made under.
pub fn check(file: &Path, root: &RootKey) -> Result<Checked, RestoreError> {
    let mut reader = open(file, root)?;
    let first = reader.next()?;
    let manifest: Manifest = match first.kind {
        Kind::Manifest => reader.parse(&first.plain)?,
        _ => return Err(RestoreError::Damaged(0)),
    };
    let mut rows = 0;
    loop {
        let frame = reader.next()?;
        if frame.kind == Kind::End {
            let bytes = reader.bytes();
            return Ok(Checked { header: reader.header, rows, bytes, manifest });
        }
        rows += u64::from(frame.rows);
    }
}

/// Restores: either all of it is there afterwards, or nothing is.
pub async fn restore(ask: Ask<'_>, root: RootKey, progress: &mut dyn FnMut(Progress)) -> Result<Report, RestoreError> {
    let checked = check(ask.file, &root)?;
    let Checked { header, rows, bytes, manifest } = checked;
    let behind = header.created_at.since(ask.now);
    if behind > CLOCK_TOLERANCE {
        return Err(RestoreError::ClockBehind(behind));
    }
    progress(Progress::Checked { rows, bytes });
    let reader = open(ask.file, &root)?;
    let loading = Loading::begin(ask.into, ask.migrations, &manifest.migrations).await?;
    if let Err(error) = fill(&loading, reader, progress).await {
        return Err(abandon(loading, error).await);
    }
    let loading = loading.migrate().await?;
    let now = ask.now.max(header.created_at);
    match aftermath::settle(&loading, root, &header, now, &ask.kept, progress).await {
        Ok(settled) => Ok(Report {
            header,
            rows,
            bytes,
            at: settled.at,
            pools: settled.pools,
            admin_keys: settled.admin_keys,
            edges: settled.edges,
        }),
        Err(error) => Err(abandon(loading, error).await),
    }
}

/// The file may have changed since it was checked, so every frame is opened under its seal again.
async fn fill(
    loading: &Loading<'_>,
    mut reader: Reader<BufReader<File>>,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), RestoreError> {
    let mut table: Option<(Table, u64)> = None;
    let mut awaited = loading.tables().clone();
    let mut filled = |table: Option<(Table, u64)>| {
        if let Some((table, rows)) = table {
            progress(Progress::Filled { table: table.name, rows });
        }
    };
    loop {
        let frame = reader.next()?;
        match (frame.kind, &mut table) {
            (Kind::Manifest, _) => {}
            (Kind::Table, _) => {
                let next: Table = reader.parse(&frame.plain)?;
                awaited.remove(&next.name);
                filled(table.replace((next, 0)));
            }
            (Kind::Rows, Some((table, rows))) => {
                let decoded = rows::decode(&frame.plain, table.columns.len(), frame.rows);
                let decoded = decoded.ok_or_else(|| reader.damaged())?;
                loading.insert(&table.name, &table.columns, decoded).await?;
                *rows += u64::from(frame.rows);
            }
            (Kind::Rows, None) => return Err(reader.damaged()),
            (Kind::End, _) => {
                filled(table);
                return awaited.pop_first().map_or(Ok(()), |name| Err(RestoreError::Incomplete(name)));
            }
        }
    }
}

async fn abandon(loading: Loading<'_>, error: RestoreError) -> RestoreError {
    match loading.abandon().await {
        Ok(()) => error,
        Err(more) => RestoreError::NotUndone(Box::new(error), more),
    }
}

pub(super) fn open(file: &Path, root: &RootKey) -> Result<Reader<BufReader<File>>, RestoreError> {
    let unreadable = |source| RestoreError::Unreadable { path: file.to_owned(), source };
    Reader::open(BufReader::with_capacity(BUFFER, File::open(file).map_err(unreadable)?), root)
}
