//! A deadline over a request that holds whatever the request waits for.
//!
//! pingora 0.9.1 bounds single reads and writes, so a peer that drips keeps a request for ever, and it counts the whole sending of a
//! body to an HTTP/2 server as one read. What is checked at each piece that comes ends a request with an answer
//! (`gateway::body`, `gateway::trip`); this is what ends one in which nothing comes. Then nobody is left to answer: the connection
//! is closed, or the stream reset.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// What is done when a request is cut off.
type LastWords = Box<dyn FnOnce() + Send>;

tokio::task_local! {
    /// Of the connection (HTTP/1) or the stream (HTTP/2) that the current task serves.
    static WATCH: Arc<Watch>;
}

struct Watch {
    base: Instant,
    /// Milliseconds after `base`; [`NEVER`] while nothing is watched.
    deadline: AtomicU64,
    sooner: Notify,
    last_words: Mutex<Option<LastWords>>,
}

const NEVER: u64 = u64::MAX;

/// Cuts the current request off at `at`, unless that is moved. `last_words` are said when it happens.
pub fn arm(at: Instant, last_words: impl FnOnce() + Send + 'static) {
    let _ = WATCH.try_with(|watch| {
        *watch.last_words.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(last_words));
        watch.set(at);
    });
}

/// Moves the deadline of a request that is watched.
pub fn move_to(at: Instant) {
    let _ = WATCH.try_with(|watch| watch.set(at));
}

/// The current request is watched no longer.
pub fn disarm() {
    let _ = WATCH.try_with(|watch| {
        watch.deadline.store(NEVER, Ordering::Relaxed);
        watch.last_words.lock().unwrap_or_else(PoisonError::into_inner).take();
    });
}

/// Runs `serving` under a watch. None when it was cut off.
pub async fn guarded<T>(serving: impl Future<Output = T>) -> Option<T> {
    let watch = Arc::new(Watch::new());
    let serving = WATCH.scope(Arc::clone(&watch), serving);
    tokio::select! {
        biased;
        done = serving => Some(done),
        () = watch.expired() => {
            watch.say_last_words();
            None
        }
    }
}

impl Watch {
    fn new() -> Self {
        Self {
            base: Instant::now(),
            deadline: AtomicU64::new(NEVER),
            sooner: Notify::new(),
            last_words: Mutex::new(None),
        }
    }

    fn set(&self, at: Instant) {
        let millis = u64::try_from(at.saturating_duration_since(self.base).as_millis()).unwrap_or(NEVER - 1);
        let before = self.deadline.swap(millis, Ordering::Relaxed);
        if millis < before {
            self.sooner.notify_one(); // a later one is seen when the sleep to the earlier one ends
        }
    }

    async fn expired(&self) {
        loop {
            let deadline = self.deadline.load(Ordering::Relaxed);
            if deadline == NEVER {
                self.sooner.notified().await;
                continue;
            }
            match Duration::from_millis(deadline).checked_sub(self.base.elapsed()) {
                Some(left) if !left.is_zero() => {
                    tokio::select! {
                        () = tokio::time::sleep(left) => {}
                        () = self.sooner.notified() => {}
                    }
                }
                _ => return,
            }
        }
    }

    fn say_last_words(&self) {
        let last_words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(say) = last_words {
            say();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[tokio::test]
    async fn a_request_without_a_deadline_is_left_alone() {
        assert_eq!(guarded(async { 7 }).await, Some(7));
        let done = guarded(async {
            arm(Instant::now() + Duration::from_millis(20), || panic!("disarmed"));
            disarm();
            tokio::time::sleep(Duration::from_millis(60)).await;
        });
        assert_eq!(done.await, Some(()));
    }

    #[tokio::test]
    async fn a_request_is_cut_off_with_its_last_words() {
        let said = Arc::new(AtomicBool::new(false));
        let words = Arc::clone(&said);
        let serving = async move {
            arm(Instant::now() + Duration::from_secs(3_600), move || words.store(true, Ordering::Relaxed));
            tokio::task::yield_now().await;
            move_to(Instant::now() + Duration::from_millis(20)); // sooner wakes the watch
            pending::<()>().await;
        };
        assert_eq!(guarded(serving).await, None);
        assert!(said.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn a_deadline_that_moves_on_holds_nothing_up() {
        let serving = async {
            let step = Duration::from_millis(40);
            arm(Instant::now() + step * 2, || panic!("it moves on"));
            for _ in 0..4 {
                tokio::time::sleep(step).await;
                move_to(Instant::now() + step * 2);
            }
            disarm();
        };
        assert_eq!(guarded(serving).await, Some(()));
    }
}
