//! Device authorization (RFC 8628): the table `oauth_devices`, and `/oauth2/device_authorization`.
//!
//! A device asks, and shows its user a code; the user enters it at `/device` in a browser, signs in and allows it, by the same pages as any
//! authorization request; the device polls. Invariants: device codes are stored as SHA-256; a code is used in the batch of the tokens that it
//! gives; nobody allows a device without being asked.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use cognito_model::Fault;
use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId, Sub};
use serde_json::{Value, json};

use super::authorize::scope_of;
use super::client;
use super::error::{Code, OAuthError, answer};
use super::form::Form;
use super::state::OAuth;
use crate::aws_json::{Call, Write};
use crate::clients::Client;
use crate::clients::oauth::Grant;
use crate::codes::{opaque_token, token_digest};
use crate::cors;
use crate::domains::Site;
use crate::entropy;
use crate::sessions::{BrowserSession, Details};
use crate::store::{Batch, CommitError, Migration, Query, Row, RowError, Rows, Statement, Store, StoreError};

pub const MIGRATION: Migration = Migration {
    version: 865,
    name: "oauth_devices",
    sql: "
        CREATE TABLE oauth_devices (
            pool TEXT NOT NULL,
            digest BYTEA NOT NULL,
            user_code TEXT NOT NULL,
            client TEXT NOT NULL,
            scope TEXT NOT NULL,
            expires_at BIGINT NOT NULL,
            polled_at BIGINT,
            every BIGINT NOT NULL,
            state TEXT NOT NULL,
            sub TEXT,
            sid TEXT,
            authenticated_at BIGINT,
            minted_at BIGINT,
            details TEXT,
            PRIMARY KEY (pool, digest)
        );
        CREATE UNIQUE INDEX oauth_devices_user_code ON oauth_devices (pool, user_code);
        CREATE INDEX oauth_devices_sub ON oauth_devices (pool, sub);
        CREATE INDEX oauth_devices_expiry ON oauth_devices (expires_at);
    ",
};

const LIFE: Duration = Duration::from_secs(600);
/// Between two polls, and what is added for one that comes sooner (§3.5).
const EVERY: Duration = Duration::from_secs(5);
/// §6.1: no vowels, so no words, and nothing that is read as something else.
const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;
const TRIES: usize = 5;

/// A device that waits, as the pages see it.
#[derive(Clone, Debug)]
pub struct Waiting {
    digest: [u8; 32],
    pub client: String,
    /// Space-separated.
    pub scope: String,
}

/// What a poll finds.
#[derive(Debug)]
pub enum Polled {
    /// Never given out to this client, used, or over.
    Expired,
    Pending,
    TooSoon,
    Denied,
    Allowed(Box<Allowed>),
}

/// Whom the user has allowed what.
#[derive(Debug)]
pub struct Allowed {
    pub sub: Sub,
    pub sid: String,
    pub scope: String,
    pub authenticated: UnixMillis,
    pub minted: UnixMillis,
    pub details: Details,
    digest: [u8; 32],
}

pub async fn post(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts, body: Body) -> Response {
    let call = oauth.call("DeviceAuthorization_POST", &head);
    let outcome = begun(&oauth, &site, &call, &head, body).await;
    call.record(Some(site.pool.as_str()), outcome.as_ref().err().map(|error| &*error.fault)).await;
    let response = match outcome {
        Ok(document) => answer(StatusCode::OK, &document),
        Err(error) => error.into_response(),
    };
    cors::allow(response).await
}

