//! The tables `users`, `login_names`, `groups` and `memberships`.

use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId, Sub};

use super::credentials::Replacement;
use super::mfa::MfaPreferences;
use super::model::{Credentials, Status, User};
use crate::envelope::Context;
use crate::pools::schema::Attributes;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 520,
    name: "users",
    sql: "
        CREATE TABLE users (
            pool TEXT NOT NULL,
            sub TEXT NOT NULL,
            username TEXT NOT NULL,
            status TEXT NOT NULL,
            enabled BIGINT NOT NULL,
            attributes TEXT NOT NULL,
            password_hash TEXT,
            srp_verifier BYTEA,
            valid_after BIGINT NOT NULL,
            newest_mint BIGINT NOT NULL,
            temporary_until BIGINT,
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (pool, sub)
        );
        CREATE TABLE login_names (
            pool TEXT NOT NULL,
            name TEXT NOT NULL,
            kind TEXT NOT NULL,
            sub TEXT NOT NULL,
            PRIMARY KEY (pool, name)
        );
        CREATE INDEX login_names_sub ON login_names (pool, sub);
        CREATE TABLE groups (
            pool TEXT NOT NULL,
            name TEXT NOT NULL,
            description TEXT,
            role_arn TEXT,
            precedence BIGINT,
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (pool, name)
        );
        CREATE TABLE memberships (
            pool TEXT NOT NULL,
            sub TEXT NOT NULL,
            name TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            PRIMARY KEY (pool, sub, name)
        );
        CREATE INDEX memberships_name ON memberships (pool, name);
    ",
};

/// A name is found in one page instead of two: of a million users nearly every page is fetched, and each costs some microseconds.
pub const NAMES_BY_KEY: Migration = Migration {
    version: 851,
    name: "login_names_by_key",
    sql: "
        -- sqlite only
        ALTER TABLE login_names RENAME TO names_in_rows;
        CREATE TABLE login_names (
            pool TEXT NOT NULL,
            name TEXT NOT NULL,
            kind TEXT NOT NULL,
            sub TEXT NOT NULL,
            PRIMARY KEY (pool, name)
        ) WITHOUT ROWID, STRICT;
        INSERT INTO login_names (pool, name, kind, sub) SELECT pool, name, kind, sub FROM names_in_rows ORDER BY pool, name;
        DROP TABLE names_in_rows;
        CREATE INDEX login_names_sub ON login_names (pool, sub);
    ",
};

