//! Makes a backup of the running issuer's database, as a stream of bytes.

use std::time::Duration;

use bytes::Bytes;
use common::clock::UnixMillis;
use tokio::sync::mpsc;

use super::error::BackupError;
use super::frame::{Header, Kind, Manifest, Seal, Table};
use super::rows;
use crate::entropy;
use crate::envelope::{RootKey, SealError};
use crate::store::{Dump, Piece, Row, Store, StoreError};

/// The table of migrations, which becomes the manifest.
const LEDGER: &str = "schema_migrations";
/// Parts that wait to be sent.
const QUEUE: usize = 4;
/// Whoever takes nothing for this long gets no more: the copy keeps old row versions from being cleared away.
const STALL: Duration = Duration::from_secs(60);

/// What became of a backup when its stream ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    pub rows: u64,
    pub bytes: u64,
}

/// Begins a backup. The parts make the file; the last one is only sent when all went well, so what is cut off is known by its form. `ended` is
/// told how it went.
pub async fn stream<F>(
    store: &Store,
    root: &RootKey,
    now: UnixMillis,
    ended: impl FnOnce(Result<Made, BackupError>) -> F + Send + 'static,
) -> Result<mpsc::Receiver<Bytes>, BackupError>
where
    F: Future<Output = ()> + Send,
{
    let id = entropy::bytes::<16>().map_err(SealError::from)?.iter().map(|byte| format!("{byte:02x}")).collect();
    let header = Header::new(id, root, now);
    let (begin, seal) = Seal::begin(root, &header).ok_or(BackupError::NoKey)?;
    let dump = store.dump().await?;
    let (out, parts) = mpsc::channel(QUEUE);
    let mut making = Making { store: store.clone(), seal, out, made: Made::default() };
    tokio::spawn(async move {
        let outcome = making.run(begin, dump).await;
        ended(outcome.map(|()| making.made)).await;
    });
    Ok(parts)
}

struct Making {
    store: Store,
    seal: Seal,
    out: mpsc::Sender<Bytes>,
    made: Made,
}

impl Making {
    async fn run(&mut self, begin: Vec<u8>, mut dump: Dump) -> Result<(), BackupError> {
        self.send(begin).await?;
        let manifest = Manifest { migrations: ledger(&mut dump).await? };
        // A newer issuer has been started on this database: it has tables that this one does not know of.
        if let Some((_, name)) = manifest.migrations.iter().find(|(version, _)| !self.store.knows(*version)) {
            return Err(BackupError::Newer(name.clone()));
        }
        self.json(Kind::Manifest, &manifest).await?;
        loop {
            match dump.next().await? {
                Piece::Table { name, columns } => self.json(Kind::Table, &Table { name, columns }).await?,
                Piece::Rows(rows) => {
                    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                    self.made.rows += u64::from(count);
                    let frame = self.seal.frame(Kind::Rows, count, &rows::encode(rows))?;
                    self.send(frame).await?;
                }
                Piece::End => {
                    let end = self.seal.frame(Kind::End, 0, &[])?;
                    return self.send(end).await;
                }
            }
        }
    }

    async fn json(&mut self, kind: Kind, value: &impl serde::Serialize) -> Result<(), BackupError> {
        let plain = serde_json::to_vec(value).unwrap_or_default();
        let frame = self.seal.frame(kind, 0, &plain)?;
        self.send(frame).await
    }

    async fn send(&mut self, part: Vec<u8>) -> Result<(), BackupError> {
        self.made.bytes += part.len() as u64;
        self.out.send_timeout(part.into(), STALL).await.map_err(|_| BackupError::Stalled(STALL))
    }
}

/// The store's copy begins with the ledger, of which rows are (version, name, instant).
async fn ledger(dump: &mut Dump) -> Result<Vec<(u32, String)>, BackupError> {
    let odd = || BackupError::Storage(StoreError::Refused("the copy does not begin with the migrations".to_owned()));
    match (dump.next().await?, dump.next().await?) {
        (Piece::Table { name, .. }, Piece::Rows(rows)) if name == LEDGER => {
            let mut migrations = rows.iter().map(migration).collect::<Option<Vec<_>>>().ok_or_else(odd)?;
            migrations.sort();
            Ok(migrations)
        }
        _ => Err(odd()),
    }
}

fn migration(row: &Row) -> Option<(u32, String)> {
    Some((u32::try_from(row.int(0).ok()?).ok()?, row.text(1).ok()?.to_owned()))
}