async fn begun(oauth: &OAuth, site: &Site, call: &Call, head: &Parts, body: Body) -> Result<Value, OAuthError> {
    let form = Form::read(&head.headers, body).await?;
    let failed = |fault: Fault| OAuthError::of(Code::InvalidRequest, fault);
    oauth.door.take("DeviceAuthorization_POST", &site.pool).map_err(failed)?;
    let proven = client::authenticate(call, site, head, &form).await?;
    let client = &proven.client;
    if !client.settings.oauth.grants.contains(&Grant::DeviceCode) {
        return Err(OAuthError::new(Code::UnauthorizedClient, "The client may not use this grant."));
    }
    let scope = scope_of(client, &form).map_err(|error| OAuthError::named(error.code.name(), error.fault()))?;
    for _ in 0..TRIES {
        let code = opaque_token().map_err(|error| failed(Fault::internal(error)))?;
        let user_code = entropy::text::<LENGTH>(LETTERS).map_err(|error| failed(Fault::internal(error)))?;
        let mut batch = Batch::new();
        batch.add(insert(client, code.expose(), &user_code, &scope.join(" "), call.now));
        match call.commit(Write::new(&client.pool, batch)).await {
            Ok(()) => {
                let shown = shown(&user_code);
                return Ok(json!({
                    "device_code": code.expose(),
                    "user_code": shown,
                    "verification_uri": format!("{}/device", site.base),
                    "verification_uri_complete": format!("{}/device?user_code={shown}", site.base),
                    "expires_in": LIFE.as_secs(),
                    "interval": EVERY.as_secs(),
                }));
            }
            // Another device has that code.
            Err(CommitError::Missed { .. }) => {}
            Err(error) => return Err(failed(error.into())),
        }
    }
    Err(failed(Fault::unavailable("no user code is free")))
}

/// As people read it: two halves.
fn shown(user_code: &str) -> String {
    match user_code.split_at_checked(LENGTH / 2) {
        Some((left, right)) => format!("{left}-{right}"),
        None => user_code.to_owned(),
    }
}

/// What was typed, without what people add (§6.1).
pub fn normal(typed: &str) -> String {
    typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase())
        .take(2 * LENGTH)
        .collect()
}

/// Misses where another device that has not been forgotten has the user code.
fn insert(client: &Client, code: &str, user_code: &str, scope: &str, now: UnixMillis) -> Statement {
    Statement::new(
        "INSERT INTO oauth_devices (pool, digest, user_code, client, scope, expires_at, every, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending') ON CONFLICT DO NOTHING",
    )
    .bind(&client.pool)
    .bind(token_digest(code))
    .bind(user_code)
    .bind(&client.id)
    .bind(scope)
    .bind(now.plus(LIFE))
    .bind(EVERY.as_secs())
    .expect(Rows::Exactly(1))
}

/// The device that waits with this user code.
///
/// # Errors
/// Storage.
pub async fn waiting(store: &Store, pool: &PoolId, user_code: &str, now: UnixMillis) -> Result<Option<Waiting>, Fault> {
    let query = Query::new(
        "SELECT digest, client, scope FROM oauth_devices
         WHERE pool = $1 AND user_code = $2 AND state = 'pending' AND expires_at > $3",
    );
    let row = store.one(query.bind(pool).bind(normal(user_code)).bind(now)).await?;
    let read = |row: &Row| {
        Ok::<_, RowError>(Waiting {
            digest: row.array(0)?,
            client: row.text(1)?.to_owned(),
            scope: row.text(2)?.to_owned(),
        })
    };
    Ok(row.as_ref().map(read).transpose()?)
}

/// The user allows it. Misses when it is over, or was answered.
pub fn allow(
    pool: &PoolId,
    device: &Waiting,
    session: &BrowserSession,
    details: &Details,
    now: UnixMillis,
) -> Statement {
    Statement::new(
        "UPDATE oauth_devices SET state = 'allowed', sub = $1, sid = $2, authenticated_at = $3, minted_at = $4, details = $5
         WHERE pool = $6 AND digest = $7 AND state = 'pending' AND expires_at > $8",
    )
    .bind(&session.sub)
    .bind(&session.sid)
    .bind(session.authenticated)
    .bind(session.minted)
    .bind(serde_json::to_string(details).unwrap_or_default())
    .bind(pool)
    .bind(device.digest)
    .bind(now)
    .expect(Rows::Exactly(1))
}

