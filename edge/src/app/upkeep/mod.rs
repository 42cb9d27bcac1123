//! What is done for upstreams in the background, on the control runtime: names are resolved again, servers are checked. It writes to
//! the upstreams of the picture that serves, and nothing waits for it.

mod check;
mod names;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use self::check::Checker;
use crate::snapshot::picture::Picture;
use crate::snapshot::upstream::Upstream;
use crate::snapshot::upstream::server::{Address, Server};

/// Checks under way at a time; the others wait their turn.
const MOST_CHECKS: usize = 32;
/// How soon a new configuration is seen.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A name without an address is asked for again after that long at most.
const SOON: Duration = Duration::from_secs(5);

/// Runs until the runtime ends.
pub async fn run(picture: Arc<Picture>) {
    let mut upkeep = Upkeep { jobs: HashMap::new(), checker: None, places: Arc::new(Semaphore::new(MOST_CHECKS)) };
    loop {
        let now = Instant::now();
        let snapshot = picture.load();
        let mut next = now + LOOK_EVERY;
        let mut wanted = HashMap::new();
        for upstream in &snapshot.routes.upstreams {
            upkeep.look_after(upstream, now, &mut wanted);
        }
        next = wanted.values().map(|job| job.due).min().unwrap_or(next).min(next);
        upkeep.jobs = wanted; // what a reload or a resolution has taken away is forgotten
        drop(snapshot);
        tokio::time::sleep_until(next.into()).await;
    }
}

struct Upkeep {
    jobs: HashMap<Job, Next>,
    /// Made when the first check is wanted: it reads the system's roots.
    checker: Option<Arc<Checker>>,
    places: Arc<Semaphore>,
}

/// Something that is done again and again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Job {
    Resolve(Arc<str>),
    Check(Arc<str>, Address, Arc<str>),
}

#[derive(Clone, Debug)]
struct Next {
    due: Instant,
    busy: Arc<AtomicBool>,
}

impl Upkeep {
    fn look_after(&mut self, upstream: &Arc<Upstream>, now: Instant, wanted: &mut HashMap<Job, Next>) {
        if let Some(every) = upstream.settings.resolve.filter(|_| names::has_names(upstream)) {
            let every = if names::is_whole(upstream) { every } else { every.min(SOON) };
            let job = Job::Resolve(Arc::clone(&upstream.name));
            let begin = |busy| drop(tokio::spawn(resolve(Arc::clone(upstream), busy)));
            // The configuration has just resolved them.
            self.take_up(job, every, now + every, now, wanted, begin);
        }
        let Some(check) = &upstream.settings.health else { return };
        let checker = Arc::clone(self.checker.get_or_insert_with(|| Arc::new(Checker::new())));
        for server in &upstream.live().servers {
            let job = Job::Check(Arc::clone(&upstream.name), server.address.clone(), Arc::clone(&server.host));
            let one = One {
                checker: Arc::clone(&checker),
                places: Arc::clone(&self.places),
                upstream: Arc::clone(upstream),
                server: Arc::clone(server),
            };
            self.take_up(job, check.interval, now, now, wanted, |busy| drop(tokio::spawn(one.run(busy))));
        }
    }

    /// Begins the job if it is due and not under way, and notes when it is due next. `first` is when a new one is.
    fn take_up(
        &self,
        job: Job,
        every: Duration,
        first: Instant,
        now: Instant,
        wanted: &mut HashMap<Job, Next>,
        begin: impl FnOnce(Arc<AtomicBool>),
    ) {
        let known = self.jobs.get(&job).cloned();
        let mut next = known.unwrap_or_else(|| Next { due: first, busy: Arc::default() });
        next.due = next.due.min(now + every); // the interval may have become shorter
        if next.due <= now {
            next.due = now + every;
            if !next.busy.swap(true, Ordering::Relaxed) {
                begin(Arc::clone(&next.busy));
            }
        }
        wanted.insert(job, next);
    }
}

async fn resolve(upstream: Arc<Upstream>, busy: Arc<AtomicBool>) {
    let addresses = names::resolve(&upstream).await;
    if upstream.learn(&addresses) {
        tracing::info!(
            upstream = &*upstream.name,
            servers = upstream.live().servers.len(),
            "names resolve to others now"
        );
    }
    busy.store(false, Ordering::Relaxed);
}

/// One check of one server.
struct One {
    checker: Arc<Checker>,
    places: Arc<Semaphore>,
    upstream: Arc<Upstream>,
    server: Arc<Server>,
}

impl One {
    async fn run(self, busy: Arc<AtomicBool>) {
        let (upstream, server) = (&self.upstream, &self.server);
        if let (Ok(_place), Some(rule)) = (self.places.acquire().await, &upstream.settings.health) {
            let found = self.checker.check(upstream, server, rule).await;
            if let Some(health) = server.condition.checked(found.is_ok(), rule) {
                let problem = found.err().unwrap_or_default();
                let (name, health) = (&*upstream.name, health.as_str());
                tracing::warn!(upstream = name, server = %server.address, health, problem, "checks have found a change");
            }
        }
        busy.store(false, Ordering::Relaxed);
    }
}
