//! Lockout after wrong passwords: Cognito's ladder ([`ladder`]), counted per user over all sessions, channels and issuers (SECURITY.md
//! I36, I37, I39).
//!
//! Whoever is about to verify a password first takes a place ([`Lockout::attempt`]): one guarded statement, committed before the verification
//! begins. An [`Attempt`] ends in one of three ways:
//! * wrong: [`Attempt::fail`] makes a failure of it;
//! * right: [`Attempt::proven`], and then [`Proven::cleared`] in the batch of what the password permits, which forgets the failures, or
//!   [`Proven::give_back`] where it permits nothing;
//! * not verified (the queue of hashes is full): [`Attempt::give_back`].
//!
//! One that is dropped, since the client went away, ends in the background: as a failure, or given back when it was proven.
//!
//! **The bound.** At no time are more attempts in flight than may still fail before the next lock, so parallel guesses get what
//! guesses one after the other get, and not one more: five, then one a lock. **The price**: at most five sign-ins of one user are verified at
//! the same time; others wait for their turn, at most [`PATIENCE`], then are shed.
//!
//! **A lock is not a denial without end**: it lasts 15 minutes at most, attempts within it do not prolong it, and whoever proves to be the user
//! in another way (a new password by code or by an administrator) ends it by [`forget`]. That an attacker who keeps guessing keeps the
//! ladder up is Cognito's behaviour, too.

pub mod ladder;
mod queue;
pub mod rows;
mod subject;

use std::sync::Arc;
use std::time::Duration;

use common::clock::Clock;

pub use self::ladder::Ladder;
use self::ladder::{Admission, Attempts};
use self::queue::{Queues, Turn};
use self::rows::Stored;
pub use self::subject::Subject;
use crate::store::{Batch, CommitError, RowError, Statement, Store, StoreError};

/// How long an attempt waits for a place.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How often it looks while it is the first in the queue.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How often a change is tried again when others keep changing the row.
const TRIES: usize = 200;

/// Why nothing may be verified, or could be counted.
#[derive(Debug, thiserror::Error)]
pub enum LockoutError {
    #[error("too many failed attempts: locked")]
    Locked,
    #[error("too many attempts at the same user at once")]
    Busy,
    /// A statement that was to be committed with the place missed; its index.
    #[error("statement {0} missed")]
    Missed(usize),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Row(#[from] RowError),
    #[error(transparent)]
    Commit(CommitError),
}

/// Counts attempts. Clones share queues.
#[derive(Clone)]
pub struct Lockout {
    store: Store,
    clock: Arc<dyn Clock>,
    queues: Arc<Queues>,
}

impl Lockout {
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, queues: Arc::new(Queues::new(LADDER.first_locking)) }
    }

    /// Takes a place for an attempt at a user, in one batch with `with` (what the attempt uses up), which is not done without it.
    pub async fn attempt(&self, subject: Subject, with: Vec<Statement>) -> Result<Attempt, LockoutError> {
        let lockout = self.clone();
        // A task of its own: a client that goes away in between must not leave a place taken that nobody knows of.
        let taking = tokio::spawn(async move { lockout.take(subject, with).await });
        let mut attempt = taking.await.unwrap_or(Err(LockoutError::Busy))?;
        // Whoever went away before this point has verified nothing, and gives the place back.
        attempt.0.ending = Some(Ending::Failed);
        Ok(attempt)
    }

    async fn take(&self, subject: Subject, with: Vec<Statement>) -> Result<Attempt, LockoutError> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let turn = self.queues.turn(&subject, PATIENCE).await.ok_or(LockoutError::Busy)?;
        while tokio::time::Instant::now() < deadline {
            let stored = self.read(&subject).await?;
            let open = match LADDER.admit(stored.attempts, self.clock.now()) {
                Admission::Open(open) => open,
                Admission::Locked { .. } => return Err(LockoutError::Locked),
                Admission::Wait => {
                    tokio::time::sleep(LOOK_EVERY).await;
                    continue;
                }
            };
            let mut batch = Batch::new();
            let place = batch.add(rows::put(&subject, stored, open));
            batch.extend(with.iter().cloned());
            match self.store.commit(batch).await {
                Ok(()) => {
                    let ending = Some(Ending::GivenBack);
                    return Ok(Attempt(Place { lockout: self.clone(), subject, ending, _turn: turn }));
                }
                // Another attempt was first: look again.
                Err(CommitError::Missed { index }) if index == place => {}
                Err(CommitError::Missed { index }) => return Err(LockoutError::Missed(index - place - 1)),
                Err(error) => return Err(LockoutError::Commit(error)),
            }
        }
        Err(LockoutError::Busy)
    }

    async fn read(&self, subject: &Subject) -> Result<Stored, LockoutError> {
        let row = self.store.one(rows::find(subject)).await?;
        Ok(row.map(|row| rows::stored(&row)).transpose()?.unwrap_or_default())
    }

    async fn end(&self, subject: &Subject, ending: Ending) -> Result<(), LockoutError> {
        match ending {
            Ending::Failed => self.change(subject, |attempts| LADDER.failed(attempts, self.clock.now())).await,
            Ending::GivenBack => {
                let mut batch = Batch::new();
                batch.add(rows::give_back(subject));
                self.store.commit(batch).await.map_err(LockoutError::Commit)
            }
        }
    }

    async fn change(&self, subject: &Subject, to: impl Fn(Attempts) -> Attempts) -> Result<(), LockoutError> {
        for _ in 0..TRIES {
            let stored = self.read(subject).await?;
            let mut batch = Batch::new();
            batch.add(rows::put(subject, stored, to(stored.attempts)));
            match self.store.commit(batch).await {
                Err(CommitError::Missed { .. }) => {}
                done => return done.map_err(LockoutError::Commit),
            }
        }
        Err(LockoutError::Busy)
    }
}

