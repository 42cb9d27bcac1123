//! What tokens cost an issuer at its OAuth endpoints, beside what their signatures and the password's hash cost alone, and beside another
//! issuer that mints the same kind of token. All of it on one core in turn, round by round.

mod flow;
mod pools;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::flow::Flow;
use self::pools::{Pools, form};
use super::error::BenchError;
use crate::finding::{Better, Figure, Unit};
use crate::limit::{self, Limits};
use crate::load::{Outcome, Plan, Same, Target};
use crate::measure::{Machine, process_tree_clock};
use crate::peers::{
    Alone, Cores, Installed, OIDC_PROVIDER_CLIENT, OidcProvider, PeerError, Running, Site, free_address,
};

/// Names of the loads.
pub const CLIENT_RS256: &str = "client_credentials_rs256";
pub const CLIENT_ES256: &str = "client_credentials_es256";
pub const REFRESH: &str = "refresh";
pub const CODE_FLOW: &str = "code_flow";
pub const PEER: &str = "oidc_provider";

/// What runs before a load is counted: connections open, keys are read, a compiler in the peer does its work.
const WARM_UP: Duration = Duration::from_millis(400);
/// What a request may take beyond the end of its load.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is measured, and its sizes.
#[derive(Clone, Debug)]
pub struct Options {
    /// Program and leading arguments; it is this one as a rule.
    pub program: Vec<OsString>,
    pub rounds: u32,
    /// How long each load lasts in each round.
    pub span: Duration,
    /// Callers at a time.
    pub connections: usize,
    /// Where the compared product lies; the usual folder where it is not said.
    pub peers_folder: Option<PathBuf>,
}

impl Options {
    /// About two minutes.
    pub fn new(program: Vec<OsString>) -> Self {
        Self { program, rounds: 7, span: Duration::from_secs(2), connections: 16, peers_folder: None }
    }

    /// Within half a minute.
    #[must_use]
    pub fn quick(self) -> Self {
        Self { rounds: 3, span: Duration::from_secs(1), ..self }
    }
}

/// One load over all rounds.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// Processor time a request, or a whole sign-in; microseconds, one a round.
    pub cpu_us: Vec<f64>,
    /// As it went on that core, one a round.
    pub per_second: Vec<f64>,
    pub p50_ms: Vec<f64>,
    pub p99_ms: Vec<f64>,
    pub succeeded: u64,
    pub failed: u64,
}

impl Load {
    pub fn cpu(&self) -> Option<Figure> {
        Figure::of(Unit::MicrosPerRequest, Better::Lower, self.cpu_us.clone())
    }
}

/// All of a run.
#[derive(Debug)]
pub struct Findings {
    pub machine: Machine,
    /// The core of everything that is measured; `None`: nobody was kept to one.
    pub core: Option<String>,
    pub rounds: u32,
    pub limits: Vec<crate::finding::Limit>,
    pub loads: BTreeMap<&'static str, Load>,
    /// Name and versions of the compared product, or why it was not measured.
    pub peer: Result<String, String>,
    pub elapsed: Duration,
}

/// Measures; `told` hears what is being done.
pub fn run(options: &Options, told: &mut dyn FnMut(&str)) -> Result<Findings, BenchError> {
    if options.rounds == 0 || options.connections == 0 {
        return Err(BenchError::Options("rounds and connections must be at least 1"));
    }
    let begun = Instant::now();
    let machine = Machine::read();
    let folder = tempfile::tempdir();
    let folder = folder.map_err(|source| BenchError::File { action: "make", path: std::env::temp_dir(), source })?;
    let cores = Cores::divide();
    let mut missing = BTreeMap::new();
    let mut limits = Limits::prepare(limit::of_an_issuer(), folder.path(), &mut missing);
    let mut bench = Bench::start(options, folder.path(), cores.as_ref())?;
    for round in 1..=options.rounds {
        told(&format!("round {round} of {}", options.rounds));
        match &cores {
            Some(cores) => cores.on_measured(|| limits.sample())?,
            None => limits.sample()?,
        }
        bench.round()?;
    }
    Ok(Findings {
        machine,
        core: cores.as_ref().map(|cores| cores.measured().to_owned()),
        rounds: options.rounds,
        limits: limits.found(),
        loads: bench.loads,
        peer: bench.peer.map(|peer| peer.version().to_owned()).map_err(|error| error.to_string()),
        elapsed: begun.elapsed(),
    })
}

