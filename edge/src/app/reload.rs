//! Reads the configuration again. It is taken whole or not at all; what takes a restart stays as it was at the start, and the answer names it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use common::clock::Clock;

use crate::admin::{Certificate, Configuration, Failure, History, Taken};
use crate::app::issuers::Issuers;
use crate::app::pools::acls::PoolAcls;
use crate::app::server;
use crate::challenge::Challenges;
use crate::config::{Config, FeedSettings, LogSettings, Places, TraceSettings, WafLogSettings, environment, load};
use crate::front::Reception;
use crate::gates::limits::config::Settings as LimitSettings;
use crate::observe::{AccessLog, Lines, LogFile, Metrics, open_log};
use crate::rates::{Limits, Quota};
use crate::sign_in::SignIns;
use crate::snapshot::picture::Picture;
use crate::snapshot::route::RouteTable;
use crate::tls::CertificateSummary;

/// Everything that a reload needs.
pub struct Reload {
    pub file: PathBuf,
    pub picture: Arc<Picture>,
    pub metrics: Arc<Metrics>,
    pub clock: Arc<dyn Clock>,
    pub log: AccessLog,
    pub waf_log: Lines,
    pub reception: Arc<ArcSwap<Reception>>,
    pub issuers: Arc<Issuers>,
    pub challenges: Arc<Challenges>,
    pub sign_ins: Arc<SignIns>,
    pub acls: Arc<PoolAcls>,
    pub limits: Arc<Limits>,
    pub at_start: AtStart,
    pub history: Mutex<History>,
    pub one_at_a_time: Mutex<()>,
}

/// The settings that only a restart changes.
pub struct AtStart {
    places: Places,
    feed: Option<FeedSettings>,
    trace: Option<TraceSettings>,
    verdict_bytes: usize,
    state_dir: Option<PathBuf>,
    replay_bytes: usize,
    limits: LimitSettings,
    solution_bytes: u64,
}

impl AtStart {
    pub fn of(config: &Config) -> Self {
        Self {
            places: config.listen.places.clone(),
            feed: config.feed.clone(),
            trace: config.trace.clone(),
            verdict_bytes: config.verdict_bytes,
            state_dir: config.state_dir.clone(),
            replay_bytes: config.replay_bytes,
            limits: config.limits.clone(),
            solution_bytes: config.challenge.memory,
        }
    }