/// Where an SRP verifier lives; `row` is the `sub`.
pub fn verifier_cell<'a>(row: &'a [&'a str]) -> Context<'a> {
    Context { table: "users", row, column: "srp_verifier" }
}

pub fn by_sub(pool: &PoolId, sub: &Sub) -> Query {
    Query::new(
        "SELECT pool, sub, username, status, enabled, attributes, password_hash, srp_verifier, valid_after, newest_mint,
                temporary_until, created_at, modified_at, mfa
         FROM users WHERE pool = $1 AND sub = $2",
    )
    .bind(pool)
    .bind(sub)
}

/// Columns of a user: what [`user`] reads.
pub const COLUMNS: usize = 14;
/// Columns of the client behind them in [`of_token`]: what `clients::rows::client` reads.
pub const CLIENT_COLUMNS: usize = 10;
/// Columns of the pool behind those: what `pools::rows::pool` reads. The session's `origin_jti` and `revoked_at` are last.
pub const POOL_COLUMNS: usize = 6;

/// Whom and what an access token names, in one read, since every call of a user's asks: user, app client, pool, session. NULL stands for each of them
/// that there is not; without the pool there is no row.
pub fn of_token(pool: &PoolId, client: &ClientId, sub: &Sub, origin_jti: &str) -> Query {
    Query::new(
        "SELECT u.pool, u.sub, u.username, u.status, u.enabled, u.attributes, u.password_hash, u.srp_verifier,
                u.valid_after, u.newest_mint, u.temporary_until, u.created_at, u.modified_at, u.mfa,
                c.pool, c.client, c.name, c.settings, c.secret, c.created_at, c.modified_at, c.secret_at,
                c.second_secret, c.second_secret_at,
                p.pool, p.name, p.iss, p.settings, p.created_at, p.modified_at,
                s.origin_jti, s.revoked_at
         FROM pools p
         LEFT JOIN users u ON u.pool = p.pool AND u.sub = $3
         LEFT JOIN clients c ON c.pool = p.pool AND c.client = $2
         LEFT JOIN sessions s ON s.pool = p.pool AND s.origin_jti = $4
         WHERE p.pool = $1",
    )
    .bind(pool)
    .bind(client)
    .bind(sub)
    .bind(origin_jti)
}

/// The column after those of the user is the kind of the name.
pub fn by_login(pool: &PoolId, key: &str) -> Query {
    Query::new(
        "SELECT u.pool, u.sub, u.username, u.status, u.enabled, u.attributes, u.password_hash, u.srp_verifier,
                u.valid_after, u.newest_mint, u.temporary_until, u.created_at, u.modified_at, u.mfa, n.kind
         FROM login_names n JOIN users u ON u.pool = n.pool AND u.sub = n.sub
         WHERE n.pool = $1 AND n.name = $2",
    )
    .bind(pool)
    .bind(key)
}

pub fn insert(user: &User) -> Statement {
    let credentials = user.credentials.as_ref();
    Statement::new(
        "INSERT INTO users (pool, sub, username, status, enabled, attributes, password_hash, srp_verifier,
                            valid_after, newest_mint, temporary_until, created_at, modified_at, mfa)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING",
    )
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(&user.username)
    .bind(user.status.as_str())
    .bind(user.enabled)
    .bind(serde_json::to_string(&user.attributes).unwrap_or_default())
    .bind(credentials.map(|c| c.password_hash.clone()))
    .bind(credentials.and_then(|c| c.sealed_srp_verifier.clone()))
    .bind(user.valid_after)
    .bind(user.newest_mint)
    .bind(user.temporary_until)
    .bind(user.created)
    .bind(user.modified)
    .bind(user.mfa.to_text())
    .expect(Rows::Exactly(1))
}

/// Claims a login name for a user. Misses when another user has it.
pub fn claim_name(pool: &PoolId, key: &str, kind: &'static str, sub: &Sub) -> Statement {
    Statement::new("INSERT INTO login_names (pool, name, kind, sub) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
        .bind(pool)
        .bind(key)
        .bind(kind)
        .bind(sub)
        .expect(Rows::Exactly(1))
}

/// The names of a user.
pub fn names_of(pool: &PoolId, sub: &Sub) -> Query {
    Query::new("SELECT name, kind FROM login_names WHERE pool = $1 AND sub = $2").bind(pool).bind(sub)
}

/// Whose a name is.
pub fn holder(pool: &PoolId, key: &str) -> Query {
    Query::new("SELECT sub, kind FROM login_names WHERE pool = $1 AND name = $2").bind(pool).bind(key)
}

pub fn held_by(row: &Row) -> Result<(Sub, String), RowError> {
    Ok((Sub::parse(row.text(0)?).map_err(|_| RowError::Range(0))?, row.text(1)?.to_owned()))
}

/// Gives up a name. Misses when the user does not have it any more.
pub fn release_name(pool: &PoolId, key: &str, kind: &str, sub: &Sub) -> Statement {
    Statement::new("DELETE FROM login_names WHERE pool = $1 AND name = $2 AND kind = $3 AND sub = $4")
        .bind(pool)
        .bind(key)
        .bind(kind)
        .bind(sub)
        .expect(Rows::Exactly(1))
}

/// A guard: misses when the user is gone, or has other attributes than those that were read.
pub fn has_attributes(user: &User) -> Statement {
    Statement::new("UPDATE users SET sub = sub WHERE pool = $1 AND sub = $2 AND attributes = $3")
        .bind(&user.pool)
        .bind(&user.sub)
        .bind(user.stored_attributes())
        .expect(Rows::Exactly(1))
}

/// Sets status and attributes. Misses when the user changed since it was read.
pub fn update_profile(user: &User, status: Status, attributes: &Attributes, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE users SET status = $1, attributes = $2, modified_at = $3
         WHERE pool = $4 AND sub = $5 AND status = $6 AND attributes = $7",
    )
    .bind(status.as_str())
    .bind(serde_json::to_string(attributes).unwrap_or_default())
    .bind(now)
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(user.status.as_str())
    .bind(user.stored_attributes())
    .expect(Rows::Exactly(1))
}

