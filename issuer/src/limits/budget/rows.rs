//! The table `budgets`: a row for each budget that was touched in the last hour.

use common::clock::UnixMillis;
use common::ids::PoolId;

use super::{Budget, Spender, WINDOW};
use crate::store::{Migration, Rows, Statement};

/// `spent` tries since `since`, the first one of the window.
pub const MIGRATION: Migration = Migration {
    version: 431,
    name: "budgets",
    sql: "
        CREATE TABLE budgets (
            pool TEXT NOT NULL,
            spender TEXT NOT NULL,
            kind TEXT NOT NULL,
            spent BIGINT NOT NULL,
            since BIGINT NOT NULL,
            PRIMARY KEY (pool, spender, kind)
        ) WITHOUT ROWID;
        CREATE INDEX budgets_since ON budgets (since);
    ",
};

/// Takes one try, for a batch of more. Misses when none is left.
///
/// A window that seems to begin in the future is still counted (clocks of several issuers differ), unless it is further away than a
/// window lasts: then the clock was set back, and waiting for it to come round again would lock people out.
pub fn spend(now: UnixMillis, pool: &PoolId, budget: Budget, who: &Spender) -> Statement {
    Statement::new(
        "INSERT INTO budgets (pool, spender, kind, spent, since) VALUES ($1, $2, $3, 1, $4)
         ON CONFLICT (pool, spender, kind) DO UPDATE SET
             spent = CASE WHEN budgets.since > $5 AND budgets.since <= $6 THEN budgets.spent + 1 ELSE 1 END,
             since = CASE WHEN budgets.since > $5 AND budgets.since <= $6 THEN budgets.since ELSE excluded.since END
         WHERE budgets.spent < $7 OR budgets.since <= $5 OR budgets.since > $6",
    )
    .bind(pool)
    .bind(who.0.as_str())
    .bind(budget.name())
    .bind(now)
    .bind(now.minus(WINDOW))
    .bind(now.plus(WINDOW))
    .bind(budget.tries())
    .expect(Rows::Exactly(1))
}

/// Gives all tries back, for the batch of a success: who knew the code or the password has not been guessing.
pub fn give_back(pool: &PoolId, budget: Budget, who: &Spender) -> Statement {
    Statement::new("DELETE FROM budgets WHERE pool = $1 AND spender = $2 AND kind = $3")
        .bind(pool)
        .bind(who.0.as_str())
        .bind(budget.name())
}

/// Forgets the budgets of a user who is gone.
pub fn forget(pool: &PoolId, who: &Spender) -> Statement {
    Statement::new("DELETE FROM budgets WHERE pool = $1 AND spender = $2").bind(pool).bind(who.0.as_str())
}

/// Forgets the windows that are over, in every pool; run now and then.
pub fn prune(now: UnixMillis) -> Statement {
    Statement::new("DELETE FROM budgets WHERE since <= $1").bind(now.minus(WINDOW))
}
