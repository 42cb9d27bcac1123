//! The tables of web ACLs. They belong to the deployment, but for which pool has which.

use std::collections::BTreeSet;

use common::clock::UnixMillis;
use common::ids::PoolId;

use super::graph::{Graph, Node};
use super::model::{Entity, Kind};
use crate::store::{Migration, Query, Row, RowError, Rows, Statement, Store, StoreError};

pub const MIGRATIONS: &[Migration] = &[TABLES, ASSOCIATED];

const TABLES: Migration = Migration {
    version: 540,
    name: "waf",
    sql: "
        CREATE TABLE waf_head (
            id BIGINT PRIMARY KEY,
            version BIGINT NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE waf_entities (
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            id TEXT NOT NULL,
            lock_token TEXT NOT NULL,
            description TEXT,
            body TEXT NOT NULL,
            bytes BIGINT NOT NULL,
            capacity BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (kind, name)
        );
        CREATE UNIQUE INDEX waf_entities_id ON waf_entities (id);
        CREATE TABLE waf_references (
            holder TEXT NOT NULL,
            target TEXT NOT NULL,
            PRIMARY KEY (holder, target)
        ) WITHOUT ROWID;
        CREATE TABLE waf_associations (
            pool TEXT PRIMARY KEY,
            web_acl TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX waf_associations_web_acl ON waf_associations (web_acl);
        CREATE TABLE waf_logging (
            web_acl TEXT PRIMARY KEY,
            body TEXT NOT NULL
        );
        CREATE TABLE waf_tags (
            entity TEXT NOT NULL,
            name TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (entity, name)
        ) WITHOUT ROWID;
    ",
};

/// Edges learn of an association a moment after it is made. One of an issuer that knows nothing of this column is as old as can be.
const ASSOCIATED: Migration = Migration {
    version: 541,
    name: "waf_associated_at",
    sql: "ALTER TABLE waf_associations ADD COLUMN associated_at BIGINT NOT NULL DEFAULT 0;",
};

/// Of each kind.
pub const MAX_OF_A_KIND: usize = 500;
/// Sets and groups that one web ACL or group refers to (AWS's quota).
pub const MAX_REFERENCES: usize = 50;
/// Pools that have a web ACL.
pub const MAX_ASSOCIATIONS: usize = 20_000;

/// The first statements of every change: they miss when another change came in between.
pub fn advance(version: u64) -> [Statement; 2] {
    let first = Statement::new("INSERT INTO waf_head (id, version) VALUES (1, 0) ON CONFLICT DO NOTHING");
    let next = Statement::new("UPDATE waf_head SET version = version + 1 WHERE id = 1 AND version = $1")
        .bind(version)
        .expect(Rows::Exactly(1));
    [first, next]
}

/// All that there is, without its contents. The version is read first: what is read after it and has changed meanwhile makes the change fail that
/// is decided on it.
pub async fn graph(store: &Store) -> Result<Graph, GraphError> {
    let head = store.one(Query::new("SELECT version FROM waf_head WHERE id = 1")).await?;
    let version = head.map_or(Ok(0), |row| row.u64(0))?;
    let mut graph = Graph { version, ..Graph::default() };
    let query = Query::new("SELECT id, kind, name, bytes, capacity FROM waf_entities");
    for row in store.read(query.at_most(Kind::ALL.len() * MAX_OF_A_KIND)).await? {
        let kind = Kind::parse(row.text(1)?).ok_or(RowError::Range(1))?;
        let node = Node { kind, name: row.text(2)?.to_owned(), bytes: row.u64(3)?, capacity: row.u64(4)? };
        graph.nodes.insert(row.text(0)?.to_owned(), node);
    }
    let query = Query::new("SELECT holder, target FROM waf_references");
    for row in store.read(query.at_most(2 * MAX_OF_A_KIND * MAX_REFERENCES)).await? {
        graph.uses.entry(row.text(0)?.to_owned()).or_default().insert(row.text(1)?.to_owned());
    }
    let query = Query::new("SELECT pool, web_acl FROM waf_associations");
    for row in store.read(query.at_most(MAX_ASSOCIATIONS)).await? {
        let pool = PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?;
        graph.pools.insert(pool, row.text(1)?.to_owned());
    }
    Ok(graph)
}

#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Row(#[from] RowError),
}

pub fn by_id(id: &str) -> Query {
    Query::new("SELECT kind, name, id, lock_token, description, capacity, body FROM waf_entities WHERE id = $1")
        .bind(id)
}

/// A page of one kind by name, after this one, without contents.
pub fn page(kind: Kind, after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT kind, name, id, lock_token, description, capacity, '' FROM waf_entities
         WHERE kind = $1 AND name > $2 ORDER BY name LIMIT $3",
    )
    .bind(kind.path())
    .bind(after)
    .bind(limit)
}

pub fn entity(row: &Row) -> Result<Entity, RowError> {
    Ok(Entity {
        kind: Kind::parse(row.text(0)?).ok_or(RowError::Range(0))?,
        name: row.text(1)?.to_owned(),
        id: row.text(2)?.to_owned(),
        lock_token: row.text(3)?.to_owned(),
        description: row.opt_text(4)?.map(str::to_owned),
        capacity: row.u64(5)?,
        body: row.text(6)?.to_owned(),
    })
}

