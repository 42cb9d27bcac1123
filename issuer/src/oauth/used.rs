//! What is good once: client assertions and DPoP proofs, remembered for as long as they could come again. The table `oauth_used_ids`.
//!
//! Invariants: each is taken once by all issuers of the deployment together, over restarts too; after a restore, which has forgotten what was taken since
//! the backup, nothing is taken that could have been taken before it.

use std::time::Duration;

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::ids::PoolId;

use crate::store::{Batch, CommitError, Migration, Rows, Statement, Store};

pub const MIGRATION: Migration = Migration {
    version: 870,
    name: "oauth_used_ids",
    sql: "
        CREATE TABLE oauth_used_ids (
            pool TEXT NOT NULL,
            digest BYTEA NOT NULL,
            forget_at BIGINT NOT NULL,
            PRIMARY KEY (pool, digest)
        );
        CREATE INDEX oauth_used_ids_forget ON oauth_used_ids (forget_at);
    ",
};

/// In the place of a pool: the row that tells when the database was restored.
const RESTORED: &str = "";
/// How long that row stays: longer than anything here is good.
const RESTORED_STAYS: Duration = Duration::from_secs(3_600);

/// One use of something that is good once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// SHA-256 of what names it, and of its kind.
    pub digest: [u8; 32],
    /// The first and the last moment at which it can be taken, at most an hour from each other.
    pub from: UnixMillis,
    pub until: UnixMillis,
}

/// Takes it, unless it was taken before: `false`.
///
/// # Errors
/// Storage.
pub async fn take(store: &Store, pool: &PoolId, used: &Use) -> Result<bool, Fault> {
    let mut batch = Batch::new();
    batch.add(
        Statement::new(
            "INSERT INTO oauth_used_ids (pool, digest, forget_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(pool)
        .bind(used.digest)
        .bind(used.until)
        .expect(Rows::Exactly(1)),
    );
    batch.add(
        Statement::new("UPDATE oauth_used_ids SET forget_at = forget_at WHERE pool = $1 AND forget_at >= $2")
            .bind(RESTORED)
            .bind(used.from.plus(RESTORED_STAYS))
            .expect(Rows::Exactly(0)),
    );
    match store.commit(batch).await {
        Ok(()) => Ok(true),
        Err(CommitError::Missed { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// After a restore, before [`mark_restored`].
pub fn forget_all() -> Statement {
    Statement::new("DELETE FROM oauth_used_ids")
}

/// From now on nothing is taken that was good at `at` or earlier.
pub fn mark_restored(at: UnixMillis) -> Statement {
    Statement::new("INSERT INTO oauth_used_ids (pool, digest, forget_at) VALUES ($1, $2, $3)")
        .bind(RESTORED)
        .bind([0; 32])
        .bind(at.plus(RESTORED_STAYS))
}

/// What can't come again; run now and then.
pub fn prune(now: UnixMillis) -> Statement {
    Statement::new("DELETE FROM oauth_used_ids WHERE forget_at < $1").bind(now)
}
