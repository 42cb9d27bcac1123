//! Notices what other issuers of the database did to signing keys.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common::ids::PoolId;
use tokio::sync::watch::Receiver;

use crate::keys;
use crate::services::Services;
use crate::store::{Row, RowError, StoreError};

/// Between two looks: how long another issuer may go on with keys that were changed here.
pub const WATCH_EVERY: Duration = Duration::from_millis(500);
/// Clocks of issuers may differ by this.
const MARGIN: Duration = Duration::from_secs(600);
/// Changes within the margin that are looked at. Past it, a ring ends by its age.
const MAX_CHANGES: usize = 2_000;

type Seen = BTreeSet<(String, String, String)>;

/// Until `finish` turns true.
pub async fn watch(services: Arc<Services>, mut finish: Receiver<bool>) {
    let mut seen = Seen::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(WATCH_EVERY) => {}
            _ = finish.wait_for(|finishing| *finishing) => return,
        }
        match look(&services).await {
            Ok(found) => {
                for (pool, ..) in found.difference(&seen) {
                    if let Ok(pool) = PoolId::parse(pool.as_str()) {
                        services.keys.forget(&pool);
                    }
                }
                seen = found;
            }
            Err(error) => tracing::warn!(%error, "changes of signing keys can't be seen"),
        }
    }
}

async fn look(services: &Services) -> Result<Seen, StoreError> {
    let since = services.now().minus(MARGIN);
    let rows = services.store.read(keys::changed_since(since, MAX_CHANGES)).await?;
    Ok(rows.iter().map(change).collect::<Result<_, _>>()?)
}

fn change(row: &Row) -> Result<(String, String, String), RowError> {
    Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.text(2)?.to_owned()))
}
