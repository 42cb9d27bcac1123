//! Stores what an export holds in an empty pool, or in one that it makes.
//!
//! Steps: [`begin`] makes the pool where that is asked for, sees that it is empty, and notes which file it is to be filled from; [`take`] stores
//! lines, each batch together with the count of lines that are done; [`finish`] ends it. *A power cut leaves whole batches, and the count of them*:
//! the same command goes on behind them. Another file is refused until the pool is deleted.

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId};
use common::secret::SecretString;

use super::lines::{Line, split};
use super::pending::{Pending, Stored, refused};
use super::rows::{self, Import};
use super::sealed::{ExportKey, Part};
use crate::aws_json::{Call, Write};
use crate::clients::model::Settings as ClientsSettings;
use crate::clients::{self, rows as client_rows};
use crate::pools::model::Settings;
use crate::pools::{self, Pool, PoolError, founding, rules};
use crate::purge;
use crate::services::Services;
use crate::store::{Batch, CommitError};

/// Statements of one batch; the store takes 4,096, and one user may need some 630 (with 500 devices).
const FULL: usize = 2_000;
/// How often lines are tried again that another try stores at the same time.
const TRIES: usize = 3;

/// What is to be imported.
pub struct Asked {
    /// The export's id, and the digest of its file.
    pub export: String,
    pub digest: String,
    /// The pool that was exported.
    pub source: PoolId,
    /// Lines between the first and the last one.
    pub lines: u64,
    /// App clients that it brings, and their settings.
    pub clients: Vec<(ClientId, ClientsSettings)>,
    /// Name and settings of the pool that is to be made; `None` where there is one.
    pub found: Option<(String, Settings)>,
}

/// An import under way.
pub struct Underway {
    pub import: Import,
    /// Whom lines are sealed to on their way, as text.
    pub recipient: String,
}

/// The import of a pool, if there was one.
pub async fn of_pool(services: &Services, pool: &PoolId) -> Result<Option<Import>, Fault> {
    let row = services.store.one(rows::of_pool(pool)).await?;
    Ok(row.map(|row| rows::import(&row)).transpose()?)
}

/// Whether an import could begin, or go on. Changes nothing.
///
/// # Errors
/// `InvalidParameterException` for a pool that is not empty, that is there although it is to be made, or whose import is of another file; for app
/// clients that a pool of this deployment has, or that name what the pool has not.
pub async fn look(services: &Services, id: &PoolId, asked: &Asked) -> Result<Option<Import>, Fault> {
    if let Some(import) = of_pool(services, id).await? {
        let same = import.export == asked.export && import.digest == asked.digest;
        return if same { Ok(Some(import)) } else { Err(refused(ANOTHER_FILE)) };
    }
    let pool = match &asked.found {
        Some((name, settings)) => yet_to_be(services, id, name, settings).await?,
        None => pools::find(&services.store, id).await?,
    };
    let counts = super::export::counts(services, &pool).await?;
    if counts.users + counts.groups > 0 || (counts.clients > 0 && !asked.clients.is_empty()) {
        return Err(refused(NOT_EMPTY));
    }
    for (client, settings) in &asked.clients {
        let row = services.store.one(client_rows::by_client_id(client)).await?;
        if row.is_some() {
            return Err(refused(format!("A pool of this deployment has the app client {client}.")));
        }
        let named = clients::check_references(services, &pool, settings).await;
        named.map_err(|fault| Fault::new(fault.exception, format!("app client {client}: {}", fault.message)))?;
    }
    Ok(None)
}

const ANOTHER_FILE: &str = "The pool was filled from another export, or is being filled from one.";
const NOT_EMPTY: &str = "The pool is not empty: an import takes a pool without users and groups, and without app clients where it brings some.";
const THERE_IS_ONE: &str = "There is a pool of this id.";

/// Edges that were away have to hear of the end of the pool that was deleted.
fn being_purged(deleted: UnixMillis) -> Fault {
    let until = deleted.plus(purge::FEED_STAYS).to_rfc3339();
    refused(format!(
        "What is left of a deleted pool of this id is still being cleared away, until {until} or soon after: repeat the import then, or import into a \
         pool of another id."
    ))
}

