//! The table `import_jobs`.

use cognito_model::idp::types::{PasswordHashingAlgorithmType, UserImportJobStatusType};
use common::clock::UnixMillis;
use common::ids::PoolId;

use super::model::Job;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const TABLE: &str = "import_jobs";

pub const MIGRATION: Migration = Migration {
    version: 760,
    name: "import_jobs",
    sql: "
        CREATE TABLE import_jobs (
            pool TEXT NOT NULL,
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            role_arn TEXT NOT NULL,
            hashing TEXT,
            status TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            started_at BIGINT,
            completed_at BIGINT,
            PRIMARY KEY (pool, id)
        );
    ",
};

pub fn insert(job: &Job) -> Statement {
    Statement::new(
        "INSERT INTO import_jobs (pool, id, name, role_arn, hashing, status, created_at, started_at, completed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
    )
    .bind(&job.pool)
    .bind(&job.id)
    .bind(&job.name)
    .bind(&job.role_arn)
    .bind(job.hashing.map(PasswordHashingAlgorithmType::as_str))
    .bind(job.status.as_str())
    .bind(job.created)
    .bind(job.started)
    .bind(job.completed)
    .expect(Rows::Exactly(1))
}

/// After the pool is held: where it has `most` jobs, the oldest that has ended, or that nobody started before `since`, makes room.
pub fn forget_oldest(pool: &PoolId, most: u64, since: UnixMillis) -> Statement {
    Statement::new(
        "DELETE FROM import_jobs WHERE pool = $1 AND (SELECT COUNT(*) FROM import_jobs WHERE pool = $2) >= $3 AND id IN (
             SELECT id FROM import_jobs
             WHERE pool = $4 AND (status IN ('Stopped', 'Succeeded', 'Failed', 'Expired')
                                  OR (status = 'Created' AND created_at < $5))
             ORDER BY created_at, id LIMIT 1)",
    )
    .bind(pool)
    .bind(pool)
    .bind(most)
    .bind(pool)
    .bind(since)
}

/// Misses when the job's status is not what it was when it was read.
pub fn step(read: &Job, new: &Job) -> Statement {
    Statement::new(
        "UPDATE import_jobs SET status = $1, started_at = $2, completed_at = $3
         WHERE pool = $4 AND id = $5 AND status = $6",
    )
    .bind(new.status.as_str())
    .bind(new.started)
    .bind(new.completed)
    .bind(&read.pool)
    .bind(&read.id)
    .bind(read.status.as_str())
    .expect(Rows::Exactly(1))
}

pub fn by_id(pool: &PoolId, id: &str) -> Query {
    Query::new(
        "SELECT pool, id, name, role_arn, hashing, status, created_at, started_at, completed_at FROM import_jobs
         WHERE pool = $1 AND id = $2",
    )
    .bind(pool)
    .bind(id)
}

/// A page of a pool's jobs by id, after this one.
pub fn page(pool: &PoolId, after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT pool, id, name, role_arn, hashing, status, created_at, started_at, completed_at FROM import_jobs
         WHERE pool = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(pool)
    .bind(after)
    .bind(limit)
}

pub fn job(row: &Row) -> Result<Job, RowError> {
    let hashing = match row.opt_text(4)? {
        Some(name) => Some(PasswordHashingAlgorithmType::parse(name).ok_or(RowError::Range(4))?),
        None => None,
    };
    Ok(Job {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        id: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        role_arn: row.text(3)?.to_owned(),
        hashing,
        status: UserImportJobStatusType::parse(row.text(5)?).ok_or(RowError::Range(5))?,
        created: row.millis(6)?,
        started: row.opt_millis(7)?,
        completed: row.opt_millis(8)?,
    })
}