/// Sets the password and what follows from it. Misses when the user is gone or has another password than the one that was read.
pub fn update_credentials(
    user: &User,
    fresh: &Replacement,
    status: Status,
    temporary_until: Option<UnixMillis>,
    now: UnixMillis,
) -> Statement {
    Statement::new(
        "UPDATE users SET password_hash = $1, srp_verifier = $2, status = $3, temporary_until = $4, modified_at = $5,
                former_passwords = $6
         WHERE pool = $7 AND sub = $8 AND COALESCE(password_hash, '') = $9",
    )
    .bind(&fresh.credentials.password_hash)
    .bind(fresh.credentials.sealed_srp_verifier.clone())
    .bind(status.as_str())
    .bind(temporary_until)
    .bind(now)
    .bind(fresh.former.clone())
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(user.credentials.as_ref().map_or("", |old| old.password_hash.as_str()))
    .expect(Rows::Exactly(1))
}

/// Sets what is stored of the same password. Misses when the user is gone or has another password than the one that was read.
pub fn renew_credentials(user: &User, renewed: &Credentials) -> Statement {
    Statement::new(
        "UPDATE users SET password_hash = $1, srp_verifier = $2
         WHERE pool = $3 AND sub = $4 AND COALESCE(password_hash, '') = $5",
    )
    .bind(&renewed.password_hash)
    .bind(renewed.sealed_srp_verifier.clone())
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(user.credentials.as_ref().map_or("", |old| old.password_hash.as_str()))
    .expect(Rows::Exactly(1))
}

pub fn set_enabled(user: &User, enabled: bool, now: UnixMillis) -> Statement {
    Statement::new("UPDATE users SET enabled = $1, modified_at = $2 WHERE pool = $3 AND sub = $4")
        .bind(enabled)
        .bind(now)
        .bind(&user.pool)
        .bind(&user.sub)
        .expect(Rows::Exactly(1))
}

/// Moves `valid_after`. Misses when a token was minted, or another sign-out ran, since the user was read.
pub fn set_valid_after(user: &User, valid_after: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE users SET valid_after = $1 WHERE pool = $2 AND sub = $3 AND valid_after = $4 AND newest_mint = $5",
    )
    .bind(valid_after)
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(user.valid_after)
    .bind(user.newest_mint)
    .expect(Rows::Exactly(1))
}

/// Deletes a user with the credentials in its row. Misses when a token was minted, or a sign-out ran, since the user was read: then the
/// mark that is to be published would not cover every token.
pub fn delete(user: &User) -> Statement {
    Statement::new("DELETE FROM users WHERE pool = $1 AND sub = $2 AND valid_after = $3 AND newest_mint = $4")
        .bind(&user.pool)
        .bind(&user.sub)
        .bind(user.valid_after)
        .bind(user.newest_mint)
        .expect(Rows::Exactly(1))
}

/// Deletes what hangs on a user: names, memberships. After [`delete`], whose row holds back whoever would add more.
pub fn forget(pool: &PoolId, sub: &Sub) -> Vec<Statement> {
    let tables = [
        "DELETE FROM login_names WHERE pool = $1 AND sub = $2",
        "DELETE FROM memberships WHERE pool = $1 AND sub = $2",
    ];
    tables.into_iter().map(|sql| Statement::new(sql).bind(pool).bind(sub)).collect()
}

/// Sets what the user has chosen of second factors. Misses when it is not what was read any more.
pub fn set_mfa(user: &User, mfa: &MfaPreferences, now: UnixMillis) -> Statement {
    Statement::new("UPDATE users SET mfa = $1, modified_at = $2 WHERE pool = $3 AND sub = $4 AND mfa = $5")
        .bind(mfa.to_text())
        .bind(now)
        .bind(&user.pool)
        .bind(&user.sub)
        .bind(user.mfa.to_text())
        .expect(Rows::Exactly(1))
}

