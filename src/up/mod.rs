//! `tollgate up`: everything on one machine for a newcomer.
//!
//! A supervisor: it writes settings into a folder, starts issuer, edge and sample API as children of its own binary, makes a
//! demo pool through the public API, and ends them when it ends.

mod admin_key;
mod children;
mod demo;
mod devmode;
mod files;
mod layout;
mod seed;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::admin_key::AdminKey;
use self::children::{Children, Event, Role};
use self::demo::{Demo, DemoError};
use self::devmode::DevMode;
use self::layout::{Folder, PortError, Ports, write_private};
use self::seed::Seed;
use crate::wire::Wire;

const START_LIMIT: Duration = Duration::from_secs(30);
const REGION: &str = "us-east-1";

/// What the command line says.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Folder for keys, database, outbox and logs.
    #[arg(long, value_name = "DIR", default_value = "tollgate-data")]
    data: PathBuf,
    /// First port: issuer N, feed N+1, issuer admin N+2, sample API N+3, edge N+100, edge admin N+102, edge TLS N+143.
    #[arg(long, value_name = "N", default_value_t = 8700)]
    port_base: u16,
    /// Your own API instead of the sample: http://host:port
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Users and groups to create at the first start: a JSON file (README.md shows one).
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Deletes what an earlier `up` left in DIR first.
    #[arg(long)]
    reset: bool,
    /// For test suites, in the place of an emulator: every access key is taken, codes are 123456, POST /dev/reset. On this machine only.
    #[arg(long)]
    dev_mode: bool,
}

/// Why `up` did not start or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    #[error(transparent)]
    Port(#[from] PortError),
    #[error("--upstream {0}: http://host:port of an API, without a path")]
    Upstream(String),
    #[error("--data {}: {why}", path.display())]
    Data { path: PathBuf, why: String },
    #[error("--data {}: another `tollgate up` is using it", .0.display())]
    Locked(PathBuf),
    #[error("--seed {}: {why}", path.display())]
    Seed { path: PathBuf, why: String },
    #[error("--data {}: {why}", path.display())]
    Mode { path: PathBuf, why: &'static str },
    #[error("the issuer could not be prepared: {0}")]
    Issuer(String),
    #[error("the demo pool could not be made: {0}")]
    Demo(#[from] DemoError),
    #[error("{0} did not stay up: {1}")]
    Child(&'static str, String),
    #[error("not ready within {} s; see {}", START_LIMIT.as_secs(), .0.display())]
    NotReady(PathBuf),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl UpError {
    /// 64 when the command line or the machine must change first, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Port(_)
            | Self::Upstream(_)
            | Self::Data { .. }
            | Self::Locked(_)
            | Self::Seed { .. }
            | Self::Mode { .. } => common::settings::EXIT_CONFIG,
            _ => 1,
        }
    }
}

/// Runs until it is told to end (SIGINT, SIGTERM) or a child can't be kept up.
pub async fn run(options: Options) -> Result<(), UpError> {
    let ports = Ports::from_base(options.port_base)?;
    let seed = Seed::load(options.seed.as_deref())?;
    let upstream = upstream_address(options.upstream.as_deref(), ports)?;
    if options.reset {
        reset(&options.data)?;
    }
    let data = |why: io::Error| UpError::Data { path: options.data.clone(), why: why.to_string() };
    let folder = Folder::open(&options.data).map_err(data)?;
    let _lock = lock(&folder)?;
    ports.check_free()?;
    let dev = DevMode::settle(&folder, options.dev_mode)?;

    files::write_certificates(&folder)?;
    files::write_issuer(&folder, ports, seed.quotas(), dev.as_ref())?;
    let prepared = AdminKey::prepare(&folder).await?;

    let (events, mut inbox) = mpsc::channel(64);
    let mut children = Children::new(events);
    let outcome = async {
        children.keep(role(&folder, "issuer", &["--config", &folder.issuer_config().to_string_lossy()]));
        if options.upstream.is_none() {
            children.keep(role(&folder, "sample-api", &["--listen", &ports.sample_api().to_string()]));
        }
        let mut state = State { folder: &folder, ports, dev, key: None, demo: None, pids: BTreeMap::new() };
        let key = state.until(&mut inbox, prepared.settle(&folder, ports)).await??;
        let wire = key.wire();
        state.key = Some(key);
        let demo = state.until(&mut inbox, demo(&folder, ports, &wire, &seed)).await??;
        if let Some(dev) = &state.dev {
            dev.keep_first_start(&folder, ports, &wire).await?;
        }
        files::write_edge(&folder, ports, &demo.pool_id, &upstream)?;
        state.demo = Some(demo);
        children.keep(role(&folder, "edge", &["--config", &folder.edge_config().to_string_lossy()]));
        state.until(&mut inbox, ready(&folder, ports, &wire)).await??;
        state.write()?;
        state.welcome();
        state.watch(&mut inbox).await
    }
    .await;
    children.end().await;
    let _gone = std::fs::remove_file(folder.up_json());
    outcome
}

/// `host:port` of the API to protect.
fn upstream_address(given: Option<&str>, ports: Ports) -> Result<String, UpError> {
    let Some(url) = given else { return Ok(ports.sample_api().to_string()) };
    let wrong = || UpError::Upstream(url.to_owned());
    let uri: hyper::Uri = url.parse().map_err(|_| wrong())?;
    let plain = uri.scheme_str() == Some("http") && matches!(uri.path(), "" | "/") && uri.query().is_none();
    let host = uri.host().filter(|_| plain).ok_or_else(wrong)?;
    Ok(format!("{host}:{}", uri.port_u16().unwrap_or(80)))
}

fn reset(path: &std::path::Path) -> Result<(), UpError> {
    // Only a folder that an `up` made is deleted: it holds the lock file.
    if !path.join("up.lock").exists() {
        return Ok(());
    }
    let folder = Folder::open(path)?;
    let _lock = lock(&folder)?;
    std::fs::remove_dir_all(folder.root()).map_err(|e| UpError::Data { path: path.to_owned(), why: e.to_string() })
}

fn lock(folder: &Folder) -> Result<std::fs::File, UpError> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("up.lock"))?;
    file.try_lock().map_err(|_| UpError::Locked(folder.root().to_owned()))?;
    Ok(file)
}