/// Everything that is measured, started.
struct Bench<'a> {
    options: &'a Options,
    issuer: Alone,
    pools: Pools,
    peer: Result<Running, PeerError>,
    loads: BTreeMap<&'static str, Load>,
}

impl<'a> Bench<'a> {
    fn start(options: &'a Options, folder: &Path, cores: Option<&Cores>) -> Result<Self, BenchError> {
        let own = folder.join("issuer");
        let prefix = cores.map(Cores::prefix).into_iter().flatten();
        let program: Vec<OsString> = prefix.chain(options.program.iter().cloned()).collect();
        let issuer = Alone::start(&program, &own, &format!("sqlite = {:?}", own.join("tollgate.db")));
        let issuer = issuer.map_err(BenchError::IssuerStart)?;
        let pools = Pools::make(&issuer)?;
        let peer = start_peer(options, &folder.join("peer"), cores);
        Ok(Self { options, issuer, pools, peer, loads: BTreeMap::new() })
    }

    /// Each load once.
    fn round(&mut self) -> Result<(), BenchError> {
        let pid = self.issuer.pid();
        for (name, host, body) in self.pools.loads() {
            let target = Target::plain(self.pools.address, host);
            let plan = self.plan(target, "/oauth2/token", body)?;
            self.take(name, pid, plan)?;
        }
        let flow = Flow::new(&self.pools, self.options.span);
        flow.once()?;
        let before = clock(pid)?;
        let outcome = flow.run()?;
        self.note(CODE_FLOW, &outcome, clock(pid)?.since(&before).total_ns);
        let Ok(peer) = &self.peer else { return Ok(()) };
        let (pid, address) = (peer.pid(), peer.address());
        let client = OIDC_PROVIDER_CLIENT;
        let body = form(&[
            ("grant_type", "client_credentials"),
            ("client_id", client.id),
            ("client_secret", client.secret),
            ("scope", client.scope),
        ]);
        let plan = self.plan(Target::plain(address, address.to_string()), "/token", body)?;
        self.take(PEER, pid, plan)
    }

    fn plan(&self, target: Target, path: &str, body: String) -> Result<Plan<Same>, BenchError> {
        let requests = Same::with_method("POST", path)?.header("content-type", pools::FORM)?.body(body);
        let mut plan = Plan::new(target, requests);
        plan.connections = self.options.connections;
        Ok(plan)
    }

    fn take(&mut self, name: &'static str, pid: u32, mut plan: Plan<Same>) -> Result<(), BenchError> {
        (plan.duration, plan.limit) = (Some(WARM_UP), WARM_UP + PATIENCE);
        plan.run()?;
        (plan.duration, plan.limit) = (Some(self.options.span), self.options.span + PATIENCE);
        let before = clock(pid)?;
        let outcome = plan.run()?;
        self.note(name, &outcome, clock(pid)?.since(&before).total_ns);
        Ok(())
    }

    fn note(&mut self, name: &'static str, outcome: &Outcome, cpu_ns: u64) {
        let load = self.loads.entry(name).or_default();
        load.succeeded += outcome.succeeded;
        load.failed += outcome.failed();
        if outcome.succeeded == 0 {
            return;
        }
        let ms = |quantile| outcome.latency.quantile_us(quantile).unwrap_or(0) as f64 / 1_000.0;
        load.cpu_us.push(cpu_ns as f64 / 1_000.0 / outcome.succeeded as f64);
        load.per_second.push(outcome.per_second());
        load.p50_ms.push(ms(0.5));
        load.p99_ms.push(ms(0.99));
    }
}

fn clock(pid: u32) -> Result<crate::measure::CpuClock, BenchError> {
    process_tree_clock(pid).map_err(|source| BenchError::Accounting { pid, source })
}

/// Starts the compared product, where it is installed.
fn start_peer(options: &Options, folder: &Path, cores: Option<&Cores>) -> Result<Running, PeerError> {
    let at = |action| move |source| PeerError::Start { action, source };
    let installed = options.peers_folder.clone().or_else(Installed::default_folder);
    let installed = Installed::in_folder(installed.unwrap_or_else(|| folder.to_owned()));
    fs::create_dir_all(folder).map_err(at("make its folder"))?;
    let listen = free_address()?;
    // What gateways are told of tokens says nothing to an issuer.
    let site = Site {
        listen,
        admin: listen,
        upstream: listen,
        folder: folder.to_owned(),
        jwks: PathBuf::new(),
        pem: PathBuf::new(),
        spki: String::new(),
        issuer: "",
        client: "",
        feed: listen,
        pool: "",
    };
    Running::start(&OidcProvider, &site, &installed, cores)
}
