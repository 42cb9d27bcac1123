//! Who uses the database: issuers side by side, or one offline command alone.
//!
//! Each holds an advisory lock of its session, shared or exclusive, on a connection that serves nothing else. The server lets go of it when
//! the connection ends, however the process did. After a break the lock is taken again; what an offline command could do in
//! that gap is bounded by what it refuses anyway: a restore goes into an empty database only.

use std::time::{Duration, Instant};

use deadpool_postgres::{ClientWrapper, Object, Pool};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::connect;
use crate::store::error::OpenError;

/// "tolldoor" in ASCII; the lock of migrations has another number.
const TRY_SHARED: &str = "SELECT pg_try_advisory_lock_shared(8389754676349595506)";
const TRY_ALONE: &str = "SELECT pg_try_advisory_lock(8389754676349595506)";
/// How often the connection is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const LOOK_WITHIN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Tenure {
    /// As one of several issuers.
    Shared,
    /// By an offline command; not while an issuer runs.
    Alone,
}

/// Held for as long as the store is open.
#[derive(Debug)]
pub(super) struct Presence(JoinHandle<()>);

impl Presence {
    /// Waits up to `patience` for one that is just ending.
    pub(super) async fn claim(pool: &Pool, tenure: Tenure, patience: Duration) -> Result<Self, OpenError> {
        let begun = Instant::now();
        loop {
            let away = |detail: String| OpenError::Unavailable(detail);
            match lock(pool, tenure).await.map_err(away)? {
                Some(client) => return Ok(Self(tokio::spawn(keep(pool.clone(), tenure, client)))),
                None if begun.elapsed() >= patience => {
                    let who = match tenure {
                        Tenure::Shared => "by an offline command (restore, first-key)",
                        Tenure::Alone => "by an issuer or another offline command",
                    };
                    return Err(OpenError::InUse(who.to_owned()));
                }
                None => sleep(PAUSE).await,
            }
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.abort(); // and with the task ends its connection, and with that the lock
    }
}

/// None: somebody else's lock is in the way.
async fn lock(pool: &Pool, tenure: Tenure) -> Result<Option<ClientWrapper>, String> {
    let client = Object::take(pool.get().await.map_err(|error| connect::why(&error))?);
    let sql = if tenure == Tenure::Shared { TRY_SHARED } else { TRY_ALONE };
    let row = client.query_one(sql, &[]).await.map_err(|error| error.to_string())?;
    let locked: bool = row.try_get(0).map_err(|error| error.to_string())?;
    Ok(locked.then_some(client))
}

async fn keep(pool: Pool, tenure: Tenure, client: ClientWrapper) {
    let mut held = Some(client);
    loop {
        sleep(LOOK_EVERY).await;
        if let Some(client) = &held
            && !matches!(timeout(LOOK_WITHIN, client.simple_query("SELECT 1")).await, Ok(Ok(_)))
        {
            held = None;
        }
        if held.is_none() {
            match lock(&pool, tenure).await {
                Ok(Some(client)) => held = Some(client),
                Ok(None) => tracing::error!("an offline command uses the database of this running issuer"),
                Err(error) => tracing::warn!(%error, "the lock that says that an issuer runs is lost for now"),
            }
        }
    }
}
