//! The table `schema_changes`: one row for each pool whose schema is being changed.

use common::clock::UnixMillis;
use common::ids::PoolId;

use super::model::{Change, Report};
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 831,
    name: "schema_changes",
    sql: "
        CREATE TABLE schema_changes (
            pool TEXT NOT NULL,
            change TEXT NOT NULL,
            phase TEXT NOT NULL,
            reached TEXT NOT NULL,
            done BIGINT NOT NULL,
            dirty BIGINT NOT NULL,
            users BIGINT NOT NULL,
            phase_at BIGINT NOT NULL,
            pass_at BIGINT NOT NULL,
            refusal TEXT,
            PRIMARY KEY (pool)
        ) WITHOUT ROWID;
    ",
};

/// What is being done to the users, one after the other by `sub`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Rows get the new name, or lose the attribute.
    Moving,
    /// Values are held against the new definition.
    Checking,
    /// Names of the new way to sign in are claimed.
    Claiming,
    /// Names that are none any more go.
    Tidying,
}

/// A change under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    pub pool: PoolId,
    pub change: Change,
    pub phase: Phase,
    /// The last `sub` that this pass has seen, and how many before it.
    pub reached: String,
    pub done: u64,
    /// Users that this pass had something to do for.
    pub dirty: u64,
    /// Users when it began.
    pub users: u64,
    /// Since when the settings are what they are.
    pub phase_at: UnixMillis,
    pub pass_at: UnixMillis,
    /// What stood in the way: the change ends without having been made.
    pub refusal: Option<Report>,
}

impl Phase {
    const ALL: [Self; 4] = [Self::Moving, Self::Checking, Self::Claiming, Self::Tidying];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Moving => "moving",
            Self::Checking => "checking",
            Self::Claiming => "claiming",
            Self::Tidying => "tidying",
        }
    }
}

impl Running {
    /// The first pass of a phase.
    pub fn new(pool: &PoolId, change: &Change, phase: Phase, users: u64, now: UnixMillis) -> Self {
        Self {
            pool: pool.clone(),
            change: change.clone(),
            phase,
            reached: String::new(),
            done: 0,
            dirty: 0,
            users,
            phase_at: now,
            pass_at: now,
            refusal: None,
        }
    }
}

pub fn of_pool(pool: &PoolId) -> Query {
    Query::new(
        "SELECT pool, change, phase, reached, done, dirty, users, phase_at, pass_at, refusal FROM schema_changes
         WHERE pool = $1",
    )
    .bind(pool)
}

pub fn running(row: &Row) -> Result<Running, RowError> {
    let phase = row.text(2)?;
    let json = |_| RowError::Type(1);
    Ok(Running {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        change: serde_json::from_str(row.text(1)?).map_err(json)?,
        phase: Phase::ALL.into_iter().find(|known| known.as_str() == phase).ok_or(RowError::Range(2))?,
        reached: row.text(3)?.to_owned(),
        done: row.u64(4)?,
        dirty: row.u64(5)?,
        users: row.u64(6)?,
        phase_at: row.millis(7)?,
        pass_at: row.millis(8)?,
        refusal: row.opt_text(9)?.map(|text| serde_json::from_str(text).map_err(|_| RowError::Type(9))).transpose()?,
    })
}

/// Misses when another change of the pool is under way.
pub fn insert(running: &Running) -> Statement {
    Statement::new(
        "INSERT INTO schema_changes (pool, change, phase, reached, done, dirty, users, phase_at, pass_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
    )
    .bind(&running.pool)
    .bind(serde_json::to_string(&running.change).unwrap_or_default())
    .bind(running.phase.as_str())
    .bind(&running.reached)
    .bind(running.done)
    .bind(running.dirty)
    .bind(running.users)
    .bind(running.phase_at)
    .bind(running.pass_at)
    .expect(Rows::Exactly(1))
}

/// Misses when somebody else brought the change further.
pub fn replace(read: &Running, new: &Running) -> Statement {
    let refusal = new.refusal.as_ref().map(|report| serde_json::to_string(report).unwrap_or_default());
    Statement::new(
        "UPDATE schema_changes SET phase = $1, reached = $2, done = $3, dirty = $4, phase_at = $5, pass_at = $6,
            refusal = $7
         WHERE pool = $8 AND phase = $9 AND reached = $10 AND pass_at = $11 AND phase_at = $12",
    )
    .bind(new.phase.as_str())
    .bind(&new.reached)
    .bind(new.done)
    .bind(new.dirty)
    .bind(new.phase_at)
    .bind(new.pass_at)
    .bind(refusal)
    .bind(&read.pool)
    .bind(read.phase.as_str())
    .bind(&read.reached)
    .bind(read.pass_at)
    .bind(read.phase_at)
    .expect(Rows::Exactly(1))
}

/// The change is over; misses as [`replace`] does.
pub fn delete(read: &Running) -> Statement {
    Statement::new(
        "DELETE FROM schema_changes WHERE pool = $1 AND phase = $2 AND reached = $3 AND pass_at = $4 AND phase_at = $5",
    )
    .bind(&read.pool)
    .bind(read.phase.as_str())
    .bind(&read.reached)
    .bind(read.pass_at)
    .bind(read.phase_at)
    .expect(Rows::Exactly(1))
}
