//! A fixed number of threads behind a bounded queue, for work that burns CPU for milliseconds: Argon2 and SRP. It is not tokio's
//! blocking pool, whose 512 threads would take 512 × 19 MiB.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// Sizes of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// Threads, each with one piece of work (19 MiB for a hash) at a time. At least 1.
    pub threads: usize,
    /// Pieces of work that may wait. What comes on top is refused.
    pub queue: usize,
}

impl Default for PoolSettings {
    /// A thread a core, and a queue of 32 a thread: about half a second of waiting at 15 ms a hash.
    fn default() -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self { threads, queue: threads.saturating_mul(32) }
    }
}

/// The pool could not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot start a thread for password hashing: {0}")]
pub struct StartError(#[from] std::io::Error);

/// Why work was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undone {
    /// The queue is full: shed.
    Busy,
    /// The work panicked. The thread survives.
    Panicked,
}

type Job = Box<dyn FnOnce() + Send>;

/// Dropping the last clone lets the threads finish what is queued and end.
#[derive(Clone)]
pub(super) struct WorkPool {
    jobs: SyncSender<Job>,
}

impl WorkPool {
    /// `idle` is called once when nothing has come for a while after some work.
    pub(super) fn start(settings: PoolSettings, idle: impl Fn() + Send + Sync + 'static) -> Result<Self, StartError> {
        let (jobs, receiver) = sync_channel::<Job>(settings.queue);
        let (receiver, worked, idle) = (Mutex::new(receiver), AtomicBool::new(false), Box::new(idle));
        let queue = Arc::new(Queue { receiver, worked, idle });
        for index in 0..settings.threads.max(1) {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name(format!("password-{index}")).spawn(move || queue.work())?;
        }
        Ok(Self { jobs })
    }

    /// Queues the work at once and waits for its result. If the caller goes away before the work has begun, it is skipped.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Undone> {
        let (reply, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            if !reply.is_closed() {
                let _caller_gone = reply.send(work());
            }
        });
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => Undone::Busy,
            TrySendError::Disconnected(_) => Undone::Panicked,
        })?;
        result.await.map_err(|_| Undone::Panicked)
    }
}

/// How long nothing must come before memory is given back: longer than the allocator holds on to freed memory (1 s).
const IDLE: Duration = Duration::from_millis(1_200);

struct Queue {
    receiver: Mutex<Receiver<Job>>,
    /// Whether something was done since memory was given back.
    worked: AtomicBool,
    idle: Box<dyn Fn() + Send + Sync>,
}

impl Queue {
    fn work(&self) {
        loop {
            // The lock is held while waiting: the threads take turns, and each releases it before it works.
            let next = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(IDLE);
            match next {
                Ok(job) => {
                    // A panic must not shrink the pool. It drops the reply, which the caller sees.
                    let _panicked = catch_unwind(AssertUnwindSafe(job));
                    self.worked.store(true, Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) if self.worked.swap(false, Ordering::Relaxed) => {
                    (self.idle)();
                    return_memory();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

/// mimalloc returns freed blocks to the system a second later, and only when some large block is freed then; an idle process frees
/// none, and would keep 19 MiB a thread (measured: 46 to 66 MB after twenty hashes on two threads, 8 MB with this).
fn return_memory() {
    drop(black_box(Vec::<u8>::with_capacity(1 << 20)));
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::mpsc::channel;
    use std::task::{Context, Waker};

    use super::*;

    /// Begins the work without waiting for it.
    fn begin<F: Future>(future: &mut Pin<Box<F>>) {
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }

    const ONE: PoolSettings = PoolSettings { threads: 1, queue: 1 };

    #[tokio::test]
    async fn work_past_the_queue_is_refused_at_once() {
        let pool = Arc::new(WorkPool::start(ONE, || ()).unwrap());
        let (release, gate) = channel::<()>();
        let (started, begun) = channel();
        let busy = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                pool.run(move || {
                    started.send(()).unwrap();
                    gate.recv().unwrap();
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
        let mut queued = Box::pin(pool.run(|| 2));
        begin(&mut queued);
        assert_eq!(pool.run(|| 3).await, Err(Undone::Busy));
        release.send(()).unwrap();
        assert_eq!(queued.await, Ok(2));
        assert_eq!(busy.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_panic_is_reported_and_the_thread_survives() {
        let pool = WorkPool::start(ONE, || ()).unwrap();
        assert_eq!(pool.run(|| panic!("on purpose")).await.map(|(): ()| ()), Err(Undone::Panicked));
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn work_whose_caller_left_is_skipped() {
        let pool = Arc::new(WorkPool::start(ONE, || ()).unwrap());
        let (release, gate) = channel::<()>();
        let (started, begun) = channel();
        let first = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                pool.run(move || {
                    started.send(()).unwrap();
                    gate.recv().unwrap();
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
        let (did, ran) = channel();
        let mut abandoned = Box::pin(pool.run(move || did.send(()).unwrap()));
        begin(&mut abandoned);
        drop(abandoned);
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        // The queue has one place, and the thread may not have come to the abandoned work yet.
        let mut next = pool.run(|| 1).await;
        while next == Err(Undone::Busy) {
            tokio::task::yield_now().await;
            next = pool.run(|| 1).await;
        }
        assert_eq!(next, Ok(1));
        assert!(ran.try_recv().is_err());
    }
}
