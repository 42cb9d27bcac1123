//! The queue's front: operations hand messages in here, and a dispatcher takes them out.

use std::sync::Arc;

use common::clock::{Clock, UnixMillis};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::dispatch::Dispatcher;
use super::senders::Senders;
use super::{Message, rows};
use crate::envelope::{PoolKey, PoolKeys};
use crate::metrics::{MessageEvent, Metrics};
use crate::store::{Statement, Store};

/// What delivering works with.
pub struct Parts {
    pub store: Store,
    pub pool_keys: Arc<PoolKeys>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Arc<Metrics>,
    pub senders: Senders,
}

/// A handle by which operations hand messages in.
#[derive(Clone)]
pub struct Courier {
    bell: Arc<Notify>,
    metrics: Arc<Metrics>,
}

impl Courier {
    /// Starts delivering; it ends when `stop` turns true.
    pub fn start(parts: Parts, stop: watch::Receiver<bool>) -> (Self, JoinHandle<()>) {
        let bell = Arc::new(Notify::new());
        let metrics = parts.metrics.clone();
        let task = tokio::spawn(Dispatcher::new(parts, bell.clone()).run(stop));
        (Self { bell, metrics }, task)
    }

    /// For tests of operations: messages are queued, and nobody takes them out.
    #[cfg(test)]
    pub(crate) fn idle(metrics: Arc<Metrics>) -> Self {
        Self { bell: Arc::default(), metrics }
    }

    /// The statement that queues a message; tell [`Courier::queued`] after its commit. `request` is the id of the request that caused it,
    /// by which the audit record knows it.
    ///
    /// # Errors
    /// The content could not be sealed; the text is for the log.
    pub fn queue(&self, key: &PoolKey, message: &Message, request: &str, now: UnixMillis) -> Result<Statement, String> {
        let id = uuid::Uuid::new_v4().to_string();
        let text = zeroize::Zeroizing::new(serde_json::to_vec(message).map_err(|e| e.to_string())?);
        let sealed = key.seal(rows::cell(&[&id]), &text).map_err(|e| e.to_string())?;
        Ok(rows::insert(message, &id, request, now, sealed))
    }

    /// These were committed.
    pub fn queued(&self, messages: &[Message]) {
        for message in messages {
            self.metrics.message(message.kind.as_str(), MessageEvent::Queued);
        }
        if !messages.is_empty() {
            self.bell.notify_one();
        }
    }

    /// A message was put back.
    pub fn ring(&self) {
        self.bell.notify_one();
    }
}
