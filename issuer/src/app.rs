//! Assembly of the issuer: opens what it needs, in order, and drains.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::clock::{Clock, SystemClock};
use common::secret::SecretString;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::access::{self, Gate, NewKey, Recovery};
use crate::audit::Recorder;
use crate::backup::{self, Kept, Progress, Report};
use crate::config::{Config, Engine};
use crate::devmode::{self, Dev, DevMode};
use crate::envelope::{PoolKey, PoolKeyError, PoolKeys, RootKey};
use crate::keys::{self, KeyRing};
use crate::limits::{Lockout, budget, lockout};
use crate::messages::{self, Courier, Senders};
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::outbox::Wake;
use crate::passwords::{Compromised, Passwords, PoolSettings};
use crate::publish::{self, DeploymentSealing, PublishConfig, Sealing};
use crate::sampled::Sampled;
use crate::services::Services;
use crate::store::{Batch, OpenError, PostgresConfig, Store, StoreConfig};
use crate::{
    admin, codes, config, domains, events, factors, migrations, oauth, purge, reports, router, serve, sessions, signin,
    signing, vouching,
};

const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// How long edges may take to learn that they should go elsewhere.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);

/// Why the issuer did not start: one line for whoever starts it.
#[derive(Debug, thiserror::Error)]
#[error("{line}")]
pub struct StartError {
    line: String,
    /// Whether the settings must change first (exit code 64).
    pub configuration: bool,
}

impl StartError {
    fn configuration(error: impl std::fmt::Display) -> Self {
        Self { line: error.to_string(), configuration: true }
    }

    /// Another root key than the database's is a mistake in the settings; storage that fails is not.
    fn of_root_key(error: PoolKeyError) -> Self {
        match error {
            PoolKeyError::WrongRoot { .. } => Self::configuration(error),
            other => Self::failure(other),
        }
    }

    /// The same for the feed: a taken port, or an authority that another root key sealed.
    fn of_feed(error: publish::StartError) -> Self {
        match error {
            publish::StartError::Listen(_) | publish::StartError::Sealed => Self::configuration(error),
            other => Self::failure(other),
        }
    }

    /// The machine did not give what the issuer needs.
    pub fn failure(error: impl std::fmt::Display) -> Self {
        Self { line: error.to_string(), configuration: false }
    }
}

/// A started issuer.
pub struct Running {
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    publishing: publish::Running,
    writers: Vec<JoinHandle<()>>,
    /// Ends the writers, after the servers.
    finish: watch::Sender<bool>,
}

impl Running {
    /// Stops accepting, lets requests in flight end, and writes what is queued.
    pub async fn drain(self) {
        self.stop.send_replace(true);
        for server in self.servers {
            let _ended = server.await;
        }
        self.publishing.drain(GOODBYE_LIMIT).await;
        self.finish.send_replace(true);
        for writer in self.writers {
            let _ended = writer.await;
        }
    }
}

