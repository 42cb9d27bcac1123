//! The bell that tells `publish`, in this process, that a commit appended to the log.

use std::sync::Arc;

use tokio::sync::Notify;

/// Cheap to clone; all clones are one bell.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Something was appended and committed.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for the next ring; one that came before is not lost.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}
