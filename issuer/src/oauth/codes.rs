//! Authorization codes (RFC 6749 §4.1): the table `oauth_codes`.
//!
//! Invariants: only a code's SHA-256 is stored; it is used in the batch that stores what it permits, so at most once whoever redeems it; a used
//! one stays, with the session that it gave, for as long as a token of it may live, so that a second use can end it (SECURITY.md I06); one
//! that was shown with anything wrong is used, too, and gives nothing (I07).

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::feed::LONGEST_TOKEN_LIFE;
use common::ids::{ClientId, PoolId, Sub};
use common::secret::SecretString;

use crate::clients::Client;
use crate::codes::{opaque_token, token_digest};
use crate::sessions::Details;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement, Store, StoreError};

pub const MIGRATION: Migration = Migration {
    version: 862,
    name: "oauth_codes",
    sql: "
        CREATE TABLE oauth_codes (
            pool TEXT NOT NULL,
            digest BYTEA NOT NULL,
            client TEXT NOT NULL,
            sub TEXT NOT NULL,
            sid TEXT,
            redirect_uri TEXT NOT NULL,
            redirect_given BIGINT NOT NULL,
            scope TEXT NOT NULL,
            nonce TEXT,
            challenge BYTEA,
            authenticated_at BIGINT NOT NULL,
            minted_at BIGINT NOT NULL,
            details TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL,
            used_at BIGINT,
            origin_jti TEXT,
            forget_at BIGINT NOT NULL,
            PRIMARY KEY (pool, digest)
        );
        CREATE INDEX oauth_codes_sub ON oauth_codes (pool, sub);
        CREATE INDEX oauth_codes_client ON oauth_codes (pool, client);
        CREATE INDEX oauth_codes_forget ON oauth_codes (forget_at);
    ",
};

/// What a code stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub sub: Sub,
    /// The browser session.
    pub sid: Option<String>,
    /// Where the code was sent to.
    pub redirect_uri: String,
    /// The request named it: then the redemption must, too (RFC 6749 §4.1.3).
    pub redirect_given: bool,
    /// Space-separated, as granted.
    pub scope: String,
    pub nonce: Option<String>,
    /// PKCE's, by S256: the SHA-256 of the verifier.
    pub challenge: Option<[u8; 32]>,
    /// `auth_time`
    pub authenticated: UnixMillis,
    /// The mint instant of the sign-in: the code ends with whatever signs the user out.
    pub minted: UnixMillis,
    pub details: Details,
}

