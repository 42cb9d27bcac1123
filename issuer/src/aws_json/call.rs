//! One request on its way through an operation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cognito_model::{Exception, Fault};
use common::clock::UnixMillis;
use common::feed::{Change, FeedName};
use common::ids::PoolId;

use super::{Caller, Origin, Place};
use crate::audit::{Entry, NO_POOL};
use crate::messages::Message;
use crate::metrics::Answered;
use crate::outbox;
use crate::services::Services;
use crate::store::{Batch, CommitError};

/// What an operation gets beside its input.
#[derive(Clone)]
pub struct Call {
    pub services: Arc<Services>,
    pub operation: &'static str,
    /// One instant for the whole request.
    pub now: UnixMillis,
    pub origin: Origin,
    pub caller: Caller,
    /// Where the user is; see [`Call::with_user_at`].
    pub user_at: Place,
    recorded: Arc<AtomicBool>,
}

/// A change of one pool: statements, what edges must learn of them, and messages to send because of them.
#[derive(Debug)]
pub struct Write<'a> {
    pool: &'a PoolId,
    subject: Option<&'a str>,
    batch: Batch,
    changes: Vec<Change>,
    messages: Vec<Message>,
    result: &'static str,
}

impl<'a> Write<'a> {
    pub fn new(pool: &'a PoolId, batch: Batch) -> Self {
        Self { pool, subject: None, batch, changes: Vec::new(), messages: Vec::new(), result: "ok" }
    }

    /// Whom it is about, for the audit record.
    #[must_use]
    pub fn about(self, subject: &'a str) -> Self {
        Self { subject: Some(subject), ..self }
    }

    #[must_use]
    pub fn changes(self, changes: Vec<Change>) -> Self {
        Self { changes, ..self }
    }

    #[must_use]
    pub fn messages(self, messages: Vec<Message>) -> Self {
        Self { messages, ..self }
    }

    /// The change is part of a refusal: its audit record names the exception that the call is answered with.
    #[must_use]
    pub fn refusing(self, exception: Exception) -> Self {
        Self { result: exception.name(), ..self }
    }
}

impl Call {
    pub fn new(
        services: Arc<Services>,
        operation: &'static str,
        now: UnixMillis,
        origin: Origin,
        caller: Caller,
    ) -> Self {
        let user_at = origin.place();
        Self { services, operation, now, origin, caller, user_at, recorded: Arc::new(AtomicBool::new(false)) }
    }

    /// The same call of a server for a user who is elsewhere, if the server has said where. The audit record keeps the sender.
    #[must_use]
    pub fn with_user_at(self, told: Option<Place>) -> Self {
        match told {
            Some(user_at) => Self { user_at, ..self },
            None => self,
        }
    }

    /// Commits a change together with its audit row and its messages; feed rows come last, so that commit order is sequence order
    /// (DESIGN §4).
    ///
    /// An index in [`CommitError::Missed`] is one of the batch that the operation made.
    pub async fn commit(&self, write: Write<'_>) -> Result<(), CommitError> {
        let Write { pool, subject, mut batch, changes, messages, result } = write;
        let unavailable = |error: &dyn std::fmt::Display| CommitError::Unavailable(error.to_string());
        if !messages.is_empty() {
            let key = self.services.pool_keys.key(pool).await.map_err(|e| unavailable(&e))?;
            for message in &messages {
                let queued = self.services.courier.queue(&key, message, &self.origin.request_id, self.now);
                batch.add(queued.map_err(|e| unavailable(&e))?);
            }
        }
        // A request that makes several changes one after the other is recorded with the first.
        if !self.recorded.load(Ordering::Relaxed) {
            batch.add(self.entry(pool.as_str(), subject, result).statement());
        }
        let feed = FeedName::from(pool.clone());
        for change in &changes {
            batch.extend(outbox::append(&feed, change, self.now));
        }
        self.services.store.commit(batch).await?;
        self.recorded.store(true, Ordering::Relaxed);
        if !changes.is_empty() {
            self.services.feed.ring();
        }
        self.services.courier.queued(&messages);
        Ok(())
    }

    /// The same; where a statement of these indexes misses, the refusal is the fault beside it.
    pub async fn commit_or(
        &self,
        write: Write<'_>,
        misses: impl IntoIterator<Item = (usize, Fault)> + Send,
    ) -> Result<(), Fault> {
        match self.commit(write).await {
            Ok(()) => Ok(()),
            Err(error @ CommitError::Missed { index }) => {
                let known = misses.into_iter().find(|(statement, _)| *statement == index);
                Err(known.map_or_else(|| error.into(), |(_, fault)| fault))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Commits a change that belongs to no pool, together with its audit row.
    pub async fn commit_to_deployment(&self, subject: &str, mut batch: Batch) -> Result<(), CommitError> {
        batch.add(self.entry(NO_POOL, Some(subject), "ok").statement());
        self.services.store.commit(batch).await?;
        self.recorded.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Commits a change of the deployment that edges of several pools must learn of, together with its audit row. The changes are in the order of
    /// their pools.
    pub async fn commit_to_pools(
        &self,
        subject: &str,
        mut batch: Batch,
        changes: &BTreeMap<PoolId, Vec<Change>>,
    ) -> Result<(), CommitError> {
        batch.add(self.entry(NO_POOL, Some(subject), "ok").statement());
        for (pool, changes) in changes {
            let feed = FeedName::from(pool.clone());
            batch.extend(changes.iter().flat_map(|change| outbox::append(&feed, change, self.now)));
        }
        self.services.store.commit(batch).await?;
        self.recorded.store(true, Ordering::Relaxed);
        if !changes.is_empty() {
            self.services.feed.ring();
        }
        Ok(())
    }

    /// Counts the request without recording it: for refusals before anything was done, of which there may be a flood.
    pub fn count(&self, fault: Option<&Fault>) {
        let result = fault.map_or("ok", |fault| fault.exception.name());
        self.services.metrics.operations.get_or_create(&Answered { operation: self.operation, result }).inc();
    }

    /// Records how the request ended, unless its own transaction has.
    pub async fn record(&self, pool: Option<&str>, fault: Option<&Fault>) {
        self.count(fault);
        if !self.recorded.load(Ordering::Relaxed) {
            let result = fault.map_or("ok", |fault| fault.exception.name());
            self.services.audit.record(self.entry(pool.unwrap_or(NO_POOL), None, result)).await;
        }
    }

    /// Records the end of a request that changes nothing, and waits for the commit: for answers that must take as long as those
    /// that change something, so that time does not tell them apart. Nothing where the request is recorded already: that was a commit, too.
    pub async fn record_now(&self, pool: &PoolId, result: &'static str) -> Result<(), CommitError> {
        if self.recorded.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.add(self.entry(pool.as_str(), None, result).statement());
        self.services.store.commit(batch).await?;
        self.recorded.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn entry(&self, pool: &str, subject: Option<&str>, result: &'static str) -> Entry {
        Entry {
            at: self.now,
            request_id: self.origin.request_id.clone(),
            pool: pool.to_owned(),
            operation: self.operation,
            actor: self.caller.actor().to_owned(),
            subject: subject.map(str::to_owned),
            source: self.origin.address.to_string(),
            user_agent: self.origin.user_agent.clone(),
            result,
        }
    }
}
