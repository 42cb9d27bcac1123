//! The web ACLs that the feed brings, compiled: off the path of requests, and each once, however many pools it stands before.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use common::feed::FeedState;
use common::ids::PoolId;
use common::waf::Bundle;
use ring::digest::{Context, SHA256};

use crate::gates;
use crate::gates::acl::Terms;
use crate::geo::Databases;
use crate::observe::Metrics;
#[cfg(test)]
use crate::samples::Room;
use crate::snapshot::Snapshot;
use crate::snapshot::acl::{PoolAcl, PoolRule};
use crate::snapshot::picture::Picture;

/// Writes web ACLs of pools into the picture. The feed and reloads take turns.
pub struct PoolAcls {
    picture: Arc<Picture>,
    metrics: Arc<Metrics>,
    making: Mutex<Making>,
}

#[cfg(test)]
impl PoolAcls {
    /// Under terms that ask nothing.
    pub fn fixture(picture: &Arc<Picture>) -> Arc<Self> {
        let locate = Arc::new(crate::waf::Nowhere);
        let terms = Terms { usual: (0, 0), locate, logs: false, room: Room::default() };
        Arc::new(Self::new(Arc::clone(picture), Arc::default(), terms))
    }
}

struct Making {
    terms: Terms,
    /// What is in use, by the digest of what it was made of.
    made: HashMap<[u8; 32], Weak<PoolRule>>,
}

impl PoolAcls {
    pub fn new(picture: Arc<Picture>, metrics: Arc<Metrics>, terms: Terms) -> Self {
        Self { picture, metrics, making: Mutex::new(Making { terms, made: HashMap::new() }) }
    }

    /// Takes what the feed has for a pool into force; the last good one where it can't be used.
    pub fn take(&self, pool: &PoolId, state: &FeedState) {
        let mut making = self.making();
        let made = match state.web_acl(pool) {
            Ok(None) => Ok(None),
            Ok(Some(bundle)) => making.make(&bundle, &self.metrics, &self.picture.load().routes.databases).map(Some),
            Err(problem) => Err(problem.to_string()),
        };
        let acl = made.map(|made| made.map(PoolAcl::Of)).unwrap_or_else(|problem| {
            tracing::error!(%pool, problem, "the pool's web ACL is refused; the last good one stays");
            Some(self.picture.load().tenants.web_acl(pool).cloned().unwrap_or(PoolAcl::Unreadable))
        });
        // Most pools have none, and have had none.
        if acl.is_some() || self.picture.load().tenants.web_acl(pool).is_some() {
            self.picture.tenants(|tenants| tenants.set_web_acl(pool, acl));
            self.clear_up(&mut making);
        }
    }

    /// The pool is nobody's that this edge serves any more.
    pub fn forget(&self, pool: &PoolId) {
        let mut making = self.making();
        self.picture.tenants(|tenants| tenants.forget(pool));
        self.clear_up(&mut making);
    }

    /// Makes all of them anew under these terms.
    pub fn under(&self, terms: Terms) {
        let mut anew = Anew { terms: &terms, metrics: &self.metrics, of: HashMap::new() };
        // Most of the work is done while the feed goes on.
        in_use(&self.picture.load()).for_each(|(_, old)| drop(anew.of(old)));
        let mut making = self.making();
        let snapshot = self.picture.load();
        self.picture.tenants(|tenants| {
            for (pool, old) in in_use(&snapshot) {
                tenants.set_web_acl(pool, Some(PoolAcl::Of(anew.of(old))));
            }
        });
        let anew = anew.of;
        for made in making.made.values_mut() {
            if let Some((_, new)) = anew.get(&made.as_ptr()) {
                *made = Arc::downgrade(new);
            }
        }
        making.terms = terms;
        self.clear_up(&mut making);
    }

    /// Forgets what no pool has any more, and its counters.
    fn clear_up(&self, making: &mut Making) {
        let snapshot = self.picture.load();
        let names: HashSet<&str> = in_use(&snapshot).map(|(_, of)| &*of.rule.name).collect();
        self.metrics.keep_acls_of_pools(&names);
        making.made.retain(|_, made| made.strong_count() > 0);
    }

    fn making(&self) -> MutexGuard<'_, Making> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Making {
    fn make(&mut self, bundle: &Bundle, metrics: &Metrics, databases: &Databases) -> Result<Arc<PoolRule>, String> {
        let digest = digest(bundle);
        if let Some(made) = self.made.get(&digest).and_then(Weak::upgrade) {
            return Ok(made);
        }
        let opened = bundle.open().map_err(|problem| problem.to_string())?;
        let rule = self.terms.of_pools(&opened, |name, acl| metrics.acl_meter(name, acl));
        let rule = rule.map_err(|problem| problem.to_string())?;
        for warning in gates::acl::config::about_nobody(&rule.name, &rule.acl, databases) {
            tracing::warn!("{warning}");
        }
        let made = Arc::new(PoolRule { rule, opened: Arc::new(opened) });
        self.made.insert(digest, Arc::downgrade(&made));
        Ok(made)
    }
}

/// What is made anew, by what it takes the place of.
struct Anew<'a> {
    terms: &'a Terms,
    metrics: &'a Metrics,
    /// It holds the old ones too, so that their addresses stay theirs.
    of: HashMap<*const PoolRule, (Arc<PoolRule>, Arc<PoolRule>)>,
}

impl Anew<'_> {
    fn of(&mut self, old: &Arc<PoolRule>) -> Arc<PoolRule> {
        let make = || {
            let rule = self.terms.of_pools(&old.opened, |name, acl| self.metrics.acl_meter(name, acl));
            let make = |rule| Arc::new(PoolRule { rule, opened: Arc::clone(&old.opened) });
            let new = rule.map_or_else(|_| Arc::clone(old), make); // the same rules have been compiled before
            (Arc::clone(old), new)
        };
        Arc::clone(&self.of.entry(Arc::as_ptr(old)).or_insert_with(make).1)
    }
}

fn in_use(snapshot: &Snapshot) -> impl Iterator<Item = (&PoolId, &Arc<PoolRule>)> {
    snapshot.tenants.web_acls().filter_map(|(pool, acl)| match acl {
        PoolAcl::Of(of) => Some((pool, of)),
        PoolAcl::Unreadable => None,
    })
}

/// Of all texts, whatever the order of parts.
fn digest(bundle: &Bundle) -> [u8; 32] {
    let mut parts: Vec<&str> = bundle.parts.iter().map(String::as_str).collect();
    parts.sort_unstable();
    let mut hash = Context::new(&SHA256);
    for text in std::iter::once(bundle.web_acl.as_str()).chain(parts) {
        hash.update(&(text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}
