//! OpenID Connect Back-Channel Logout 1.0: the apps of a browser session hear of its end from server to server. The table `oauth_logout_notices`.
//!
//! Invariants: a notice is stored in the batch that ends the session, so none is lost; each is sent by one issuer at a time, and again, later and
//! later, until its app has taken it or [`MOST_TRIES`] have failed; the token is made when it is sent, and is good for two minutes.

use std::sync::Arc;
use std::time::Duration;

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId, Sub};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use url::form_urlencoded;
use uuid::Uuid;

use crate::clients::Client;
use crate::keys::Purpose;
use crate::pools::{self, PoolError};
use crate::services::Services;
use crate::sessions::BrowserSession;
use crate::store::{Batch, CommitError, Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 866,
    name: "oauth_logout_notices",
    sql: "
        CREATE TABLE oauth_logout_notices (
            pool TEXT NOT NULL,
            id TEXT NOT NULL,
            client TEXT NOT NULL,
            uri TEXT NOT NULL,
            sub TEXT NOT NULL,
            sid TEXT NOT NULL,
            due_at BIGINT NOT NULL,
            tries BIGINT NOT NULL,
            PRIMARY KEY (pool, id)
        );
        CREATE INDEX oauth_logout_notices_due ON oauth_logout_notices (due_at);
        CREATE INDEX oauth_logout_notices_sub ON oauth_logout_notices (pool, sub);
    ",
};

/// §2.4.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const TYPE: &str = "logout+jwt";
const TOKEN_LIFE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// One issuer has so long for one notice; then another may send it.
const LEASE: Duration = Duration::from_secs(30);
const AT_ONCE: u64 = 32;
const MOST_TRIES: u64 = 8;

/// The notice for a client's app, if it wants one.
pub fn notice(client: &Client, session: &BrowserSession, now: UnixMillis) -> Option<Statement> {
    let uri = &client.settings.oauth.back_channel.as_ref()?.uri;
    let statement = Statement::new(
        "INSERT INTO oauth_logout_notices (pool, id, client, uri, sub, sid, due_at, tries) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
    )
    .bind(&session.pool)
    .bind(Uuid::now_v7().to_string())
    .bind(&client.id)
    .bind(uri)
    .bind(&session.sub)
    .bind(&session.sid)
    .bind(now)
    .expect(Rows::Exactly(1));
    Some(statement)
}

/// Those of a user who is gone: the app's sessions are dead, too.
pub fn forget(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new("DELETE FROM oauth_logout_notices WHERE pool = $1 AND sub = $2").bind(pool).bind(sub)
}

/// One that waits.
#[derive(Debug)]
struct Notice {
    pool: PoolId,
    id: String,
    client: ClientId,
    uri: String,
    sub: String,
    sid: String,
    due: UnixMillis,
    tries: u64,
}

/// Sends what is due until it is told to finish.
pub async fn run(services: Arc<Services>, mut finish: watch::Receiver<bool>) {
    loop {
        if let Err(fault) = deliver(&services).await {
            tracing::warn!(cause = fault.cause(), "logout notices wait");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = finish.wait_for(|finishing| *finishing) => return,
        }
    }
}

/// Sends what is due now.
///
/// # Errors
/// Storage.
pub async fn deliver(services: &Services) -> Result<(), Fault> {
    let now = services.now();
    let query = Query::new(
        "SELECT pool, id, client, uri, sub, sid, due_at, tries FROM oauth_logout_notices WHERE due_at <= $1
         ORDER BY due_at LIMIT $2",
    );
    let rows = services.store.read(query.bind(now).bind(AT_ONCE)).await?;
    let due = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for outcome in join_all(due.iter().map(|notice| send(services, notice, now))).await {
        outcome?;
    }
    Ok(())
}

fn read(row: &Row) -> Result<Notice, RowError> {
    Ok(Notice {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        id: row.text(1)?.to_owned(),
        client: ClientId::parse(row.text(2)?).map_err(|_| RowError::Range(2))?,
        uri: row.text(3)?.to_owned(),
        sub: row.text(4)?.to_owned(),
        sid: row.text(5)?.to_owned(),
        due: row.millis(6)?,
        tries: row.u64(7)?,
    })
}

async fn send(services: &Services, notice: &Notice, now: UnixMillis) -> Result<(), Fault> {
    // Later after each failure: 15 s, 30 s, a minute, … an hour in all.
    let wait = LEASE * 2_u32.saturating_pow(u32::try_from(notice.tries).unwrap_or(u32::MAX).min(10)) / 2;
    let leased = Statement::new(
        "UPDATE oauth_logout_notices SET due_at = $1, tries = tries + 1 WHERE pool = $2 AND id = $3 AND due_at = $4",
    )
    .bind(now.plus(wait.max(LEASE / 2)))
    .bind(&notice.pool)
    .bind(&notice.id)
    .bind(notice.due)
    .expect(Rows::Exactly(1));
    if !commit(services, leased).await? {
        return Ok(());
    }
    let outcome = match token(services, notice, now).await? {
        None => Ok(true),
        Some(token) => {
            let form = form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
            // §2.8: 200, and what frameworks make of it.
            services.outbound.post_form(&notice.uri, form).await.map(|status| status.is_success())
        }
    };
    let is_last = notice.tries + 1 >= MOST_TRIES;
    match &outcome {
        Ok(true) => {}
        _ if !is_last => return Ok(()),
        Ok(false) => tracing::warn!(client = notice.client.as_str(), "an app does not take its logout token"),
        Err(error) => tracing::warn!(client = notice.client.as_str(), %error, "an app could not be told of a sign-out"),
    }
    let done = Statement::new("DELETE FROM oauth_logout_notices WHERE pool = $1 AND id = $2");
    commit(services, done.bind(&notice.pool).bind(&notice.id)).await.map(drop)
}

/// The logout token (§2.4); none where the pool is gone.
async fn token(services: &Services, notice: &Notice, now: UnixMillis) -> Result<Option<String>, Fault> {
    let pool = match pools::find(&services.store, &notice.pool).await {
        Err(PoolError::Absent(_)) => return Ok(None),
        found => found?,
    };
    let claims: Map<String, Value> = [
        ("iss", json!(pool.iss)),
        ("sub", json!(notice.sub)),
        ("aud", json!(notice.client.as_str())),
        ("iat", json!(now.seconds())),
        ("exp", json!(now.plus(TOKEN_LIFE).seconds())),
        ("jti", json!(notice.id)),
        ("events", json!({ EVENT: {} })),
        ("sid", json!(notice.sid)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    let token = services.keys.sign_typed(&pool.id, Purpose::Id, Some(TYPE), &claims).await?;
    Ok(Some(token.expose().to_owned()))
}

/// Whether the statement changed what it expects.
async fn commit(services: &Services, statement: Statement) -> Result<bool, Fault> {
    let mut batch = Batch::new();
    batch.add(statement);
    match services.store.commit(batch).await {
        Ok(()) => Ok(true),
        Err(CommitError::Missed { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