fn role(folder: &Folder, name: &'static str, args: &[&str]) -> Role {
    let args = std::iter::once(name).chain(args.iter().copied()).chain(["--until-eof"]).map(str::to_owned).collect();
    Role { name, args, log: folder.join(&format!("{name}.log")) }
}

/// Waits for the issuer, then finds or makes the demo pool and enrols the edge.
async fn demo(folder: &Folder, ports: Ports, wire: &Wire, seed: &Seed) -> Result<Demo, UpError> {
    let alive = format!("http://{}/healthz", ports.issuer_admin());
    answers(folder, wire, &alive).await?;
    let mut demo = match Demo::load(folder) {
        Some(demo) => demo,
        None => Demo::create(folder, ports, wire, seed).await?,
    };
    demo.settle_domain(ports, wire).await?;
    demo.settle_clients(folder, ports, wire).await?;
    demo.enrol_edge(folder, ports, wire).await?;
    Ok(demo)
}

async fn ready(folder: &Folder, ports: Ports, wire: &Wire) -> Result<(), UpError> {
    answers(folder, wire, &format!("http://{}/readyz", ports.issuer_admin())).await
}

async fn answers(folder: &Folder, wire: &Wire, url: &str) -> Result<(), UpError> {
    let deadline = Instant::now() + START_LIMIT;
    while Instant::now() < deadline {
        if wire.status(url).await.is_ok_and(|status| status.is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    Err(UpError::NotReady(folder.root().to_owned()))
}

/// What `up.json` says, kept true while children come and go.
struct State<'a> {
    folder: &'a Folder,
    ports: Ports,
    dev: Option<DevMode>,
    key: Option<AdminKey>,
    demo: Option<Demo>,
    pids: BTreeMap<&'static str, u32>,
}

impl State<'_> {
    /// Runs `work`, but ends when a child is given up.
    async fn until<T>(
        &mut self,
        inbox: &mut mpsc::Receiver<Event>,
        work: impl Future<Output = T>,
    ) -> Result<T, UpError> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                Some(event) = inbox.recv() => self.note(event)?,
            }
        }
    }

    /// Goes on until a signal.
    async fn watch(&mut self, inbox: &mut mpsc::Receiver<Event>) -> Result<(), UpError> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        loop {
            tokio::select! {
                Some(event) = inbox.recv() => {
                    self.note(event)?;
                    self.write()?;
                }
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
            }
        }
    }

    fn note(&mut self, event: Event) -> Result<(), UpError> {
        match event {
            Event::Started { name, pid } => {
                self.pids.insert(name, pid);
            }
            Event::Died { name, status } => {
                self.pids.remove(name);
                eprintln!("{name} ended ({status}); starting it again");
            }
            Event::GivenUp { name, why } => return Err(UpError::Child(name, why)),
        }
        Ok(())
    }

    fn write(&self) -> Result<(), UpError> {
        let (Some(demo), Some(key)) = (&self.demo, &self.key) else { return Ok(()) };
        let (folder, ports) = (self.folder, self.ports);
        let mut pids = serde_json::Map::new();
        pids.insert("up".to_owned(), json!(std::process::id()));
        pids.extend(self.pids.iter().map(|(name, pid)| (name.replace('-', "_"), json!(pid))));
        let mut up = json!({
            "issuer": format!("http://{}", ports.issuer()),
            "edge": format!("http://{}", ports.edge()),
            "edge_tls": format!("https://localhost:{}", ports.edge_tls().port()),
            "issuer_via_edge": format!("http://{}", ports.edge()),
            "issuer_via_edge_tls": format!("https://localhost:{}", ports.edge_tls().port()),
            "ca": folder.join("ca.pem"),
            "metrics": format!("http://{}", ports.issuer_admin()),
            "region": REGION,
            "pool_id": demo.pool_id,
            "client_id": demo.client_id,
            "access_key_id": key.access_key_id,
            "secret_access_key": key.secret_access_key,
            "redirect_uri": ports.redirect_uri(),
            "domain": ports.domain(),
            "domain_tls": ports.domain_tls(),
            "demo_user": demo.user,
            "demo_password": demo.password,
            "protected_path": "/api/hello",
            "outbox": folder.outbox(),
            "pids": pids,
        });
        if let (Some(machine), Some(up)) = (&demo.machine, up.as_object_mut()) {
            up.insert("m2m_client_id".to_owned(), json!(machine.client_id));
            up.insert("m2m_client_secret".to_owned(), json!(machine.secret));
        }
        if let (Some(dev), Some(up)) = (&self.dev, up.as_object_mut()) {
            up.insert("dev_mode".to_owned(), json!(true));
            up.insert("dev_token".to_owned(), json!(dev.token));
        }
        write_private(&folder.up_json(), &serde_json::to_string_pretty(&up).map_err(io::Error::other)?)?;
        Ok(())
    }

    /// Tells a newcomer where to go.
    fn welcome(&self) {
        let Some(demo) = &self.demo else { return };
        let (issuer, edge) = (self.ports.issuer(), self.ports.edge());
        let sign_in = json!({
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": demo.client_id,
            "AuthParameters": { "USERNAME": demo.user, "PASSWORD": demo.password },
        });
        if self.dev.is_some() {
            println!("{}", devmode::BANNER);
        }
        println!("Tollgate is up.");
        println!(
            "  issuer (Cognito's API)  http://{issuer}    user pool {}, app client {}",
            demo.pool_id, demo.client_id
        );
        println!("  edge                    http://{edge}    and https://localhost:{}", self.ports.edge_tls().port());
        println!("  demo user               {} with password {}", demo.user, demo.password);
        println!("  everything else         {}", self.folder.up_json().display());
        println!("  messages (codes)        {}", self.folder.outbox().display());
        println!("  logs                    {}/*.log", self.folder.root().display());
        println!("\nCall the protected API through the edge:\n");
        println!(
            "curl -s http://{edge}/api/hello -H \"Authorization: Bearer $(curl -s http://{issuer}/ \
             -H 'X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth' \
             -H 'Content-Type: application/x-amz-json-1.1' -d '{sign_in}' \
             | sed 's/.*\"AccessToken\":\"\\([^\"]*\\)\".*/\\1/')\"\n"
        );
        if self.dev.is_some() {
            println!("{}\n", devmode::hints(&issuer.to_string(), &self.folder.up_json()));
        }
        println!("End it with Ctrl-C.");
    }
}
