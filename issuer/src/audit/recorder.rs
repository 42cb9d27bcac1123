//! Records what changed nothing, in batches.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::Entry;
use crate::store::{Batch, Store};

/// Entries that may wait; past it the request that made one waits too, so none is lost silently.
const QUEUE: usize = 4096;
/// How long a request waits before its entry goes to the log: with the storage away its answer is 503, not silence.
const WAIT: Duration = Duration::from_secs(1);
const BATCH: usize = 256;
const PAUSE: Duration = Duration::from_millis(200);
/// How often a batch is tried again while the storage is away, before it goes to the log instead.
const TRIES: u32 = 20;

/// A handle to the batching writer.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: mpsc::Sender<Entry>,
}

impl Recorder {
    /// Starts the writer. It ends, with everything written, when the last handle is gone or `stop` turns true.
    pub fn start(store: Store, stop: watch::Receiver<bool>) -> (Self, JoinHandle<()>) {
        let (queue, inbox) = mpsc::channel(QUEUE);
        (Self { queue }, tokio::spawn(write(store, inbox, stop)))
    }

    /// Hands an entry over.
    pub async fn record(&self, entry: Entry) {
        if let Err(lost) = self.queue.send_timeout(entry, WAIT).await {
            tracing::error!(entry = ?lost.into_inner(), "audit entry not stored");
        }
    }
}

async fn write(store: Store, mut inbox: mpsc::Receiver<Entry>, mut stop: watch::Receiver<bool>) {
    let mut entries = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            count = inbox.recv_many(&mut entries, BATCH) => if count == 0 { return },
            () = stopped(&mut stop) => {
                inbox.close();
                if inbox.recv_many(&mut entries, BATCH).await == 0 {
                    return;
                }
            }
        }
        commit(&store, &entries).await;
        let more_wait = entries.len() == BATCH;
        entries.clear();
        if !more_wait && !*stop.borrow() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _the_sender_is_gone = stop.wait_for(|stopping| *stopping).await;
}

async fn commit(store: &Store, entries: &[Entry]) {
    for _ in 0..TRIES {
        let mut batch = Batch::new();
        for entry in entries {
            batch.add(entry.statement_unless_recorded());
        }
        match store.commit(batch).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "audit entries wait for the storage"),
        }
        tokio::time::sleep(PAUSE).await;
    }
    for entry in entries {
        tracing::error!(?entry, "audit entry not stored");
    }
}

#[cfg(test)]
mod tests {
    use common::clock::UnixMillis;

    use super::*;

    fn entry() -> Entry {
        Entry {
            at: UnixMillis(1),
            request_id: "r".to_owned(),
            pool: "eu_a".to_owned(),
            operation: "GetUser",
            actor: "anonymous".to_owned(),
            subject: None,
            source: "127.0.0.1".to_owned(),
            user_agent: None,
            result: "ok",
        }
    }

    #[tokio::test]
    async fn a_full_queue_holds_a_request_back_but_not_for_ever() {
        let (queue, inbox) = mpsc::channel(1);
        let recorder = Recorder { queue };
        recorder.record(entry()).await;
        recorder.record(entry()).await;
        assert_eq!(inbox.len(), 1);
    }
}