    /// Settings of `config` that differ from these.
    fn changed(&self, config: &Config) -> Vec<&'static str> {
        let (old, new) = (&self.places, &config.listen.places);
        let feed = (self.feed.as_ref(), config.feed.as_ref());
        let differs = |of: fn(&FeedSettings) -> &str| feed.0.map(of) != feed.1.map(of);
        [
            ("listen.http", old.http != new.http),
            ("listen.https", old.https != new.https),
            ("listen.admin", old.admin != new.admin),
            ("listen.admin_token_file", old.admin_token != new.admin_token),
            ("listen.threads", old.threads != new.threads),
            ("listen.drain_timeout", old.drain != new.drain),
            ("listen.realm", old.realm != new.realm),
            ("listen.upgrade_sock", old.upgrade != new.upgrade),
            ("feed.issuer", differs(|feed| &feed.issuer)),
            ("feed.state_dir", feed.0.map(|feed| &feed.state_dir) != feed.1.map(|feed| &feed.state_dir)),
            (
                "feed.join_token_file",
                feed.0.map(|feed| &feed.join_token_file) != feed.1.map(|feed| &feed.join_token_file),
            ),
            ("trace", self.trace != config.trace),
            ("cache.verdicts", self.verdict_bytes != config.verdict_bytes),
            ("cache.state_dir", self.state_dir != config.state_dir),
            ("dpop.replay_memory", self.replay_bytes != config.replay_bytes),
            ("limits.memory", self.limits.memory != config.limits.memory),
            ("limits.shared_with", self.limits.scope != config.limits.scope),
            ("challenge.solution_memory", self.solution_bytes != config.challenge.memory),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

impl Reload {
    /// The configuration that the edge starts with.
    pub fn begins_with(&self, config: &Config) {
        let mut history = self.history();
        history.loaded_at = self.clock.now();
        history.certificates = certificates(config);
    }

    /// Takes the file into use, or says why the old configuration goes on.
    pub fn run(&self) -> Result<Taken, String> {
        let _alone = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = self.take();
        self.metrics.reloaded(taken.is_ok());
        let now = self.clock.now();
        let mut history = self.history();
        match &taken {
            Ok(taken) => {
                self.metrics.configured(taken.generation, now);
                history.loaded_at = now;
                history.failure = None;
                history.restart.clone_from(&taken.restart);
            }
            Err(error) => history.failure = Some(Failure { at: now, error: error.clone() }),
        }
        // Also after a failure: what was read of the refused file has made counters.
        self.metrics.keep(&self.picture.load().routes);
        taken
    }

    fn take(&self) -> Result<Taken, String> {
        let config = load(&self.file, &environment(), &self.metrics).map_err(|error| error.to_string())?;
        let log = opened(&config.log).map_err(|error| format!("{}: log.file: {error}", self.file.display()))?;
        let waf_log = opened_waf_log(config.waf_log.as_ref());
        let waf_log = waf_log.map_err(|error| format!("{}: waf_log.file: {error}", self.file.display()))?;
        let restart = self.at_start.changed(&config);
        if !restart.is_empty() {
            tracing::warn!(settings = restart.join(", "), "these settings take a restart");
        }
        let unusable = |error| format!("{}: the key of challenges: {error}", self.file.display());
        self.challenges.configure(config.challenge.clone()).map_err(unusable)?;
        let sign_ins = config.routes.sign_ins.iter().map(|at| &at.sign_in);
        let unusable = |error| format!("{}: the keys of sign-in {error}", self.file.display());
        self.sign_ins.configure(sign_ins).map_err(unusable)?;
        self.acls.under(config.acl_terms.clone());
        self.log.change(config.log.rules, log);
        self.waf_log.change(waf_log);
        self.reception.store(Arc::new(server::reception(&config)));
        self.history().certificates = certificates(&config);
        warn(&config.routes.warnings);
        self.limits.share(shared_quotas(&config.routes));
        let generation = self.picture.configure(config.routes, config.issuers);
        self.issuers.follow();
        Ok(Taken { generation, restart })
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says what should be looked at in a configuration that is taken into use.
pub fn warn(warnings: &[String]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// Of all limits that count together with those of other edges.
pub fn shared_quotas(table: &RouteTable) -> impl Iterator<Item = Quota> {
    let limits = table.routes.iter().flat_map(|route| &route.limits).flat_map(|of_route| &of_route.limits);
    limits.filter(|limit| limit.shared).map(|limit| limit.quota)
}

/// The certificates that a configuration shows to clients.
pub fn certificates(config: &Config) -> Vec<Certificate> {
    let of = |summary: &CertificateSummary| Certificate { names: summary.names.clone(), expires: summary.expires };
    config.listen.tls.iter().flat_map(|tls| &tls.certificates).map(of).collect()
}

/// The access log's file, made if it is not there; none: standard error.
pub fn opened(settings: &LogSettings) -> Result<Option<LogFile>, String> {
    let open = |path: &PathBuf| open_log(path).map_err(|error| format!("{}: {error}", path.display()));
    settings.file.as_ref().map(open).transpose()
}

/// The file of AWS WAF's log; none: there is no such log.
pub fn opened_waf_log(settings: Option<&WafLogSettings>) -> Result<Option<LogFile>, String> {
    let open = |settings: &WafLogSettings| LogFile::open(&settings.file, Some(settings.most));
    settings.map(|settings| open(settings).map_err(|error| format!("{}: {error}", settings.file.display()))).transpose()
}

impl Configuration for Reload {
    fn reload(&self) -> Result<Taken, String> {
        self.run()
    }

    fn check(&self) -> Result<Vec<&'static str>, String> {
        // Counters of its own: a file that is only looked at makes no series.
        let config = load(&self.file, &environment(), &Metrics::default()).map_err(|error| error.to_string())?;
        Ok(self.at_start.changed(&config))
    }

    fn history(&self) -> History {
        Reload::history(self).clone()
    }
}
