//! Secrets that all edges of a deployment share ([`common::feed::DeploymentKey`]): made here once, sealed in the log of the global feed, and
//! brought to the edges by it. A table says which there are.
//!
//! Numbers are given once and grow. The newest key has no end. Those before it have one: then they are removed, and edges accept what was made with them no
//! more. Of two issuers that make a key at once one misses (its number is taken), and goes by the other's.

use std::time::Duration;

use common::clock::UnixMillis;
use common::feed::{Change, DeploymentKey, FeedName, KeyUsage, Removable};
use ring::rand::{SecureRandom, SystemRandom};

use super::sealing::Sealing;
use crate::outbox;
use crate::store::{Batch, CommitError, Query, Row, RowError, Rows, Statement, Store, StoreError};

/// Keys of one use that count at a time, the newest too; edges take no more.
const MOST: usize = 4;
/// Rounds of a race with other issuers.
const TRIES: usize = 3;
/// Rows of one use. What has ended goes soon.
const MAX_ROWS: usize = 1_000;

/// What becomes of the keys before a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Old {
    /// They are accepted as long as anything that was made with them may count.
    Accepted,
    /// They end at once: one has leaked, or may have.
    Ended,
}

/// A key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyView {
    pub number: u64,
    pub created: UnixMillis,
    pub until: Option<UnixMillis>,
}

/// Why keys can't be made or listed.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error(transparent)]
    Read(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error("a key of the deployment can't be sealed or opened: another root key sealed it")]
    Sealed,
    #[error("the operating system gave no random bytes")]
    Random,
}

impl From<RowError> for KeysError {
    fn from(error: RowError) -> Self {
        Self::Read(error.into())
    }
}

/// How long edges go on accepting what was made with a key that another has replaced. A token of a challenge counts for three days at most and its cookie
/// lives for four; what limits count, for a window.
fn overlap(usage: KeyUsage) -> Duration {
    match usage {
        KeyUsage::Challenge => Duration::from_hours(4 * 24),
        KeyUsage::Limit => Duration::from_hours(1),
    }
}

/// Makes the first key of a use, unless there is one.
pub async fn ensure(store: &Store, sealing: &dyn Sealing, usage: KeyUsage, now: UnixMillis) -> Result<(), KeysError> {
    for _ in 0..TRIES {
        let held = list(store, usage).await?;
        if !held.is_empty() {
            break;
        }
        match store.commit(next(&held, sealing, usage, Old::Accepted, now)?).await {
            Err(CommitError::Missed { .. }) => {} // another issuer was quicker
            done => return Ok(done?),
        }
    }
    Ok(())
}

/// The keys of a use, the newest first.
pub async fn list(store: &Store, usage: KeyUsage) -> Result<Vec<KeyView>, KeysError> {
    let sql = "SELECT number, created_at, ends_at FROM deployment_keys WHERE usage = $1 ORDER BY number DESC";
    let rows = store.read(Query::new(sql).bind(name(usage)).at_most(MAX_ROWS)).await?;
    Ok(rows.iter().map(view).collect::<Result<_, _>>()?)
}

fn view(row: &Row) -> Result<KeyView, RowError> {
    Ok(KeyView { number: row.u64(0)?, created: row.millis(1)?, until: row.opt_millis(2)? })
}

/// Makes a key that edges use from when they have it.
pub async fn rotate(
    store: &Store,
    sealing: &dyn Sealing,
    usage: KeyUsage,
    old: Old,
    now: UnixMillis,
) -> Result<(), KeysError> {
    let mut tries = 1..TRIES;
    loop {
        let held = list(store, usage).await?;
        match store.commit(next(&held, sealing, usage, old, now)?).await {
            Err(CommitError::Missed { .. }) if tries.next().is_some() => {} // another was quicker: once more, after its key
            done => return Ok(done?),
        }
    }
}

/// What makes the key after those that there are.
fn next(
    held: &[KeyView],
    sealing: &dyn Sealing,
    usage: KeyUsage,
    old: Old,
    now: UnixMillis,
) -> Result<Batch, KeysError> {
    let number = held.first().map_or(0, |newest| newest.number) + 1;
    let key = DeploymentKey { usage, number, key: random()? };
    let mut batch = Batch::new();
    batch.add(insert(&key, now));
    let mut changes = vec![Change::DeploymentKey(key)];
    for (place, held) in held.iter().enumerate() {
        let (number, end) = (held.number, held.until.unwrap_or(now.plus(overlap(usage))));
        // The new one has the first place.
        if old == Old::Ended || place + 1 >= MOST || end <= now {
            batch.add(delete(usage, number));
            changes.push(Change::Removed(Removable::DeploymentKey { usage, number }));
        } else if held.until.is_none() {
            batch.add(end_at(usage, number, end));
        }
    }
    batch.extend(changes.iter().flat_map(|change| append(sealing, change, now)));
    Ok(batch)
}

/// Takes keys away that have ended.
pub async fn prune(store: &Store, sealing: &dyn Sealing, now: UnixMillis) -> Result<(), KeysError> {
    for usage in KeyUsage::ALL {
        for ended in list(store, usage).await?.iter().filter(|key| key.until.is_some_and(|until| until <= now)) {
            let number = ended.number;
            let mut batch = Batch::new();
            batch.add(delete(usage, number));
            batch.extend(append(sealing, &Change::Removed(Removable::DeploymentKey { usage, number }), now));
            match store.commit(batch).await {
                Ok(()) | Err(CommitError::Missed { .. }) => {} // or another issuer has done it
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Misses where the number is taken.
fn insert(key: &DeploymentKey, now: UnixMillis) -> Statement {
    Statement::new(
        "INSERT INTO deployment_keys (usage, number, created_at, ends_at) VALUES ($1, $2, $3, NULL) ON CONFLICT DO NOTHING",
    )
    .bind(name(key.usage))
    .bind(key.number)
    .bind(now)
    .expect(Rows::Exactly(1))
}

fn end_at(usage: KeyUsage, number: u64, at: UnixMillis) -> Statement {
    Statement::new("UPDATE deployment_keys SET ends_at = $1 WHERE usage = $2 AND number = $3")
        .bind(at)
        .bind(name(usage))
        .bind(number)
        .expect(Rows::Exactly(1))
}

fn delete(usage: KeyUsage, number: u64) -> Statement {
    Statement::new("DELETE FROM deployment_keys WHERE usage = $1 AND number = $2")
        .bind(name(usage))
        .bind(number)
        .expect(Rows::Exactly(1))
}

fn append(sealing: &dyn Sealing, change: &Change, now: UnixMillis) -> Vec<Statement> {
    outbox::append_sealed(&FeedName::Global, change, now, |record| sealing.seal(LOG_CONTEXT, record))
}

/// What sealed records of the log are bound to. They name kind and subject themselves, and the chain of digests their place.
pub(super) const LOG_CONTEXT: &str = "feed_log.body";

const fn name(usage: KeyUsage) -> &'static str {
    match usage {
        KeyUsage::Challenge => "challenge",
        KeyUsage::Limit => "limit",
    }
}

fn random() -> Result<[u8; 32], KeysError> {
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).map(|()| key).map_err(|_| KeysError::Random)
}

#[cfg(test)]
mod tests;
