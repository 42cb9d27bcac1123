//! Search indexes of a pool: for which attributes the places within values are kept (`tollgate admin schema index`), and their making and
//! going in small batches. The state is the index's row: whoever goes on, on any issuer and after any end, goes on from there.
//!
//! Triggers keep an index from the moment at which its row is there; what was there before is made anew, user by user ([`build`]). A writer that
//! began before that moment may not have seen the row, so the making begins [`SETTLE`] later.

use std::collections::BTreeMap;
use std::time::Duration;

use common::clock::UnixMillis;
use common::ids::PoolId;

use super::derived::derive_again;
use crate::store::{Batch, CommitError, Query, Row, RowError, Rows, Statement, Store, StoreError};
use crate::users::filter::{Attribute, Searchable};

/// Longer than a batch takes that has begun.
pub const SETTLE: Duration = Duration::from_secs(2);
/// Users in one batch: some milliseconds, for which other writers wait.
const USERS: u64 = 25;
/// Entries that are deleted in one batch.
const ENTRIES: u64 = 1_000;
/// Indexes of a pool, so that nobody's writes become a hundred times as dear.
pub const MOST: u64 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Building,
    Ready,
    Dropping,
}

/// A search index, as its row says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    pub attribute: String,
    pub id: i64,
    pub state: State,
    /// The `sub` up to which users have been seen to, and how many.
    reached: String,
    pub done: u64,
    created: UnixMillis,
}

/// Those of a pool that are ready, by attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indexes(BTreeMap<String, i64>);

#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error("a pool has at most {MOST} search indexes")]
    TooMany,
    #[error("there is no search index of {0}")]
    Absent(String),
    #[error("another command works at this index")]
    Busy,
    #[error(transparent)]
    Read(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<RowError> for IndexError {
    fn from(error: RowError) -> Self {
        Self::Read(error.into())
    }
}

impl State {
    const ALL: [Self; 3] = [Self::Building, Self::Ready, Self::Dropping];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Ready => "ready",
            Self::Dropping => "dropping",
        }
    }
}

impl Indexes {
    pub async fn of_pool(store: &Store, pool: &PoolId) -> Result<Self, IndexError> {
        let all = list(store, pool).await?.into_iter();
        let ready = all.filter(|index| index.state == State::Ready);
        Ok(Self(ready.map(|index| (index.attribute, index.id)).collect()))
    }

    /// That of an attribute.
    pub fn of(&self, attribute: &Attribute) -> Option<i64> {
        self.0.get(name(attribute)?).copied()
    }
}

/// The name under which an attribute can have an index.
pub fn name(attribute: &Attribute) -> Option<&str> {
    match attribute {
        Attribute::Username => Some("username"),
        Attribute::Value(known) => Some(known.name()),
        Attribute::Custom(name) => Some(name),
        Attribute::Sub | Attribute::UserStatus | Attribute::Enabled => None,
    }
}

/// Whether an attribute of this name can have an index, where it is one of the pool's.
pub fn can_have_one(name: &str) -> bool {
    let known = Searchable::ALL.iter().any(|attribute| attribute.name() == name);
    known || name == "username" || name.starts_with("custom:") || name.starts_with("dev:custom:")
}

/// All of a pool.
pub async fn list(store: &Store, pool: &PoolId) -> Result<Vec<Index>, IndexError> {
    let query = Query::new(
        "SELECT attribute, id, state, reached, done, created_at FROM search_indexes WHERE pool = $1 ORDER BY attribute",
    );
    let rows = store.read(query.bind(pool)).await?;
    rows.iter().map(|row| Ok(index(row)?)).collect()
}

pub async fn named(store: &Store, pool: &PoolId, attribute: &str) -> Result<Index, IndexError> {
    let found = list(store, pool).await?.into_iter().find(|index| index.attribute == attribute);
    found.ok_or_else(|| IndexError::Absent(attribute.to_owned()))
}