/// The ladder of every pool.
const LADDER: Ladder = Ladder::COGNITO;

/// Forgets a user's failures: for whoever proved by another way to be the user, in the batch of what that permits.
pub fn forget(subject: &Subject) -> Statement {
    rows::forget(subject)
}

/// A place that was taken: now verify, and say how it ended.
#[must_use = "an attempt that is dropped counts as a failure"]
pub struct Attempt(Place);

/// An attempt whose password was right.
#[must_use = "a success that is dropped forgets no failures"]
pub struct Proven(Place);

impl Attempt {
    /// It was wrong. The answer may go out when this is done.
    pub async fn fail(self) -> Result<(), LockoutError> {
        self.0.end(Ending::Failed).await
    }

    /// Nothing was verified.
    pub async fn give_back(self) -> Result<(), LockoutError> {
        self.0.end(Ending::GivenBack).await
    }

    /// It was right.
    pub fn proven(mut self) -> Proven {
        self.0.ending = Some(Ending::GivenBack);
        Proven(self.0)
    }
}

impl Proven {
    /// Gives the place back and forgets the failures: for the batch of what the password permits. Never misses. If that is not
    /// committed, the place ends with its lease, as a failure.
    pub fn cleared(mut self) -> Statement {
        self.0.ending = None;
        rows::clear(&self.0.subject)
    }

    /// Gives the place back alone, where the password permits nothing.
    pub async fn give_back(self) -> Result<(), LockoutError> {
        self.0.end(Ending::GivenBack).await
    }
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Failed,
    GivenBack,
}

struct Place {
    lockout: Lockout,
    subject: Subject,
    /// What a drop makes of it; `None` when it has ended.
    ending: Option<Ending>,
    /// Lets the next one in when this one has ended.
    _turn: Turn,
}

impl Place {
    async fn end(mut self, ending: Ending) -> Result<(), LockoutError> {
        // The task goes on when the client goes away. If it cannot store the end, the lease ends the place.
        self.ending = None;
        let (lockout, subject) = (self.lockout.clone(), self.subject.clone());
        let storing = tokio::spawn(async move { lockout.end(&subject, ending).await });
        storing.await.unwrap_or(Err(LockoutError::Busy))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(ending) = self.ending.take() else { return };
        // Without a runtime the process ends; the lease ends the place.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (lockout, subject) = (self.lockout.clone(), self.subject.clone());
        runtime.spawn(async move {
            if let Err(error) = lockout.end(&subject, ending).await {
                tracing::warn!(%error, "an attempt ends with its lease");
            }
        });
    }
}

#[cfg(test)]
mod tests;