/// The pool that is to be made, as it will be.
async fn yet_to_be(services: &Services, id: &PoolId, name: &str, settings: &Settings) -> Result<Pool, Fault> {
    let deployment = &services.deployment;
    if id.region() != deployment.region {
        return Err(refused(format!("The pools of this deployment are of the region {}.", deployment.region)));
    }
    match pools::find(&services.store, id).await {
        Ok(_) => return Err(refused(THERE_IS_ONE)),
        Err(PoolError::Absent(_)) => {}
        Err(error) => return Err(error.into()),
    }
    if let Some(row) = services.store.one(rows::being_purged(id)).await? {
        return Err(being_purged(row.millis(0)?));
    }
    rules::check_again(name, settings)?;
    let now = services.now();
    Ok(Pool {
        id: id.clone(),
        name: name.to_owned(),
        iss: format!("{}/{id}", deployment.public_url),
        settings: settings.clone(),
        created: now,
        modified: now,
    })
}

/// Begins an import, or finds the one that was begun with the same file.
///
/// # Errors
/// As [`look`].
pub async fn begin(call: &Call, id: &PoolId, asked: Asked) -> Result<Underway, Fault> {
    let services = &call.services;
    if let Some(import) = look(services, id, &asked).await? {
        return underway(services, id, import).await;
    }
    // What was looked at is guarded again in the batch.
    let mut misses = Vec::new();
    let (mut batch, key, changes) = match &asked.found {
        Some((name, settings)) => {
            let pool = yet_to_be(services, id, name, settings).await?;
            let (mut batch, key, changes) = founding::of(services, &pool, call.now).await?;
            misses.push((0, refused(THERE_IS_ONE)));
            // It was not a moment ago: if it is now, it was deleted since.
            misses.push((batch.add(rows::is_not_being_purged(id)), being_purged(call.now)));
            (batch, key, changes)
        }
        None => {
            let mut batch = Batch::new();
            misses.push((batch.add(pools::rows::hold(id)), PoolError::Absent(id.clone()).into()));
            (batch, services.pool_keys.key(id).await?, Vec::new())
        }
    };
    let own = ExportKey::generate().map_err(Fault::internal)?;
    let sealed_key = key.seal(rows::key_cell(), own.to_text().expose().as_bytes()).map_err(Fault::internal)?;
    let import = Import {
        export: asked.export,
        digest: asked.digest,
        lines: asked.lines,
        done: 0,
        keeps_srp: asked.source.suffix() == id.suffix(),
        sealed_key,
        started: call.now,
        finished: None,
    };
    misses.push((batch.add(rows::is_empty(id, !asked.clients.is_empty())), refused(NOT_EMPTY)));
    misses.push((batch.add(rows::begin(id, &import)), refused("Another import of the pool has just begun.")));
    let subject = format!("export {}", import.export);
    call.commit_or(Write::new(id, batch).about(&subject).changes(changes), misses).await?;
    Ok(Underway { recipient: own.recipient().to_string(), import })
}

async fn underway(services: &Services, id: &PoolId, import: Import) -> Result<Underway, Fault> {
    let recipient = match import.finished {
        Some(_) => String::new(),
        None => own_key(services, id, &import).await?.recipient().to_string(),
    };
    Ok(Underway { import, recipient })
}

async fn own_key(services: &Services, id: &PoolId, import: &Import) -> Result<ExportKey, Fault> {
    let key = services.pool_keys.key(id).await?;
    let text = key.open(rows::key_cell(), &import.sealed_key).map_err(Fault::internal)?;
    let text = String::from_utf8(text.expose().to_vec()).map(SecretString::new).map_err(Fault::internal)?;
    ExportKey::parse(text.expose()).map_err(Fault::internal)
}

/// What lines on their way are bound to: import and place.
pub fn travelling<'a>(export: &'a str, before: &'a [u8]) -> Part<'a> {
    Part { info: export.as_bytes(), place: before, chain: None }
}

