//! What became of messages, for operators. No content and no address is shown: a message is found by its pool, its kind, and the request
//! that caused it (`request` is the id in the audit record, which knows the user).

use common::clock::UnixMillis;
use serde::Serialize;

use super::rows;
use crate::metrics::Waiting;
use crate::store::{Batch, CommitError, Query, Row, RowError, Store, StoreError};

/// Rows of a page, at most.
pub const PAGE: u32 = 500;

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Waiting,
    Sending,
    Delivered,
    Failed,
}

/// Which messages to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub pool: Option<String>,
    pub state: Option<State>,
    /// Goes on after this message of the page before.
    pub after: Option<After>,
    /// 1 to [`PAGE`].
    pub limit: u32,
}

/// A place in the list: newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    pub created_at: u64,
    pub id: String,
}

/// One message, as operators see it; times are milliseconds since the epoch, 0 for none.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    pub pool: String,
    pub id: String,
    pub kind: String,
    pub channel: String,
    pub state: State,
    pub attempts: u64,
    pub created_at: u64,
    pub next_at: u64,
    pub expires_at: u64,
    pub finished_at: u64,
    pub last_error: String,
    pub request: String,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Sending, Self::Delivered, Self::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl After {
    /// `<milliseconds>.<id>`
    pub fn parse(text: &str) -> Option<Self> {
        let (created, id) = text.split_once('.')?;
        Some(Self { created_at: created.parse().ok()?, id: id.to_owned() })
    }

    pub fn to_text(&self) -> String {
        format!("{}.{}", self.created_at, self.id)
    }
}

/// A page of messages, newest first, and where the next one begins.
pub async fn list(store: &Store, filter: &Filter) -> Result<(Vec<Status>, Option<After>), StoreError> {
    let limit = filter.limit.clamp(1, PAGE);
    let found = store.read(query(filter, limit)).await?;
    let page = found.iter().map(status).collect::<Result<Vec<_>, _>>();
    let page = page?;
    let full = page.len() == limit as usize;
    let after = page.last().filter(|_| full).map(|last| After { created_at: last.created_at, id: last.id.clone() });
    Ok((page, after))
}

/// Why a message is not sent again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// There is none of that id, it did not fail, or its code has ended.
    #[error("no failed message of that pool and id can be sent again")]
    NotThere,
    #[error(transparent)]
    Commit(CommitError),
}

/// Sends a failed message again, as long as its code lives.
pub async fn retry(store: &Store, pool: &str, id: &str, now: UnixMillis) -> Result<(), RetryError> {
    let mut batch = Batch::new();
    batch.add(rows::retry(pool, id, now));
    store.commit(batch).await.map_err(|error| match error {
        CommitError::Missed { .. } => RetryError::NotThere,
        error => RetryError::Commit(error),
    })
}

/// What waits now, of all issuers on this database: for metrics.
pub async fn waiting(store: &Store, now: UnixMillis) -> Result<Vec<Waiting>, StoreError> {
    let rows = store.read(rows::unfinished()).await?;
    let kinds = rows.iter().map(|row| {
        let oldest_s = now.since(row.millis(2)?).as_secs();
        Ok::<_, RowError>(Waiting { kind: rows::kind_name(row.text(0)?), count: row.u64(1)?, oldest_s })
    });
    Ok(kinds.collect::<Result<_, _>>()?)
}

fn query(filter: &Filter, limit: u32) -> Query {
    // An absent filter is an empty text, which no row's column equals.
    let sql = "SELECT pool, id, kind, channel, state, attempts, created_at, next_at, expires_at, finished_at, last_error, request
               FROM messages
               WHERE (pool = $1 OR $1 = '') AND (state = $2 OR $2 = '') AND (created_at < $3 OR (created_at = $3 AND id < $4))
               ORDER BY created_at DESC, id DESC LIMIT $5";
    let latest = After { created_at: i64::MAX as u64, id: String::new() };
    let after = filter.after.clone().unwrap_or(latest);
    Query::new(sql)
        .bind(filter.pool.clone().unwrap_or_default())
        .bind(filter.state.map_or("", State::as_str))
        .bind(after.created_at)
        .bind(after.id)
        .bind(limit)
}

fn status(row: &Row) -> Result<Status, RowError> {
    let text = |column| row.text(column).map(str::to_owned);
    Ok(Status {
        pool: text(0)?,
        id: text(1)?,
        kind: text(2)?,
        channel: text(3)?,
        state: State::parse(row.text(4)?).ok_or(RowError::Range(4))?,
        attempts: row.u64(5)?,
        created_at: row.u64(6)?,
        next_at: row.u64(7)?,
        expires_at: rows::end_of(row.millis(6)?, row.millis(8)?).0,
        finished_at: row.u64(9)?,
        last_error: text(10)?,
        request: text(11)?,
    })
}