pub fn insert(entity: &Entity, now: UnixMillis) -> Statement {
    Statement::new(
        "INSERT INTO waf_entities (kind, name, id, lock_token, description, body, bytes, capacity, modified_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
    )
    .bind(entity.kind.path())
    .bind(&entity.name)
    .bind(&entity.id)
    .bind(&entity.lock_token)
    .bind(entity.description.clone())
    .bind(&entity.body)
    .bind(entity.body.len() as u64)
    .bind(entity.capacity)
    .bind(now)
    .expect(Rows::Exactly(1))
}

/// Another content and lock token.
pub fn update(entity: &Entity, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE waf_entities SET lock_token = $1, description = $2, body = $3, bytes = $4, capacity = $5, modified_at = $6
         WHERE id = $7",
    )
    .bind(&entity.lock_token)
    .bind(entity.description.clone())
    .bind(&entity.body)
    .bind(entity.body.len() as u64)
    .bind(entity.capacity)
    .bind(now)
    .bind(&entity.id)
    .expect(Rows::Exactly(1))
}

/// It, and what belongs to it alone.
pub fn delete(id: &str) -> Vec<Statement> {
    let gone = Statement::new("DELETE FROM waf_entities WHERE id = $1").bind(id).expect(Rows::Exactly(1));
    let rest = [
        "DELETE FROM waf_references WHERE holder = $1",
        "DELETE FROM waf_logging WHERE web_acl = $1",
        "DELETE FROM waf_tags WHERE entity = $1",
    ];
    std::iter::once(gone).chain(rest.into_iter().map(|sql| Statement::new(sql).bind(id))).collect()
}

/// What it refers to, from now on.
pub fn refer(holder: &str, before: Option<&BTreeSet<String>>, after: &BTreeSet<String>) -> Vec<Statement> {
    let none = BTreeSet::new();
    let before = before.unwrap_or(&none);
    let gone = before.difference(after).map(|target| {
        Statement::new("DELETE FROM waf_references WHERE holder = $1 AND target = $2").bind(holder).bind(target)
    });
    let new = after.difference(before).map(|target| {
        Statement::new("INSERT INTO waf_references (holder, target) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(holder)
            .bind(target)
    });
    gone.chain(new).collect()
}

/// Holds a pool, so that it is not deleted meanwhile; misses when it is gone.
pub fn hold_pool(pool: &PoolId) -> Statement {
    Statement::new("UPDATE pools SET modified_at = modified_at WHERE pool = $1").bind(pool).expect(Rows::Exactly(1))
}

pub fn associate(pool: &PoolId, web_acl: Option<&str>, now: UnixMillis) -> Vec<Statement> {
    let before = Statement::new("DELETE FROM waf_associations WHERE pool = $1").bind(pool);
    let after = web_acl.map(|id| {
        let insert =
            "INSERT INTO waf_associations (pool, web_acl, associated_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        Statement::new(insert).bind(pool).bind(id).bind(now).expect(Rows::Exactly(1))
    });
    std::iter::once(before).chain(after).collect()
}

/// The web ACL's id.
pub fn web_acl_of(pool: &PoolId) -> Query {
    Query::new("SELECT web_acl FROM waf_associations WHERE pool = $1").bind(pool)
}

/// Since when a pool has one; none: it has none.
pub fn associated_at(pool: &PoolId) -> Query {
    Query::new("SELECT associated_at FROM waf_associations WHERE pool = $1").bind(pool)
}

pub fn pools_of(web_acl: &str) -> Query {
    Query::new("SELECT pool FROM waf_associations WHERE web_acl = $1 ORDER BY pool").bind(web_acl)
}

pub fn logging_of(web_acl: &str) -> Query {
    Query::new("SELECT body FROM waf_logging WHERE web_acl = $1").bind(web_acl)
}

pub fn set_logging(web_acl: &str, body: Option<&str>) -> Vec<Statement> {
    let before = Statement::new("DELETE FROM waf_logging WHERE web_acl = $1").bind(web_acl);
    let after = body.map(|body| {
        Statement::new("INSERT INTO waf_logging (web_acl, body) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(web_acl)
            .bind(body)
    });
    std::iter::once(before).chain(after).collect()
}

/// A page of logging configurations: the web ACL's id and the configuration.
pub fn loggings(after: &str, limit: u64) -> Query {
    Query::new("SELECT web_acl, body FROM waf_logging WHERE web_acl > $1 ORDER BY web_acl LIMIT $2")
        .bind(after)
        .bind(limit)
}

/// Names and values, by name.
pub fn tags_of(entity: &str) -> Query {
    Query::new("SELECT name, value FROM waf_tags WHERE entity = $1 ORDER BY name").bind(entity)
}

pub fn tag(entity: &str, name: &str, value: &str) -> [Statement; 2] {
    let insert =
        Statement::new("INSERT INTO waf_tags (entity, name, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
    [untag(entity, name), insert.bind(entity).bind(name).bind(value).expect(Rows::Exactly(1))]
}

pub fn untag(entity: &str, name: &str) -> Statement {
    Statement::new("DELETE FROM waf_tags WHERE entity = $1 AND name = $2").bind(entity).bind(name)
}