/// Starts the issuer on the current tokio runtime.
pub async fn start(config: Config) -> Result<Running, StartError> {
    keys::check_cpu().map_err(StartError::failure)?;
    common::jose::provider::install();
    let public = serve::bind(config.listen.http, "listen.http").await.map_err(StartError::configuration)?;
    let private = serve::bind(config.listen.admin, "listen.admin").await.map_err(StartError::configuration)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let bound_at = clock.now();
    let opened = Opened::open(&config).await?;
    let dev = config.dev_mode.as_ref().map(|settings| developer_mode(settings, &opened)).transpose()?;
    let (stop, stopping) = watch::channel(false);
    let (finish, finishing) = watch::channel(false);

    let (audit, recorder) = Recorder::start(opened.store.clone(), finishing.clone());
    let metrics = Arc::new(Metrics::default());
    let parts = messages::Parts {
        store: opened.store.clone(),
        pool_keys: opened.pool_keys.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        senders: Senders::open(&config.messages).map_err(StartError::configuration)?,
    };
    let (courier, delivery) = Courier::start(parts, finishing.clone());
    let feed = Wake::default();
    let publishing = publish::start(
        opened.store.clone(),
        clock.clone(),
        PublishConfig { listen: config.listen.feed, advertise: config.feed_address.clone() },
        opened.authority_sealing.clone(),
        feed.clone(),
    )
    .await
    .map_err(StartError::of_feed)?;
    let services = Arc::new(Services {
        keys: KeyRing::new(opened.store.clone(), opened.pool_keys.clone()),
        passwords: Passwords::start(pool_settings(&config)).map_err(StartError::failure)?,
        compromised: compromised(&config)?,
        lockout: Lockout::new(opened.store.clone(), clock.clone()),
        outbound: outbound(&config, clock.clone())?,
        store: opened.store,
        clock: clock.clone(),
        deployment: config.issuer.clone(),
        deployment_key: opened.deployment_key,
        pool_keys: opened.pool_keys,
        audit,
        metrics,
        courier,
        sampled: Sampled::default(),
        feed,
    });

    domains::published::reconcile(&services).await.map_err(|fault| StartError::failure(fault.message))?;
    let (samples, reported) = reports::samples();
    publishing.handle().report_to(samples);
    let reports = tokio::spawn(reports::run(services.clone(), reported, finishing.clone()));
    let gate = Arc::new(Gate::default());
    let rotation = tokio::spawn(signing::run(services.clone(), config.keys, finishing.clone()));
    let watch = tokio::spawn(signing::watch(services.clone(), finishing.clone()));
    let grace = tokio::spawn(sessions::grace::keep_closed(services.clone(), finishing.clone()));
    let prune = tokio::spawn(prune(services.clone(), finishing.clone()));
    let notices = tokio::spawn(oauth::back_channel::run(services.clone(), finishing.clone()));
    let purge = tokio::spawn(purge::run(services.clone(), finishing));
    let verifier = vouching::Verifier::new(publishing.handle(), bound_at)
        .ok_or_else(|| StartError::failure("the feed's authority has no readable key"))?;
    let terms = router::Terms { quotas: &config.quotas, traffic: config.public, verifier, dev: dev.clone() };
    let mut routes = router::public(services.clone(), gate.clone(), terms);
    if let Some(mode) = dev {
        routes = devmode::routes(Dev { mode, services: services.clone(), edges: publishing.handle() }, routes);
    }
    let servers = vec![
        tokio::spawn(serve::serve(public, routes, stopping.clone())),
        tokio::spawn(serve::serve(
            private,
            admin::routes(services.clone(), gate, publishing.handle(), config.ready_edges),
            stopping,
        )),
    ];
    let writers = vec![recorder, grace, prune, purge, rotation, watch, delivery, reports, notices];
    Ok(Running { stop, servers, publishing, writers, finish })
}

/// Makes the key that makes the first admin key, while no issuer runs (`tollgate up`, `tollgate admin first-key`).
pub async fn first_key(config: &Config, recovery: Recovery) -> Result<NewKey, StartError> {
    let opened = Opened::open_alone(config).await?;
    let made = access::create_first(&opened.store, &opened.deployment_key, recovery, SystemClock.now()).await;
    made.map_err(StartError::failure)
}

