//! The table `provisioned_limits`: of the deployment, so it has no pool.

use common::clock::UnixMillis;

use crate::limits::quotas::Category;
use crate::store::{Migration, Query, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 780,
    name: "provisioned_limits",
    sql: "
        CREATE TABLE provisioned_limits (
            category TEXT PRIMARY KEY,
            rate BIGINT NOT NULL,
            modified_at BIGINT NOT NULL
        ) WITHOUT ROWID;
    ",
};

pub fn put(category: Category, rate: i32, now: UnixMillis) -> Statement {
    Statement::new(
        "INSERT INTO provisioned_limits (category, rate, modified_at) VALUES ($1, $2, $3)
         ON CONFLICT (category) DO UPDATE SET rate = excluded.rate, modified_at = excluded.modified_at",
    )
    .bind(category.name())
    .bind(rate)
    .bind(now)
    .expect(Rows::Exactly(1))
}

pub fn rate(category: Category) -> Query {
    Query::new("SELECT rate FROM provisioned_limits WHERE category = $1").bind(category.name())
}
