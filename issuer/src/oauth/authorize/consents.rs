//! What users have allowed clients of others: the table `oauth_consents`.

use std::collections::BTreeSet;

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId, Sub};

use crate::store::{Migration, Query, Rows, Statement, Store};

pub const MIGRATION: Migration = Migration {
    version: 863,
    name: "oauth_consents",
    sql: "
        CREATE TABLE oauth_consents (
            pool TEXT NOT NULL,
            sub TEXT NOT NULL,
            client TEXT NOT NULL,
            scope TEXT NOT NULL,
            given_at BIGINT NOT NULL,
            PRIMARY KEY (pool, sub, client)
        );
        CREATE INDEX oauth_consents_client ON oauth_consents (pool, client);
    ",
};

/// The scopes that a user has allowed a client so far.
///
/// # Errors
/// Storage.
pub async fn given(store: &Store, pool: &PoolId, sub: &Sub, client: &ClientId) -> Result<BTreeSet<String>, Fault> {
    let query = Query::new("SELECT scope FROM oauth_consents WHERE pool = $1 AND sub = $2 AND client = $3");
    let row = store.one(query.bind(pool).bind(sub).bind(client)).await?;
    let text = row.as_ref().map(|row| row.text(0)).transpose()?.unwrap_or_default();
    Ok(text.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect())
}

/// Keeps what is allowed from now on: all of it, old and new.
pub fn give(pool: &PoolId, sub: &Sub, client: &ClientId, scopes: &BTreeSet<String>, now: UnixMillis) -> Statement {
    let scope = scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    Statement::new(
        "INSERT INTO oauth_consents (pool, sub, client, scope, given_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (pool, sub, client) DO UPDATE SET scope = excluded.scope, given_at = excluded.given_at",
    )
    .bind(pool)
    .bind(sub)
    .bind(client)
    .bind(scope)
    .bind(now)
    .expect(Rows::Exactly(1))
}

/// Those of a user who is gone.
pub fn forget(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new("DELETE FROM oauth_consents WHERE pool = $1 AND sub = $2").bind(pool).bind(sub)
}