/// Fills the empty database of the settings from a backup, while no issuer runs (`tollgate admin restore`).
pub async fn restore(
    config: &Config,
    file: &Path,
    kept: Kept,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, StartError> {
    keys::check_cpu().map_err(StartError::failure)?;
    let root = root_key(config)?;
    let into = store_config(config)?;
    let all = migrations::all();
    let ask = backup::Ask { file, into: &into, migrations: &all, now: SystemClock.now(), kept };
    backup::restore(ask, root, progress).await.map_err(StartError::failure)
}

/// The database and the keys that open what is sealed in it.
struct Opened {
    store: Store,
    pool_keys: Arc<PoolKeys>,
    deployment_key: PoolKey,
    authority_sealing: Arc<dyn Sealing>,
}

impl Opened {
    async fn open(config: &Config) -> Result<Self, StartError> {
        let store = Store::open(&store_config(config)?, &migrations::all()).await.map_err(cannot_open)?;
        Self::with(config, store).await
    }

    /// For an offline command: no issuer may have the database open.
    async fn open_alone(config: &Config) -> Result<Self, StartError> {
        let store = Store::open_alone(&store_config(config)?, &migrations::all()).await.map_err(cannot_open)?;
        Self::with(config, store).await
    }

    async fn with(config: &Config, store: Store) -> Result<Self, StartError> {
        let root = root_key(config)?;
        let deployment_key =
            root.deployment_key().ok_or_else(|| StartError::failure("the root key gives no deployment key"))?;
        let authority_key =
            root.deployment_key().ok_or_else(|| StartError::failure("the root key gives no deployment key"))?;
        let authority_sealing: Arc<dyn Sealing> = Arc::new(DeploymentSealing::new(authority_key));
        let pool_keys = Arc::new(PoolKeys::new(root, store.clone()));
        pool_keys.check_root().await.map_err(StartError::of_root_key)?;
        Ok(Self { store, pool_keys, deployment_key, authority_sealing })
    }
}

fn root_key(config: &Config) -> Result<RootKey, StartError> {
    RootKey::from_file(&config.root_key_file).map_err(StartError::configuration)
}

fn cannot_open(error: OpenError) -> StartError {
    StartError::failure(error)
}

fn store_config(config: &Config) -> Result<StoreConfig, StartError> {
    Ok(match &config.storage {
        Engine::Sqlite(path) => StoreConfig::sqlite(path),
        Engine::Postgres { url_file, ca_file } => {
            let url = std::fs::read_to_string(url_file)
                .map_err(|e| StartError::configuration(format!("{}: {e}", url_file.display())))?;
            let settings = PostgresConfig::new(SecretString::new(url.trim()));
            StoreConfig::Postgres(PostgresConfig { ca_file: ca_file.clone(), ..settings })
        }
    })
}

fn outbound(config: &Config, clock: Arc<dyn Clock>) -> Result<Outbound, StartError> {
    Outbound::new(&config.outbound, clock)
        .map_err(|problem| StartError::configuration(format!("outbound.ca_file: {problem}")))
}

fn compromised(config: &Config) -> Result<Compromised, StartError> {
    let Some(path) = &config.passwords.compromised_file else { return Ok(Compromised::default()) };
    Compromised::read(path).map_err(|problem| {
        StartError::configuration(format!("passwords.compromised_file: {}: {problem}", path.display()))
    })
}

/// From here on the process is one for test suites.
fn developer_mode(settings: &config::DevMode, opened: &Opened) -> Result<Arc<DevMode>, StartError> {
    let mode = DevMode::open(settings, opened.pool_keys.root(), &migrations::all());
    codes::fix();
    tracing::warn!("DEVELOPER MODE: every access key is taken, every code is {}, and /dev is there", codes::FIXED);
    Ok(Arc::new(mode.map_err(StartError::configuration)?))
}

fn pool_settings(config: &Config) -> PoolSettings {
    let threads = config.passwords.threads.unwrap_or(PoolSettings::default().threads);
    PoolSettings { threads, queue: config.passwords.queue }
}

/// Forgets what is over, now and then.
async fn prune(services: Arc<Services>, mut finish: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(PRUNE_EVERY) => {}
            _ = finish.wait_for(|finishing| *finishing) => return,
        }
        let now = services.now();
        let mut batch = Batch::new();
        batch.add(signin::rows::prune(now));
        batch.add(sessions::rows::prune(now));
        batch.add(sessions::browser::prune(now));
        batch.add(events::rows::prune(now));
        batch.add(codes::prune(now));
        batch.add(oauth::codes::prune(now));
        batch.add(oauth::par::prune(now));
        batch.add(oauth::devices::prune(now));
        batch.add(oauth::used::prune(now));
        batch.add(factors::passkeys::rows::prune(now));
        batch.extend(messages::rows::prune(now));
        batch.add(access::prune(now));
        batch.add(budget::prune(now));
        batch.add(lockout::rows::prune(now));
        if let Err(error) = services.store.commit(batch).await {
            tracing::warn!(%error, "what has expired stays for now");
        }
    }
}
