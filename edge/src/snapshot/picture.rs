//! The one writer of the snapshot. Readers never wait for it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use common::clock::UnixMillis;
use common::verify::{Policy, Profile};

use crate::snapshot::Snapshot;
use crate::snapshot::deaths::{Death, Deaths};
use crate::snapshot::introspection::{Introspection, IntrospectionSettings};
use crate::snapshot::issuer::{self, Issuer, News, Trust};
use crate::snapshot::route::RouteTable;
use crate::snapshot::source::FetchedKeys;
use crate::snapshot::tenants::Tenants;
use crate::snapshot::verdicts::{Tally, Verdicts};

/// The current snapshot and its writers' lock.
#[derive(Debug)]
pub struct Picture {
    current: ArcSwap<Snapshot>,
    writer: Mutex<()>,
    verdict_bytes: usize,
}

/// All that is known of one pool, as a snapshot of the feed tells it.
#[derive(Debug)]
pub struct PoolState {
    /// None: the pool is switched off or unknown to the issuer; its tokens are refused.
    pub trust: Option<Trust>,
    pub deaths: Deaths,
    pub disabled_clients: HashSet<String>,
    /// The issuer's clock at that moment; `None` leaves the last heartbeat in place.
    pub as_of: Option<UnixMillis>,
}

impl Picture {
    /// An empty picture; `verdict_bytes` bounds the verdicts kept for each issuer.
    pub fn new(verdict_bytes: usize) -> Self {
        Self { current: ArcSwap::default(), writer: Mutex::new(()), verdict_bytes }
    }

