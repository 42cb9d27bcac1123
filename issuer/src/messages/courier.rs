//! Takes messages from their table to a sender.

use std::sync::Arc;
use std::time::Duration;

use common::ids::PoolId;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::{Message, OutboxFolder, rows};
use crate::envelope::{PoolKey, PoolKeys};
use crate::store::{Batch, Row, Statement, Store};

const BATCH: u32 = 64;
/// Also the pause after a failure, and how soon messages of another issuer are noticed.
const POLL: Duration = Duration::from_secs(2);

/// A handle by which operations hand messages in.
#[derive(Clone, Debug)]
pub struct Courier {
    bell: Arc<Notify>,
}

impl Courier {
    /// Starts delivering. Without a folder messages wait in their table.
    pub fn start(
        store: Store,
        pool_keys: Arc<PoolKeys>,
        folder: Option<OutboxFolder>,
        stop: watch::Receiver<bool>,
    ) -> (Self, Option<JoinHandle<()>>) {
        let bell = Arc::new(Notify::new());
        let task = folder.map(|folder| tokio::spawn(deliver_all(store, pool_keys, folder, bell.clone(), stop)));
        (Self { bell }, task)
    }

    /// The statement that queues a message; ring [`Courier::ring`] after its commit.
    ///
    /// # Errors
    /// The content could not be sealed; the text is for the log.
    pub fn queue(&self, key: &PoolKey, message: &Message, now: common::clock::UnixMillis) -> Result<Statement, String> {
        let id = uuid::Uuid::new_v4().to_string();
        let text = serde_json::to_vec(message).map_err(|e| e.to_string())?;
        let sealed = key.seal(rows::cell(&[&id]), &text).map_err(|e| e.to_string())?;
        Ok(rows::insert(&message.pool_id, &id, now, sealed))
    }

    /// Something was queued.
    pub fn ring(&self) {
        self.bell.notify_one();
    }
}

async fn deliver_all(
    store: Store,
    pool_keys: Arc<PoolKeys>,
    folder: OutboxFolder,
    bell: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let more = match deliver_some(&store, &pool_keys, &folder).await {
            Ok(count) => count == BATCH as usize,
            Err(error) => {
                tracing::warn!(%error, "messages wait");
                false
            }
        };
        if *stop.borrow() {
            return;
        }
        if !more {
            tokio::select! {
                () = bell.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                _ = stop.wait_for(|stopping| *stopping) => {}
            }
        }
    }
}

async fn deliver_some(store: &Store, pool_keys: &PoolKeys, folder: &OutboxFolder) -> Result<usize, String> {
    let waiting = store.read(rows::waiting(BATCH)).await.map_err(|e| e.to_string())?;
    let mut delivered = 0;
    for row in &waiting {
        // One message that can't be delivered does not hold back the others; it is tried again with the next.
        let (pool, id) = match deliver(pool_keys, folder, row).await {
            Ok(done) => done,
            Err(error) => {
                tracing::warn!(%error, "a message waits");
                continue;
            }
        };
        let mut batch = Batch::new();
        batch.add(rows::delivered(&pool, &id));
        store.commit(batch).await.map_err(|e| e.to_string())?;
        delivered += 1;
    }
    Ok(delivered)
}

async fn deliver(pool_keys: &PoolKeys, folder: &OutboxFolder, row: &Row) -> Result<(String, String), String> {
    let text = |column| row.text(column).map(str::to_owned).map_err(|e| e.to_string());
    let (pool, id) = (text(0)?, text(1)?);
    let pool_id = PoolId::parse(pool.clone()).map_err(|e| e.to_string())?;
    let key = pool_keys.key(&pool_id).await.map_err(|e| e.to_string())?;
    let opened = key.open(rows::cell(&[&id]), row.bytes(2).map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
    let message: Message = serde_json::from_slice(opened.expose()).map_err(|e| e.to_string())?;
    folder.deliver(&id, &message).map_err(|e| format!("the outbox folder: {e}"))?;
    Ok((pool, id))
}