/// Demands another password. Misses when the user's state or password changed since it was read.
pub fn require_reset(user: &User, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE users SET status = $1, modified_at = $2
         WHERE pool = $3 AND sub = $4 AND status = $5 AND COALESCE(password_hash, '') = $6",
    )
    .bind(Status::ResetRequired.as_str())
    .bind(now)
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(user.status.as_str())
    .bind(user.credentials.as_ref().map_or("", |old| old.password_hash.as_str()))
    .expect(Rows::Exactly(1))
}

/// Takes the password away, and with it every way to another one but an administrator's. Misses when the user's state or password changed since it
/// was read.
pub fn end_password(user: &User, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE users SET password_hash = NULL, srp_verifier = NULL, temporary_until = NULL, status = $1, modified_at = $2
         WHERE pool = $3 AND sub = $4 AND status = $5 AND COALESCE(password_hash, '') = $6",
    )
    .bind(Status::ExternalProvider.as_str())
    .bind(now)
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(user.status.as_str())
    .bind(user.credentials.as_ref().map_or("", |old| old.password_hash.as_str()))
    .expect(Rows::Exactly(1))
}

/// A guard: misses when the user was deleted since it was read.
pub fn still_there(user: &User) -> Statement {
    Statement::new("UPDATE users SET sub = sub WHERE pool = $1 AND sub = $2")
        .bind(&user.pool)
        .bind(&user.sub)
        .expect(Rows::Exactly(1))
}

/// A guard: misses when the user was signed out everywhere or disabled since it was read.
pub fn still_signed_in(user: &User) -> Statement {
    Statement::new("UPDATE users SET sub = sub WHERE pool = $1 AND sub = $2 AND valid_after = $3 AND enabled = 1")
        .bind(&user.pool)
        .bind(&user.sub)
        .bind(user.valid_after)
        .expect(Rows::Exactly(1))
}

/// Signs everybody out, after a restore: no mint of anybody is later than `at` ([`newest_marks`]).
pub fn sign_out_all(at: UnixMillis) -> Statement {
    Statement::new("UPDATE users SET valid_after = $1").bind(at)
}

/// The newest `valid_after` and the newest mint of all users, 0 where there are none.
pub fn newest_marks() -> Query {
    Query::new("SELECT COALESCE(MAX(valid_after), 0), COALESCE(MAX(newest_mint), 0) FROM users")
}

/// The guard of every mint: the user is enabled and not signed out since it was read. It records the instant of the mint.
pub fn note_mint(user: &User, mint: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE users SET newest_mint = CASE WHEN newest_mint > $1 THEN newest_mint ELSE $1 END
         WHERE pool = $2 AND sub = $3 AND valid_after = $4 AND enabled = 1",
    )
    .bind(mint)
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(user.valid_after)
    .expect(Rows::Exactly(1))
}

pub fn user(row: &Row) -> Result<User, RowError> {
    let sealed_srp_verifier = row.opt_bytes(7)?.map(<[u8]>::to_vec);
    let credentials = row.opt_text(6)?.map(|hash| Credentials { password_hash: hash.to_owned(), sealed_srp_verifier });
    Ok(User {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        sub: Sub::parse(row.text(1)?).map_err(|_| RowError::Range(1))?,
        username: row.text(2)?.to_owned(),
        status: Status::parse(row.text(3)?).ok_or(RowError::Range(3))?,
        enabled: row.flag(4)?,
        attributes: serde_json::from_str(row.text(5)?).map_err(|_| RowError::Type(5))?,
        stored: None,
        credentials,
        valid_after: row.millis(8)?,
        newest_mint: row.millis(9)?,
        temporary_until: row.opt_millis(10)?,
        created: row.millis(11)?,
        modified: row.millis(12)?,
        mfa: MfaPreferences::parse(row.text(13)?).ok_or(RowError::Type(13))?,
    })
}
