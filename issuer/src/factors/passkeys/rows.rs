//! The tables `passkeys` and `passkey_challenges`.

use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId, Sub};

use super::model::Passkey;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};
use crate::users::User;

/// A user has one challenge: a new one replaces it.
pub const MIGRATION: Migration = Migration {
    version: 803,
    name: "passkeys",
    sql: "
        CREATE TABLE passkeys (
            pool TEXT NOT NULL,
            sub TEXT NOT NULL,
            credential TEXT NOT NULL,
            public_key BYTEA NOT NULL,
            sign_count BIGINT NOT NULL,
            flags BIGINT NOT NULL,
            name TEXT NOT NULL,
            relying_party TEXT NOT NULL,
            transports TEXT NOT NULL,
            attachment TEXT,
            created_at BIGINT NOT NULL,
            PRIMARY KEY (pool, sub, credential)
        );
        CREATE UNIQUE INDEX passkeys_credential ON passkeys (pool, credential);
        CREATE TABLE passkey_challenges (
            pool TEXT NOT NULL,
            sub TEXT NOT NULL,
            digest BYTEA NOT NULL,
            client TEXT NOT NULL,
            expires_at BIGINT NOT NULL,
            PRIMARY KEY (pool, sub)
        );
        CREATE INDEX passkey_challenges_expiry ON passkey_challenges (expires_at);
    ",
};

/// A challenge as it is stored.
pub struct Asked {
    pub digest: [u8; 32],
    pub client: ClientId,
    pub expires: UnixMillis,
}

pub fn put_challenge(user: &User, asked: &Asked) -> Statement {
    Statement::new(
        "INSERT INTO passkey_challenges (pool, sub, digest, client, expires_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (pool, sub) DO UPDATE SET digest = excluded.digest, client = excluded.client,
             expires_at = excluded.expires_at",
    )
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(asked.digest)
    .bind(&asked.client)
    .bind(asked.expires)
    .expect(Rows::Exactly(1))
}

pub fn challenge_of(pool: &PoolId, sub: &Sub) -> Query {
    Query::new("SELECT digest, client, expires_at FROM passkey_challenges WHERE pool = $1 AND sub = $2")
        .bind(pool)
        .bind(sub)
}

pub fn asked(row: &Row) -> Result<Asked, RowError> {
    Ok(Asked {
        digest: row.array(0)?,
        client: ClientId::parse(row.text(1)?).map_err(|_| RowError::Range(1))?,
        expires: row.millis(2)?,
    })
}

/// Uses a challenge up. Misses when another answer was first.
pub fn use_challenge(user: &User, asked: &Asked) -> Statement {
    Statement::new("DELETE FROM passkey_challenges WHERE pool = $1 AND sub = $2 AND digest = $3")
        .bind(&user.pool)
        .bind(&user.sub)
        .bind(asked.digest)
        .expect(Rows::Exactly(1))
}

/// A guard that holds the user's row: misses when the user is gone, or has `most` passkeys.
pub fn has_room(user: &User, most: u64) -> Statement {
    Statement::new(
        "UPDATE users SET sub = sub WHERE pool = $1 AND sub = $2
         AND (SELECT COUNT(*) FROM passkeys p WHERE p.pool = $3 AND p.sub = $4) < $5",
    )
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(most)
    .expect(Rows::Exactly(1))
}

/// Misses when the credential is somebody's of the pool.
pub fn insert(passkey: &Passkey) -> Statement {
    Statement::new(
        "INSERT INTO passkeys (pool, sub, credential, public_key, sign_count, flags, name, relying_party, transports,
                               attachment, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
    )
    .bind(&passkey.pool)
    .bind(&passkey.sub)
    .bind(&passkey.credential)
    .bind(passkey.public_key.as_slice())
    .bind(passkey.sign_count)
    .bind(u32::from(passkey.flags))
    .bind(&passkey.name)
    .bind(&passkey.relying_party)
    .bind(serde_json::to_string(&passkey.transports).unwrap_or_default())
    .bind(passkey.attachment.as_deref())
    .bind(passkey.created)
    .expect(Rows::Exactly(1))
}

/// Misses when the user has no such passkey.
pub fn delete(pool: &PoolId, sub: &Sub, credential: &str) -> Statement {
    Statement::new("DELETE FROM passkeys WHERE pool = $1 AND sub = $2 AND credential = $3")
        .bind(pool)
        .bind(sub)
        .bind(credential)
        .expect(Rows::Exactly(1))
}

/// A page of a user's passkeys by credential, after this one.
pub fn page(pool: &PoolId, sub: &Sub, after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT pool, sub, credential, public_key, sign_count, flags, name, relying_party, transports, attachment, created_at
         FROM passkeys WHERE pool = $1 AND sub = $2 AND credential > $3 ORDER BY credential LIMIT $4",
    )
    .bind(pool)
    .bind(sub)
    .bind(after)
    .bind(limit)
}

pub fn passkey(row: &Row) -> Result<Passkey, RowError> {
    Ok(Passkey {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        sub: Sub::parse(row.text(1)?).map_err(|_| RowError::Range(1))?,
        credential: row.text(2)?.to_owned(),
        public_key: row.bytes(3)?.to_vec(),
        sign_count: u32::try_from(row.u64(4)?).map_err(|_| RowError::Range(4))?,
        flags: u8::try_from(row.u64(5)?).map_err(|_| RowError::Range(5))?,
        name: row.text(6)?.to_owned(),
        relying_party: row.text(7)?.to_owned(),
        transports: serde_json::from_str(row.text(8)?).map_err(|_| RowError::Type(8))?,
        attachment: row.opt_text(9)?.map(str::to_owned),
        created: row.millis(10)?,
    })
}

/// Deletes a user's passkeys and challenge.
pub fn forget(pool: &PoolId, sub: &Sub) -> Vec<Statement> {
    let tables = [
        "DELETE FROM passkeys WHERE pool = $1 AND sub = $2",
        "DELETE FROM passkey_challenges WHERE pool = $1 AND sub = $2",
    ];
    tables.into_iter().map(|sql| Statement::new(sql).bind(pool).bind(sub)).collect()
}

/// Forgets every challenge, after a restore: it may have been used since.
pub fn forget_challenges() -> Statement {
    Statement::new("DELETE FROM passkey_challenges")
}

/// Forgets what is over; run now and then.
pub fn prune(now: UnixMillis) -> Statement {
    Statement::new("DELETE FROM passkey_challenges WHERE expires_at < $1").bind(now)
}
