//! Asks issuers about tokens (RFC 7662) on the control runtime; the one thing that a request waits for, and not for long.
//!
//! A token is asked about once, however many requests bring it at the same time. Questions and those that wait for a place are bounded; whoever
//! finds no room, or no answer in time, is told so: without an answer nothing passes.

mod ask;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use common::clock::{Clock, UnixMillis};
use common::reject::Reject;
use common::verify::Verified;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use self::ask::{AskError, Asker};
use crate::observe::{Asked, IssuerMetrics};
use crate::outbound::OutboundError;
use crate::snapshot::Snapshot;
use crate::snapshot::identity::Identity;
use crate::snapshot::introspection::{Answer, Introspection, IntrospectionSettings};
use crate::snapshot::issuer::Issuer;
use crate::snapshot::verdicts::TokenDigest;

/// How much longer than a question a request waits for its end.
const GRACE: Duration = Duration::from_millis(250);
/// One line of the log says that an issuer gives no answers, not one for each request.
const COMPLAIN_EVERY: Duration = Duration::from_secs(1);

/// What all who wait for one token get.
#[derive(Clone, Debug)]
enum Said {
    Active(Arc<Verified>),
    Refused(Reject),
    /// No answer.
    Nothing,
}

/// Asks on behalf of requests.
pub struct Introspector {
    runtime: Handle,
    clock: Arc<dyn Clock>,
    metrics: IssuerMetrics,
    desks: ArcSwap<HashMap<Arc<str>, Arc<Desk>>>,
}

/// Where questions to one issuer are asked.
struct Desk {
    settings: Arc<IntrospectionSettings>,
    asker: Asker,
    places: Semaphore,
    /// Tokens that are being asked about, or wait for it.
    open: Mutex<HashMap<TokenDigest, watch::Receiver<Option<Said>>>>,
    complained: AtomicU64,
}

/// How a request stands to the question about its token.
enum Joined {
    Answered(Answer),
    Waiting(watch::Receiver<Option<Said>>),
    /// Too many are open.
    Full,
}

/// A token among the open ones, until its answer is known; also when the asking task dies.
struct Open {
    desk: Arc<Desk>,
    token: TokenDigest,
}

impl Introspector {
    pub fn new(runtime: Handle, clock: Arc<dyn Clock>, metrics: IssuerMetrics) -> Self {
        Self { runtime, clock, metrics, desks: ArcSwap::default() }
    }

    /// Follows a configuration. What has not changed keeps its connections.
    pub fn follow(&self, snapshot: &Snapshot) {
        let old = self.desks.load_full();
        let desks = snapshot.issuers.iter().filter_map(|issuer| {
            let settings = &issuer.introspection.as_ref()?.settings;
            let kept = old.get(&issuer.name).filter(|desk| desk.settings == *settings).cloned();
            let desk = kept.unwrap_or_else(|| Arc::new(Desk::new(Arc::clone(settings))));
            Some((Arc::clone(&issuer.name), desk))
        });
        self.desks.store(Arc::new(desks.collect()));
    }

    /// What the issuer says of the token, within its `timeout`.
    pub async fn ask(&self, issuer: &Arc<Issuer>, token: &str) -> Result<Answer, Reject> {
        let introspection = issuer.introspection.clone().ok_or(Reject::Internal)?;
        let desk = self.desks.load().get(&issuer.name).cloned().ok_or(Reject::IntrospectionUnavailable)?;
        // A reload puts the routes into force before the desks: what the old issuer says is no answer to a question of the new one.
        if desk.settings != introspection.settings {
            return Err(Reject::IntrospectionUnavailable);
        }
        let limit = desk.settings.endpoint.timeout;
        let digest = TokenDigest::of(token);
        let mut said = match self.join_or_begin(&issuer.name, &desk, introspection, digest, token) {
            Joined::Answered(answer) => return Ok(answer),
            Joined::Waiting(said) => said,
            Joined::Full => {
                self.metrics.asked(&issuer.name, Asked::Shed);
                return Err(Reject::IntrospectionUnavailable);
            }
        };
        // The question ends by itself at its limit; this is for a runtime that hangs, or has ended and taken the sender with it.
        let said = timeout(limit + GRACE, said.wait_for(Option::is_some)).await;
        match said.ok().and_then(Result::ok).and_then(|said| said.clone()) {
            // An identity of this request's own: it notes which routes it has passed, and another request may have another route table.
            Some(Said::Active(verified)) => Ok(Answer::Active(Arc::new(Identity::new((*verified).clone())))),
            Some(Said::Refused(reject)) => Ok(Answer::Refused(reject)),
            Some(Said::Nothing) | None => Err(Reject::IntrospectionUnavailable),
        }
    }

