//! Who waits for a place in this process: in order, and not without end.
//!
//! Places are kept in the database, for all issuers. This queue only keeps many attempts at one user from asking it at once, and none waits
//! for an attempt at another user.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::subject::Subject;

/// Attempts at one user that this process holds, verifying or waiting; past it they are shed.
const MOST: usize = 1_024;

pub(super) struct Queues {
    places: usize,
    open: Mutex<HashMap<Subject, Queue>>,
}

struct Queue {
    semaphore: Arc<Semaphore>,
    visitors: usize,
}

/// A turn in the queue; leaving it lets the next one in.
pub(super) struct Turn {
    queues: Arc<Queues>,
    subject: Subject,
    permit: Option<OwnedSemaphorePermit>,
}

impl Queues {
    /// `places`: how many of one user have their turn at once.
    pub(super) fn new(places: u32) -> Self {
        Self { places: usize::try_from(places).unwrap_or(1).max(1), open: Mutex::new(HashMap::new()) }
    }

    /// Waits for a turn; `None` when too many wait or the patience is over.
    pub(super) async fn turn(self: &Arc<Self>, subject: &Subject, patience: Duration) -> Option<Turn> {
        let (semaphore, mut turn) = self.enter(subject)?;
        turn.permit = Some(tokio::time::timeout(patience, semaphore.acquire_owned()).await.ok()?.ok()?);
        Some(turn)
    }

    fn enter(self: &Arc<Self>, subject: &Subject) -> Option<(Arc<Semaphore>, Turn)> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = open
            .entry(subject.clone())
            .or_insert_with(|| Queue { semaphore: Arc::new(Semaphore::new(self.places)), visitors: 0 });
        if queue.visitors >= MOST {
            return None;
        }
        queue.visitors += 1;
        let turn = Turn { queues: Arc::clone(self), subject: subject.clone(), permit: None };
        Some((Arc::clone(&queue.semaphore), turn))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut open = self.queues.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = open.get_mut(&self.subject) {
            queue.visitors = queue.visitors.saturating_sub(1);
            if queue.visitors == 0 {
                open.remove(&self.subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use common::ids::{PoolId, Sub};

    use super::*;

    fn subject(n: u8) -> Subject {
        let sub = Sub::parse(format!("00000000-0000-4000-8000-0000000000{n:02}")).unwrap();
        Subject::user(&PoolId::parse("eu_a").unwrap(), &sub)
    }

    #[tokio::test]
    async fn turns_are_as_many_as_places_and_each_user_has_its_own() {
        let queues = Arc::new(Queues::new(2));
        let short = Duration::from_millis(1);
        let first = queues.turn(&subject(1), short).await.unwrap();
        let _second = queues.turn(&subject(1), short).await.unwrap();
        assert!(queues.turn(&subject(1), short).await.is_none());
        assert!(queues.turn(&subject(2), short).await.is_some());
        let waiting = tokio::spawn({
            let queues = Arc::clone(&queues);
            async move { queues.turn(&subject(1), Duration::from_secs(60)).await.is_some() }
        });
        drop(first);
        assert!(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn a_queue_is_bounded_and_gone_when_nobody_is_in_it() {
        let queues = Arc::new(Queues::new(1));
        let turns: Vec<_> = (0..MOST).map(|_| queues.enter(&subject(1)).unwrap()).collect();
        assert!(queues.enter(&subject(1)).is_none());
        assert_eq!(queues.open.lock().unwrap().len(), 1);
        drop(turns);
        assert!(queues.open.lock().unwrap().is_empty());
    }
}
