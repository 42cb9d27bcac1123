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

const INSERT: &str = "INSERT INTO audit (pool, at, request_id, operation, actor, subject, source, user_agent, result)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const INSERT_UNLESS_RECORDED: &str =
    "INSERT INTO audit (pool, at, request_id, operation, actor, subject, source, user_agent, result)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT DO NOTHING";

const USER_AGENT_LIMIT: usize = 256;

impl Entry {
    /// The insertion, for the transaction of the change itself. It never collides: the request id is new for each request.
    pub fn statement(&self) -> Statement {
        self.insertion(INSERT, Rows::Exactly(1))
    }

    /// The same for a record made afterwards. There may be one: the answer to the commit of a change can be lost.
    pub fn statement_unless_recorded(&self) -> Statement {
        self.insertion(INSERT_UNLESS_RECORDED, Rows::Any)
    }

    fn insertion(&self, sql: &'static str, rows: Rows) -> Statement {
        let user_agent = self.user_agent.as_ref().map(|text| text.chars().take(USER_AGENT_LIMIT).collect::<String>());
        Statement::new(sql)
            .bind(self.pool.as_str())
            .bind(self.at)
            .bind(self.request_id.as_str())
            .bind(self.operation)
            .bind(self.actor.as_str())
            .bind(self.subject.clone())
            .bind(self.source.as_str())
            .bind(user_agent)
            .bind(self.result)
            .expect(rows)
    }
}

#[cfg(test)]
mod tests {
    use common::clock::UnixMillis;

    use super::*;
    use crate::engines::on_both_engines;
    use crate::store::{Batch, Query, Store};

    on_both_engines!(a_record_that_is_there_does_not_hold_back_others,);

    fn migrations() -> Vec<&'static Migration> {
        vec![&MIGRATION]
    }

    fn entry(request_id: &str, result: &'static str) -> Entry {
        Entry {
            at: UnixMillis(1),
            request_id: request_id.to_owned(),
            pool: "eu_a".to_owned(),
            operation: "GetUser",
            actor: "anonymous".to_owned(),
            subject: None,
            source: "127.0.0.1".to_owned(),
            user_agent: None,
            result,
        }
    }

    async fn a_record_that_is_there_does_not_hold_back_others(store: Store) {
        let mut change = Batch::new();
        change.add(entry("a", "ok").statement());
        store.commit(change).await.unwrap();
        let mut afterwards = Batch::new();
        afterwards.add(entry("a", "InternalErrorException").statement_unless_recorded());
        afterwards.add(entry("b", "ok").statement_unless_recorded());
        store.commit(afterwards).await.unwrap();
        let rows = store.read(Query::new("SELECT request_id, result FROM audit ORDER BY request_id")).await.unwrap();
        let found: Vec<_> = rows.iter().map(|row| (row.text(0).unwrap(), row.text(1).unwrap())).collect();
        assert_eq!(found, [("a", "ok"), ("b", "ok")]);
    }
}