/// A new code of a client, and the statement that stores it. It is good for the client's `code_seconds`.
///
/// # Errors
/// `InternalErrorException` without entropy.
pub fn issue(client: &Client, grant: &Grant, now: UnixMillis) -> Result<(SecretString, Statement), Fault> {
    let code = opaque_token().map_err(Fault::internal)?;
    let expires = now.plus(client.settings.oauth.code_life());
    let details = serde_json::to_string(&grant.details).map_err(Fault::internal)?;
    let statement = Statement::new(
        "INSERT INTO oauth_codes (pool, digest, client, sub, sid, redirect_uri, redirect_given, scope, nonce, challenge,
                                  authenticated_at, minted_at, details, created_at, expires_at, forget_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(&client.pool)
    .bind(token_digest(code.expose()))
    .bind(&client.id)
    .bind(&grant.sub)
    .bind(grant.sid.as_deref())
    .bind(&grant.redirect_uri)
    .bind(grant.redirect_given)
    .bind(&grant.scope)
    .bind(grant.nonce.as_deref())
    .bind(grant.challenge)
    .bind(grant.authenticated)
    .bind(grant.minted)
    .bind(details)
    .bind(now)
    .bind(expires)
    .bind(expires)
    .expect(Rows::Exactly(1));
    Ok((code, statement))
}

/// What is known of a code that was shown.
#[derive(Debug)]
pub enum Found {
    /// Never given out in this pool, over, or forgotten.
    Absent,
    /// Used before. `origin_jti`: the session that it gave; none where it was burnt.
    Used {
        origin_jti: Option<String>,
    },
    Live(Box<Stored>),
}

/// A code that is good.
#[derive(Debug)]
pub struct Stored {
    pool: PoolId,
    digest: [u8; 32],
    client: ClientId,
    grant: Grant,
}

/// # Errors
/// Storage.
pub async fn find(store: &Store, pool: &PoolId, code: &str, now: UnixMillis) -> Result<Found, Fault> {
    let digest = token_digest(code);
    let query = Query::new(
        "SELECT client, sub, sid, redirect_uri, redirect_given, scope, nonce, challenge, authenticated_at, minted_at, details,
                expires_at, used_at, origin_jti
         FROM oauth_codes WHERE pool = $1 AND digest = $2",
    );
    let Some(row) = store.one(query.bind(pool).bind(digest)).await? else { return Ok(Found::Absent) };
    Ok(read(&row, pool, digest, now).map_err(StoreError::from)?)
}

fn read(row: &Row, pool: &PoolId, digest: [u8; 32], now: UnixMillis) -> Result<Found, RowError> {
    if row.opt_millis(12)?.is_some() {
        return Ok(Found::Used { origin_jti: row.opt_text(13)?.map(str::to_owned) });
    }
    if row.millis(11)? <= now {
        return Ok(Found::Absent);
    }
    let challenge = row.opt_bytes(7)?.map(<[u8; 32]>::try_from).transpose().map_err(|_| RowError::Range(7))?;
    let grant = Grant {
        sub: Sub::parse(row.text(1)?).map_err(|_| RowError::Range(1))?,
        sid: row.opt_text(2)?.map(str::to_owned),
        redirect_uri: row.text(3)?.to_owned(),
        redirect_given: row.flag(4)?,
        scope: row.text(5)?.to_owned(),
        nonce: row.opt_text(6)?.map(str::to_owned),
        challenge,
        authenticated: row.millis(8)?,
        minted: row.millis(9)?,
        details: serde_json::from_str(row.text(10)?).map_err(|_| RowError::Type(10))?,
    };
    let client = ClientId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?;
    Ok(Found::Live(Box::new(Stored { pool: pool.clone(), digest, client, grant })))
}

impl Stored {
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The client that it was given to, and that alone may redeem it.
    pub fn client(&self) -> &ClientId {
        &self.client
    }

    /// Uses it for the session of this id. Misses when it was used, or has gone, since it was read.
    pub fn redeem(&self, origin_jti: &str, now: UnixMillis) -> Statement {
        self.used(Some(origin_jti), now)
    }

    /// Uses it for nothing. Misses as [`Self::redeem`] does.
    pub fn burn(&self, now: UnixMillis) -> Statement {
        self.used(None, now)
    }

    /// It is remembered for as long as it could have been shown, and as a token of it may live.
    fn used(&self, origin_jti: Option<&str>, now: UnixMillis) -> Statement {
        Statement::new(
            "UPDATE oauth_codes SET used_at = $1, origin_jti = $2, nonce = NULL, forget_at = expires_at + $3
             WHERE pool = $4 AND digest = $5 AND used_at IS NULL",
        )
        .bind(now)
        .bind(origin_jti)
        .bind(i64::try_from(LONGEST_TOKEN_LIFE.as_millis()).unwrap_or(i64::MAX))
        .bind(&self.pool)
        .bind(self.digest)
        .expect(Rows::Exactly(1))
    }
}

/// Those of a user who is gone.
pub fn forget(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new("DELETE FROM oauth_codes WHERE pool = $1 AND sub = $2").bind(pool).bind(sub)
}

/// All, after a restore: one may have been used up since the backup.
pub fn forget_all() -> Statement {
    Statement::new("DELETE FROM oauth_codes")
}

/// Those that are over; run now and then.
pub fn prune(now: UnixMillis) -> Statement {
    Statement::new("DELETE FROM oauth_codes WHERE forget_at < $1").bind(now)
}