/// Stores lines, the first of which has `before` lines before it. Those that are there already are passed over. Answers how many are done.
///
/// # Errors
/// `InvalidParameterException` with the line's number; then nothing of its batch is stored.
pub async fn take(call: &Call, id: &PoolId, before: u64, sealed: &[u8]) -> Result<u64, Fault> {
    let services = &call.services;
    let pool = pools::find(&services.store, id).await?;
    let mut call = call.clone();
    for _ in 0..TRIES {
        let import = open_import(services, id).await?;
        if before > import.done {
            return Err(refused(format!(
                "Lines are missing: {} are done, and these begin after {before}.",
                import.done
            )));
        }
        let key = own_key(services, id, &import).await?;
        let plain = key
            .open(&travelling(&import.export, &before.to_be_bytes()), sealed)
            .map_err(|_| refused("The lines are sealed for another import or place."))?;
        match store_lines(&mut call, &pool, import, before, plain.expose()).await {
            // Another try of the same command was quicker: what it stored is passed over.
            Err(Stored::Moved) => {}
            Err(Stored::Fault(fault)) => return Err(fault),
            Ok(done) => return Ok(done),
        }
    }
    Err(Fault::unavailable("others store lines of the same import"))
}

async fn open_import(services: &Services, id: &PoolId) -> Result<Import, Fault> {
    let import = of_pool(services, id).await?.ok_or_else(|| refused("No import of the pool was begun."))?;
    if import.finished.is_some() {
        return Err(refused("The import of the pool is done."));
    }
    Ok(import)
}

async fn store_lines(
    call: &mut Call,
    pool: &Pool,
    mut import: Import,
    before: u64,
    text: &[u8],
) -> Result<u64, Stored> {
    let mut batch = Pending::default();
    let mut number = before;
    for line in split(text) {
        number += 1;
        if number <= import.done {
            continue;
        }
        if number > import.lines {
            return Err(Stored::Fault(refused("There are more lines than the import was begun with.")));
        }
        let at = |why: String| Stored::Fault(refused(format!("line {}: {why}", number + 1)));
        let line = Line::parse(line).map_err(at)?;
        batch.add_line(call, pool, &import, number, line).await?;
        if batch.batch.len() >= FULL {
            import = commit(call, pool, import, std::mem::take(&mut batch), number).await?;
        }
    }
    if !batch.batch.is_empty() {
        import = commit(call, pool, import, batch, number).await?;
    }
    Ok(import.done)
}

/// Stores a batch and that lines up to `to` are done. Each of a call has another instant in the audit record.
async fn commit(call: &mut Call, pool: &Pool, import: Import, pending: Pending, to: u64) -> Result<Import, Stored> {
    let Pending { mut batch, misses, changes } = pending;
    let checkpoint = batch.add(rows::advance(&pool.id, &import, to));
    let subject = format!("export {} lines {} to {to}", import.export, import.done + 1);
    match call.commit(Write::new(&pool.id, batch).about(&subject).changes(changes)).await {
        Ok(()) => {
            call.now = call.services.now().max(UnixMillis(call.now.0.saturating_add(1)));
            Ok(Import { done: to, ..import })
        }
        Err(CommitError::Missed { index }) => {
            let moved = of_pool(&call.services, &pool.id).await?.is_none_or(|now| now.done != import.done);
            match misses.into_iter().find(|(at, _)| *at == index) {
                // What another try has stored is there, too.
                _ if moved || index == checkpoint => Err(Stored::Moved),
                Some((_, why)) => Err(Stored::Fault(refused(why))),
                None => Err(CommitError::Missed { index }.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// Ends an import; a second time changes nothing.
pub async fn finish(call: &Call, id: &PoolId, export: &str) -> Result<Import, Fault> {
    let services = &call.services;
    let import = of_pool(services, id).await?.filter(|import| import.export == export);
    let import = import.ok_or_else(|| refused("No import of the pool from this export was begun."))?;
    if import.finished.is_some() {
        return Ok(import);
    }
    let mut batch = Batch::new();
    let finish = batch.add(rows::finish(id, &import, call.now));
    let subject = format!("export {export} done");
    let text = format!("{} of {} lines are done.", import.done, import.lines);
    call.commit_or(Write::new(id, batch).about(&subject), [(finish, refused(text))]).await?;
    Ok(Import { finished: Some(call.now), ..import })
}
