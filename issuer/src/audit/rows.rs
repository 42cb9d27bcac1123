//! The table `audit`.

use super::Entry;
use crate::store::{Migration, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 400,
    name: "audit",
    sql: "
        CREATE TABLE audit (
            pool TEXT NOT NULL,
            at BIGINT NOT NULL,
            request_id TEXT NOT NULL,
            operation TEXT NOT NULL,
            actor TEXT NOT NULL,
            subject TEXT,
            source TEXT NOT NULL,
            user_agent TEXT,
            result TEXT NOT NULL,
            PRIMARY KEY (pool, at, request_id)
        );
    ",
};

const USER_AGENT_LIMIT: usize = 256;

impl Entry {
    /// The insertion. It never collides: the request id is new for each request.
    pub fn statement(&self) -> Statement {
        let user_agent = self.user_agent.as_ref().map(|text| text.chars().take(USER_AGENT_LIMIT).collect::<String>());
        Statement::new(
            "INSERT INTO audit (pool, at, request_id, operation, actor, subject, source, user_agent, result)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(self.pool.as_str())
        .bind(self.at)
        .bind(self.request_id.as_str())
        .bind(self.operation)
        .bind(self.actor.as_str())
        .bind(self.subject.clone())
        .bind(self.source.as_str())
        .bind(user_agent)
        .bind(self.result)
        .expect(Rows::Exactly(1))
    }
}