/// The user refuses it.
pub fn deny(pool: &PoolId, device: &Waiting) -> Statement {
    Statement::new("UPDATE oauth_devices SET state = 'denied' WHERE pool = $1 AND digest = $2 AND state = 'pending'")
        .bind(pool)
        .bind(device.digest)
}

/// One poll of a client with its code (§3.4), which is counted.
///
/// # Errors
/// Storage.
pub async fn poll(
    store: &Store,
    pool: &PoolId,
    client: &ClientId,
    code: &str,
    now: UnixMillis,
) -> Result<Polled, Fault> {
    let digest = token_digest(code);
    let query = Query::new(
        "SELECT client, expires_at, polled_at, every, state, sub, sid, scope, authenticated_at, minted_at, details
         FROM oauth_devices WHERE pool = $1 AND digest = $2",
    );
    let Some(row) = store.one(query.bind(pool).bind(digest)).await? else { return Ok(Polled::Expired) };
    let of_client = row.text(0)? == client.as_str();
    if !of_client || row.millis(1)? <= now {
        return Ok(Polled::Expired);
    }
    match row.text(4)? {
        "denied" => Ok(Polled::Denied),
        "allowed" => {
            let allowed = allowed(&row, digest).map_err(StoreError::from)?;
            Ok(Polled::Allowed(Box::new(allowed)))
        }
        _ => {
            let every = row.u64(3)?;
            let is_early = row.opt_millis(2)?.is_some_and(|last| now.since(last) < Duration::from_secs(every));
            let slower = if is_early { every + EVERY.as_secs() } else { every };
            let mut batch = Batch::new();
            batch.add(
                Statement::new("UPDATE oauth_devices SET polled_at = $1, every = $2 WHERE pool = $3 AND digest = $4")
                    .bind(now)
                    .bind(slower)
                    .bind(pool)
                    .bind(digest),
            );
            store.commit(batch).await?;
            Ok(if is_early { Polled::TooSoon } else { Polled::Pending })
        }
    }
}

fn allowed(row: &Row, digest: [u8; 32]) -> Result<Allowed, RowError> {
    let millis = |column| row.opt_millis(column)?.ok_or(RowError::Type(column));
    let text = |column| row.opt_text(column)?.ok_or(RowError::Type(column));
    Ok(Allowed {
        sub: Sub::parse(text(5)?).map_err(|_| RowError::Range(5))?,
        sid: text(6)?.to_owned(),
        scope: row.text(7)?.to_owned(),
        authenticated: millis(8)?,
        minted: millis(9)?,
        details: serde_json::from_str(text(10)?).map_err(|_| RowError::Type(10))?,
        digest,
    })
}

impl Allowed {
    /// Uses the code up. Misses when another poll was first.
    pub fn used(&self, pool: &PoolId) -> Statement {
        Statement::new("DELETE FROM oauth_devices WHERE pool = $1 AND digest = $2")
            .bind(pool)
            .bind(self.digest)
            .expect(Rows::Exactly(1))
    }
}

/// Those of a user who is gone.
pub fn forget(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new("DELETE FROM oauth_devices WHERE pool = $1 AND sub = $2").bind(pool).bind(sub)
}

/// All, after a restore: one may have been used up since the backup.
pub fn forget_all() -> Statement {
    Statement::new("DELETE FROM oauth_devices")
}

/// Those that are over; run now and then.
pub fn prune(now: UnixMillis) -> Statement {
    Statement::new("DELETE FROM oauth_devices WHERE expires_at < $1").bind(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_code_is_read_as_people_type_it() {
        assert_eq!(shown("BCDFGHJK"), "BCDF-GHJK");
        for typed in ["BCDF-GHJK", "bcdf ghjk", " bcdfghjk\t", "b.c.d.f-g.h.j.k"] {
            assert_eq!(normal(typed), "BCDFGHJK");
        }
        assert_eq!(normal(&"x".repeat(1_000)).len(), 16);
    }
}