fn index(row: &Row) -> Result<Index, RowError> {
    let state = row.text(2)?;
    Ok(Index {
        attribute: row.text(0)?.to_owned(),
        id: row.int(1)?,
        state: State::ALL.into_iter().find(|known| known.as_str() == state).ok_or(RowError::Range(2))?,
        reached: row.text(3)?.to_owned(),
        done: row.u64(4)?,
        created: row.millis(5)?,
    })
}

/// Begins an index, unless there is one. The caller's batch holds the pool's row, so that there are never too many.
pub fn create(pool: &PoolId, attribute: &str, now: UnixMillis) -> Statement {
    Statement::new(
        "INSERT INTO search_indexes (pool, attribute, id, state, reached, done, created_at)
         SELECT $1, $2, COALESCE(MAX(id), 0) + 1, 'building', '', 0, $3 FROM search_indexes WHERE TRUE
         ON CONFLICT DO NOTHING",
    )
    .bind(pool)
    .bind(attribute)
    .bind(now)
    .expect(Rows::Exactly(1))
}

/// Brings an index that is being made one batch further; says what it is then.
pub async fn build(store: &Store, pool: &PoolId, index: &Index, now: UnixMillis) -> Result<Index, IndexError> {
    if index.state != State::Building || now < index.created.plus(SETTLE) {
        return Ok(index.clone());
    }
    let next = Query::new("SELECT sub FROM users WHERE pool = $1 AND sub > $2 ORDER BY sub LIMIT $3");
    let rows = store.read(next.bind(pool).bind(&index.reached).bind(USERS)).await?;
    let mut batch = Batch::new();
    let mut further = index.clone();
    // Who comes behind the last one from now on is seen to by the triggers.
    if (rows.len() as u64) < USERS {
        further.state = State::Ready;
    }
    if let Some(last) = rows.last() {
        last.text(0)?.clone_into(&mut further.reached);
        further.done += rows.len() as u64;
    }
    batch.add(replace(pool, index, &further));
    if further.reached != index.reached {
        batch.add(derive_again(pool, &index.reached, &further.reached));
    }
    commit(store, batch).await?;
    Ok(further)
}

/// Takes one batch of an index away; `false`: it is gone. From the first on, nobody searches by it.
pub async fn drop_some(store: &Store, pool: &PoolId, index: &Index) -> Result<bool, IndexError> {
    let mut batch = Batch::new();
    if index.state != State::Dropping {
        batch.add(replace(pool, index, &Index { state: State::Dropping, ..index.clone() }));
        commit(store, batch).await?;
        return Ok(true);
    }
    let any = Query::new("SELECT 1 FROM derived_suffixes WHERE id = $1 LIMIT 1").bind(index.id);
    let left = store.one(any).await?.is_some();
    batch.add(if left {
        Statement::new(
            "DELETE FROM derived_suffixes WHERE id = $1
             AND (suffix, holder) IN (SELECT suffix, holder FROM derived_suffixes WHERE id = $1 LIMIT $2)",
        )
        .bind(index.id)
        .bind(ENTRIES)
    } else {
        Statement::new("DELETE FROM search_indexes WHERE pool = $1 AND id = $2 AND state = 'dropping'")
            .bind(pool)
            .bind(index.id)
    });
    commit(store, batch).await?;
    Ok(left)
}

/// Misses when another command brought the index further.
fn replace(pool: &PoolId, read: &Index, new: &Index) -> Statement {
    Statement::new(
        "UPDATE search_indexes SET state = $1, reached = $2, done = $3
         WHERE pool = $4 AND attribute = $5 AND id = $6 AND state = $7 AND reached = $8",
    )
    .bind(new.state.as_str())
    .bind(&new.reached)
    .bind(new.done)
    .bind(pool)
    .bind(&read.attribute)
    .bind(read.id)
    .bind(read.state.as_str())
    .bind(&read.reached)
    .expect(Rows::Exactly(1))
}

async fn commit(store: &Store, batch: Batch) -> Result<(), IndexError> {
    match store.commit(batch).await {
        Err(CommitError::Missed { .. }) => Err(IndexError::Busy),
        outcome => Ok(outcome?),
    }
}