    /// The picture as it is now.
    pub fn load(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Takes a validated configuration into use. What is known of issuers that it keeps stays known. Answers the generation.
    pub fn configure(&self, routes: RouteTable, issuers: Vec<ConfiguredIssuer>) -> u64 {
        let _writing = self.write();
        let old = self.load();
        routes.adopt(&old.routes);
        let named: HashSet<String> = issuers.iter().map(|issuer| issuer.name.clone()).collect();
        let mut issuers: Vec<_> = issuers.into_iter().map(|issuer| self.carry_over(&old, &routes, issuer)).collect();
        // Pools that the feed has brought and no route names yet: a later configuration may name them.
        issuers
            .extend(old.issuers.iter().filter(|known| known.news.is_some() && !named.contains(&*known.name)).cloned());
        let generation = old.generation + 1;
        let routes = Arc::new(routes);
        self.current.store(Arc::new(Snapshot { generation, routes, issuers, tenants: Arc::clone(&old.tenants) }));
        generation
    }

    /// Replaces all that is known of a pool, which no route needs to name yet.
    pub fn replace(&self, issuer: &str, state: PoolState) {
        self.ensure(issuer);
        self.change(issuer, |old, routes| Issuer {
            name: Arc::clone(&old.name),
            policies: policies(state.trust.as_ref(), None, routes),
            trust: state.trust,
            keys: old.keys.clone(),
            introspection: None,
            deaths: state.deaths,
            disabled_clients: Arc::new(state.disabled_clients),
            news: Some(news_after(old, state.as_of)),
            verdicts: self.no_verdicts(old.verdicts.tally()),
        });
    }

    /// Replaces an issuer's keys and `iss`; `None` switches it off. Its revocations stay.
    pub fn trust(&self, issuer: &str, trust: Option<Trust>) {
        self.change(issuer, |old, routes| Issuer {
            policies: policies(trust.as_ref(), None, routes),
            trust,
            verdicts: self.no_verdicts(old.verdicts.tally()),
            ..copy(old)
        });
    }

    /// Takes fetched keys into use, unless `keys` is no longer how this issuer is configured: a fetch may end after a reload.
    pub fn fetched(&self, issuer: &str, keys: &Arc<FetchedKeys>, trust: Trust) {
        self.change(issuer, |old, routes| match &old.keys {
            Some(current) if Arc::ptr_eq(current, keys) => Issuer {
                policies: policies(Some(&trust), None, routes),
                trust: Some(trust),
                verdicts: self.no_verdicts(old.verdicts.tally()),
                ..copy(old)
            },
            _ => copy(old),
        });
    }

    /// Replaces the list of app clients that are switched off.
    pub fn disabled_clients(&self, issuer: &str, clients: HashSet<String>) {
        self.change(issuer, |old, _| Issuer { disabled_clients: Arc::new(clients), ..copy(old) });
    }

    /// Changes what is known of pools for requests to the issuer.
    pub fn tenants(&self, change: impl FnOnce(&mut Tenants)) {
        let _writing = self.write();
        let old = self.load();
        let mut tenants = Tenants::clone(&old.tenants);
        change(&mut tenants);
        let (routes, issuers) = (Arc::clone(&old.routes), old.issuers.clone());
        let tenants = Arc::new(tenants);
        self.current.store(Arc::new(Snapshot { generation: old.generation, routes, issuers, tenants }));
    }

    /// Adds revocations; they count from the moment that this returns.
    pub fn revoke(&self, issuer: &str, deaths: &[Death]) {
        self.deaths(issuer, |known| known.with(deaths));
    }

    /// Replaces what is known to be dead by what `change` makes of it; that counts from the moment that this returns.
    pub fn deaths(&self, issuer: &str, change: impl FnOnce(&Deaths) -> Deaths) {
        self.change(issuer, |old, _| Issuer { deaths: change(&old.deaths), ..copy(old) });
    }

    /// All up to `at`, by the issuer's clock, has been told.
    pub fn heartbeat(&self, issuer: &str, at: UnixMillis) {
        if let Some(news) = self.find(issuer).and_then(|issuer| issuer.news.clone()) {
            news.heard(at);
        }
    }

    fn ensure(&self, issuer: &str) {
        let _writing = self.write();
        let old = self.load();
        if old.issuers.iter().any(|known| &*known.name == issuer) {
            return;
        }
        let mut issuers = old.issuers.clone();
        issuers.push(self.carry_over(&old, &old.routes, ConfiguredIssuer::awaited(issuer)));
        let (routes, tenants) = (Arc::clone(&old.routes), Arc::clone(&old.tenants));
        self.current.store(Arc::new(Snapshot { generation: old.generation, routes, issuers, tenants }));
    }

    /// What is trusted of an issuer now.
    pub fn trusted(&self, issuer: &str) -> Option<Trust> {
        self.find(issuer)?.trust.clone()
    }

    fn find(&self, issuer: &str) -> Option<Arc<Issuer>> {
        self.load().issuers.iter().find(|known| &*known.name == issuer).cloned()
    }

    fn change(&self, issuer: &str, change: impl FnOnce(&Issuer, &RouteTable) -> Issuer) {
        let _writing = self.write();
        let old = self.load();
        let Some(position) = old.issuers.iter().position(|known| &*known.name == issuer) else { return };
        let mut issuers = old.issuers.clone();
        let Some(slot) = issuers.get_mut(position) else { return };
        *slot = Arc::new(change(slot, &old.routes));
        let (routes, tenants) = (Arc::clone(&old.routes), Arc::clone(&old.tenants));
        self.current.store(Arc::new(Snapshot { generation: old.generation, routes, issuers, tenants }));
    }

    fn carry_over(&self, old: &Snapshot, routes: &RouteTable, configured: ConfiguredIssuer) -> Arc<Issuer> {
        let known = old.issuers.iter().find(|known| *known.name == *configured.name);
        let known_keys = known.and_then(|known| known.keys.clone());
        let (keys, is_same_source) = match (configured.keys, known_keys) {
            (Some(new), Some(old)) if old.source == new.source => (Some(old), true),
            (Some(new), _) => (Some(Arc::new(new)), false),
            (None, old) => (None, old.is_none()),
        };
        let (trust, deaths, disabled_clients, news) = match known {
            None => (configured.trust, Deaths::default(), Arc::default(), None),
            Some(known) => (
                configured.trust.or_else(|| known.trust.clone().filter(|_| is_same_source)),
                known.deaths.clone(),
                Arc::clone(&known.disabled_clients),
                known.news.clone(),
            ),
        };
        let introspection = configured.introspection.map(|settings| Arc::new(Introspection::new(settings)));
        Arc::new(Issuer {
            name: configured.name.into(),
            policies: policies(trust.as_ref(), introspection.as_deref(), routes),
            trust,
            keys,
            introspection,
            deaths,
            disabled_clients,
            news,
            verdicts: self.no_verdicts(known.map(|known| known.verdicts.tally()).unwrap_or_default()),
        })
    }

    fn no_verdicts(&self, before: Tally) -> Arc<Verdicts> {
        Arc::new(Verdicts::bounded(self.verdict_bytes, before))
    }

    fn write(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An issuer as a configuration names it.
#[derive(Debug)]
pub struct ConfiguredIssuer {
    pub name: String,
    /// Trust that the configuration itself gives (a JWKS file); `None` for what arrives later.
    pub trust: Option<Trust>,
    /// Of an issuer whose keys are fetched, or read again.
    pub keys: Option<FetchedKeys>,
    /// Of an issuer that is asked about its tokens.
    pub introspection: Option<Arc<IntrospectionSettings>>,
}

impl ConfiguredIssuer {
    /// A pool that the feed brings.
    pub fn awaited(name: impl Into<String>) -> Self {
        Self { name: name.into(), trust: None, keys: None, introspection: None }
    }

    /// How its tokens are read; `None` for a pool, whose feed says so.
    pub fn profile(&self) -> Option<Profile> {
        let fetched = self.keys.as_ref().map(|keys| keys.source.reading.profile);
        fetched.or_else(|| self.introspection.as_ref().map(|_| Profile::Introspected))
    }
}

/// The same clock goes on: a snapshot is never older than what it replaces.
fn news_after(old: &Issuer, as_of: Option<UnixMillis>) -> Arc<News> {
    let news = old.news.clone().unwrap_or_default();
    if let Some(at) = as_of {
        news.heard(at);
    }
    news
}

fn policies(
    trust: Option<&Trust>,
    introspection: Option<&Introspection>,
    routes: &RouteTable,
) -> Arc<[Option<Policy>]> {
    match (trust, introspection) {
        (Some(trust), _) => issuer::policies(trust.profile, trust.iss(), trust.leeway, routes),
        (None, Some(asked)) => {
            let terms = &asked.settings.terms;
            issuer::policies(Profile::Introspected, &terms.iss, terms.leeway, routes)
        }
        (None, None) => Arc::default(),
    }
}

fn copy(issuer: &Issuer) -> Issuer {
    Issuer {
        name: Arc::clone(&issuer.name),
        trust: issuer.trust.clone(),
        keys: issuer.keys.clone(),
        introspection: issuer.introspection.clone(),
        policies: Arc::clone(&issuer.policies),
        deaths: issuer.deaths.clone(),
        disabled_clients: Arc::clone(&issuer.disabled_clients),
        news: issuer.news.clone(),
        verdicts: Arc::clone(&issuer.verdicts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::deaths::{Fingerprint, Kind};

    const POOL: &str = "pool:us-east-1_A";

    fn picture() -> Picture {
        let picture = Picture::new(1 << 20);
        picture.configure(RouteTable::default(), vec![ConfiguredIssuer::awaited(POOL)]);
        picture
    }

    fn death(subject: &str) -> Death {
        Death::for_good(Kind::Token, Fingerprint::of(subject))
    }

    fn is_dead(picture: &Picture, subject: &str) -> bool {
        let pool = picture.find(POOL).unwrap();
        pool.deaths.kills(Kind::Token, Fingerprint::of(subject), UnixMillis(1))
    }

    #[test]
    fn a_revocation_counts_at_once_and_survives_reloading() {
        let picture = picture();
        picture.revoke(POOL, &[death("a")]);
        assert!(is_dead(&picture, "a"));
        let generation = picture.configure(RouteTable::default(), vec![ConfiguredIssuer::awaited(POOL)]);
        assert_eq!(generation, 2);
        assert!(is_dead(&picture, "a"));
        assert!(!is_dead(&picture, "b"));
    }

    #[test]
    fn a_pool_that_came_before_a_route_named_it_is_known() {
        let picture = Picture::new(1 << 20);
        let deaths = Deaths::default().with(&[death("a")]);
        let (disabled_clients, as_of) = (HashSet::new(), Some(UnixMillis(7)));
        let state = PoolState { trust: None, deaths, disabled_clients, as_of };
        picture.replace(POOL, state);
        let named = |name: &str| vec![ConfiguredIssuer::awaited(name)];
        picture.configure(RouteTable::default(), named("corp"));
        picture.configure(RouteTable::default(), named(POOL));
        assert_eq!(&*picture.load().issuers[0].name, POOL);
        assert!(is_dead(&picture, "a"));
        assert!(picture.find(POOL).unwrap().news.is_some());
    }

    #[test]
    fn a_reader_keeps_the_picture_it_took() {
        let picture = picture();
        let before = picture.load();
        picture.revoke(POOL, &[death("a")]);
        assert!(before.issuers[0].deaths.is_empty());
    }

    #[test]
    fn news_grow_old_from_the_last_heartbeat() {
        let news = News::as_of(UnixMillis(1_000));
        news.heard(UnixMillis(900));
        assert_eq!(news.age(UnixMillis(1_500)).unwrap().as_millis(), 500);
        assert_eq!(News::default().age(UnixMillis(5)), None);
    }
}