    fn join_or_begin(
        &self,
        name: &Arc<str>,
        desk: &Arc<Desk>,
        introspection: Arc<Introspection>,
        digest: TokenDigest,
        token: &str,
    ) -> Joined {
        let endpoint = &desk.settings.endpoint;
        let mut open = desk.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = open.get(&digest) {
            return Joined::Waiting(same.clone());
        }
        // Asked and answered since the gate looked: an answer is kept before its token leaves the open ones.
        if let Some(answer) = introspection.answers.get(digest, self.clock.now()) {
            return Joined::Answered(answer);
        }
        if open.len() >= endpoint.concurrency + endpoint.queue {
            return Joined::Full;
        }
        let (tell, said) = watch::channel(None);
        open.insert(digest, said.clone());
        drop(open);
        let place = Open { desk: Arc::clone(desk), token: digest };
        let (name, token, clock, metrics) =
            (Arc::clone(name), token.to_owned(), Arc::clone(&self.clock), self.metrics.clone());
        self.runtime.spawn(async move {
            let said = place.desk.ask(&name, &token, &*clock, &metrics).await;
            if let Some(answer) = kept(&said) {
                introspection.answers.insert(digest, answer, clock.now());
            }
            drop(place);
            let _ = tell.send(Some(said)); // no receiver: nobody waits any more
        });
        Joined::Waiting(said)
    }
}

impl Desk {
    fn new(settings: Arc<IntrospectionSettings>) -> Self {
        let endpoint = &settings.endpoint;
        let (asker, places) = (Asker::new(endpoint), Semaphore::new(endpoint.concurrency));
        Self { settings, asker, places, open: Mutex::default(), complained: AtomicU64::new(0) }
    }

    async fn ask(&self, name: &str, token: &str, clock: &dyn Clock, metrics: &IssuerMetrics) -> Said {
        let asking = async {
            let _place = self.places.acquire().await.ok()?;
            Some(self.asker.ask(&self.settings, token, clock).await)
        };
        let limit = self.settings.endpoint.timeout;
        let answer = match timeout(limit, asking).await {
            Ok(Some(answer)) => answer,
            Ok(None) | Err(_) => Err(AskError::Outbound(OutboundError::Timeout(limit))),
        };
        let said = answer.unwrap_or_else(|error| {
            self.complain(name, &error, clock.now());
            Said::Nothing
        });
        let result = match &said {
            Said::Active(_) => Asked::Active,
            Said::Refused(Reject::TokenInactive) => Asked::Inactive,
            Said::Refused(_) => Asked::Refused,
            Said::Nothing => Asked::Failed,
        };
        metrics.asked(name, result);
        said
    }

    fn complain(&self, name: &str, error: &AskError, now: UnixMillis) {
        let last = UnixMillis(self.complained.load(Ordering::Relaxed));
        if now < last || now.since(last) >= COMPLAIN_EVERY {
            self.complained.store(now.0, Ordering::Relaxed);
            tracing::warn!(issuer = name, %error, "no answer to an introspection");
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.desk.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.token);
    }
}

/// What is worth keeping; that there was no answer is not.
fn kept(said: &Said) -> Option<Answer> {
    match said {
        Said::Active(verified) => Some(Answer::Active(Arc::new(Identity::new((**verified).clone())))),
        Said::Refused(reject) => Some(Answer::Refused(*reject)),
        Said::Nothing => None,
    }
}
