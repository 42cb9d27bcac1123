//! A place that sends one request at a time, as the keeper of time sees it.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::outcome::Failure;

/// When its request is overdue, and how it learns of that.
#[derive(Default)]
pub struct Place {
    /// Set while a request is under way.
    deadline: Cell<Option<Instant>>,
    overdue: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Place {
    /// A request is under way.
    pub fn begin(&self, deadline: Instant) {
        self.deadline.set(Some(deadline));
    }

    pub fn end(&self) {
        self.deadline.set(None);
    }

    pub fn is_busy(&self) -> bool {
        self.deadline.get().is_some()
    }

    /// Runs to its end or to the time-out. A timer for each request would cost more than the look of [`Place::check`].
    pub async fn watch<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            if self.overdue.replace(false) {
                return Poll::Ready(Err(Failure::Timeout));
            }
            let mut waker = self.waker.borrow_mut();
            if !waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
                *waker = Some(context.waker().clone());
            }
            drop(waker);
            work.as_mut().poll(context)
        })
        .await
    }

    /// Ends the request under way where its time is over.
    pub fn check(&self, now: Instant) {
        if self.deadline.get().is_some_and(|deadline| deadline <= now) {
            self.overdue.set(true);
            if let Some(waker) = self.waker.borrow().as_ref() {
                waker.wake_by_ref();
            }
        }
    }
}
