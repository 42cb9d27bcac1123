//! The table `clients`.

use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId};

use super::model::{Client, Place, SealedSecret, Settings};
use crate::envelope::Context;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 510,
    name: "clients",
    sql: "
        CREATE TABLE clients (
            pool TEXT NOT NULL,
            client TEXT NOT NULL,
            name TEXT NOT NULL,
            settings TEXT NOT NULL,
            secret BYTEA,
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (pool, client)
        );
        CREATE UNIQUE INDEX clients_client ON clients (client);
    ",
};

/// A second secret, and since when there is each; `secret_at` is NULL where the client was made with the secret.
pub const SECRETS: Migration = Migration {
    version: 511,
    name: "client_secrets",
    sql: "
        ALTER TABLE clients ADD COLUMN secret_at BIGINT;
        ALTER TABLE clients ADD COLUMN second_secret BYTEA;
        ALTER TABLE clients ADD COLUMN second_secret_at BIGINT;
    ",
};

/// Which clients no administrator made; NULL is for those that one made.
pub const REGISTERED: Migration =
    Migration { version: 880, name: "client_registered", sql: "ALTER TABLE clients ADD COLUMN registered BIGINT;" };

/// Where a client secret lives; `row` is the client id.
pub fn secret_cell<'a>(place: Place, row: &'a [&'a str]) -> Context<'a> {
    let column = match place {
        Place::First => "secret",
        Place::Second => "second_secret",
    };
    Context { table: "clients", row, column }
}

/// Unsigned calls name a client without its pool, so its id is unique in a deployment.
pub fn by_client_id(client: &ClientId) -> Query {
    Query::new(
        "SELECT pool, client, name, settings, secret, created_at, modified_at, secret_at, second_secret, second_secret_at
         FROM clients WHERE client = $1",
    )
    .bind(client)
}

/// With the one secret of a client that has one.
pub fn insert(client: &Client) -> Statement {
    Statement::new(
        "INSERT INTO clients (pool, client, name, settings, secret, created_at, modified_at, registered)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(&client.pool)
    .bind(&client.id)
    .bind(&client.name)
    .bind(serde_json::to_string(&client.settings).unwrap_or_default())
    .bind(client.secret(Place::First).map(|secret| secret.sealed.clone()))
    .bind(client.created)
    .bind(client.modified)
    .bind(client.settings.oauth.registered.is_some())
    .expect(Rows::Exactly(1))
}

/// Administrators name a client together with its pool.
pub fn by_id(pool: &PoolId, client: &ClientId) -> Query {
    Query::new(
        "SELECT pool, client, name, settings, secret, created_at, modified_at, secret_at, second_secret, second_secret_at
         FROM clients WHERE pool = $1 AND client = $2",
    )
    .bind(pool)
    .bind(client)
}

/// A page of a pool's clients by id, after this one.
pub fn page(pool: &PoolId, after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT pool, client, name, settings, secret, created_at, modified_at, secret_at, second_secret, second_secret_at
         FROM clients WHERE pool = $1 AND client > $2 ORDER BY client LIMIT $3",
    )
    .bind(pool)
    .bind(after)
    .bind(limit)
}

/// The same of those that registered themselves, or of the others.
pub fn page_of(registered: bool, pool: &PoolId, after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT pool, client, name, settings, secret, created_at, modified_at, secret_at, second_secret, second_secret_at
         FROM clients WHERE pool = $1 AND COALESCE(registered, 0) = $2 AND client > $3 ORDER BY client LIMIT $4",
    )
    .bind(pool)
    .bind(registered)
    .bind(after)
    .bind(limit)
}

/// Sets name and settings to those of `new`. Misses when the client was changed, or deleted, since it was read; `modified_at` always
/// grows.
pub fn update(read: &Client, new: &Client) -> Statement {
    Statement::new(
        "UPDATE clients SET name = $1, settings = $2, modified_at = $3
         WHERE pool = $4 AND client = $5 AND modified_at = $6",
    )
    .bind(&new.name)
    .bind(serde_json::to_string(&new.settings).unwrap_or_default())
    .bind(new.modified)
    .bind(&read.pool)
    .bind(&read.id)
    .bind(read.modified)
    .expect(Rows::Exactly(1))
}

/// Sets the secrets to those of `new`; misses as [`update`] does.
pub fn update_secrets(read: &Client, new: &Client) -> Statement {
    let (first, second) = (new.secret(Place::First), new.secret(Place::Second));
    let at = |secret: Option<&SealedSecret>| secret.map(|secret| secret.created);
    let sealed = |secret: Option<&SealedSecret>| secret.map(|secret| secret.sealed.clone());
    Statement::new(
        "UPDATE clients SET secret = $1, secret_at = $2, second_secret = $3, second_secret_at = $4, modified_at = $5
         WHERE pool = $6 AND client = $7 AND modified_at = $8",
    )
    .bind(sealed(first))
    .bind(at(first))
    .bind(sealed(second))
    .bind(at(second))
    .bind(new.modified)
    .bind(&read.pool)
    .bind(&read.id)
    .bind(read.modified)
    .expect(Rows::Exactly(1))
}

/// For batches that make something of a client: misses when the client is gone, and lets one such batch after the other look at what
/// there is.
pub fn hold(client: &Client) -> Statement {
    hold_named(&client.pool, client.id.as_str())
}

/// The same by its id.
pub fn hold_named(pool: &PoolId, client: &str) -> Statement {
    Statement::new("UPDATE clients SET name = name WHERE pool = $1 AND client = $2")
        .bind(pool)
        .bind(client)
        .expect(Rows::Exactly(1))
}

/// Deletes a client and what is kept for it alone. The first statement misses when there is none, and holds back who [makes](hold) such things.
pub fn delete(pool: &PoolId, client: &ClientId) -> Vec<Statement> {
    let row = Statement::new("DELETE FROM clients WHERE pool = $1 AND client = $2").bind(pool).bind(client);
    let rest = [
        "DELETE FROM oauth_codes WHERE pool = $1 AND client = $2",
        "DELETE FROM oauth_registrations WHERE pool = $1 AND client = $2",
        "DELETE FROM login_brandings WHERE pool = $1 AND client = $2",
        "DELETE FROM risk_configurations WHERE pool = $1 AND client = $2",
        "DELETE FROM terms WHERE pool = $1 AND client = $2",
        "DELETE FROM ui_customizations WHERE pool = $1 AND client = $2",
    ];
    let rest = rest.into_iter().map(|sql| Statement::new(sql).bind(pool).bind(client));
    [row.expect(Rows::Exactly(1))].into_iter().chain(rest).collect()
}

pub fn client(row: &Row) -> Result<Client, RowError> {
    Ok(Client {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        id: ClientId::parse(row.text(1)?).map_err(|_| RowError::Range(1))?,
        name: row.text(2)?.to_owned(),
        settings: serde_json::from_str::<Settings>(row.text(3)?).map_err(|_| RowError::Type(3))?,
        secrets: secrets(row)?,
        created: row.millis(5)?,
        modified: row.millis(6)?,
    })
}

fn secrets(row: &Row) -> Result<Vec<SealedSecret>, RowError> {
    let mut secrets = Vec::new();
    let created: UnixMillis = row.millis(5)?;
    for (place, sealed, at) in [(Place::First, 4, 7), (Place::Second, 8, 9)] {
        if let Some(sealed) = row.opt_bytes(sealed)? {
            let created = row.opt_millis(at)?.unwrap_or(created);
            secrets.push(SealedSecret { place, sealed: sealed.to_vec(), created });
        }
    }
    secrets.sort_by_key(|secret| secret.created);
    Ok(secrets)
}
