//! The set-up of a run: tokens, files, upstream, and the systems that could be started and have proven themselves.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::clock::UnixMillis;
use common::feed::{Change, Revoked};
use common::ids::PoolId;
use tempfile::TempDir;

use super::progress::{Progress, Step};
use super::proof::{ProofError, keeps_connections, prove};
use super::{BenchError, Installing, Options, Pinning};
use crate::feed::{FeedError, FeedIssuer};
use crate::finding::{self, Pinned};
use crate::limit::{self, Limits};
use crate::load::{Issuer, Upstream};
use crate::peers::{
    self, Cores, Duty, Installed, Peer, PeerError, Running, Site, Stack, TollgateEdge, Way, free_address,
};

/// Time for installing compared products.
const INSTALL_LIMIT: Duration = Duration::from_secs(300);

/// What all systems of a run share, and the systems.
pub struct Lab {
    folder: TempDir,
    installed: Installed,
    pub issuer: Issuer,
    /// Tokens that are sent again and again.
    pub known: Vec<String>,
    upstream: Upstream,
    feed: FeedIssuer,
    cores: Option<Cores>,
    pub systems: Vec<System>,
    /// What a scenario has started beside them.
    beside: Vec<finding::System>,
    /// What could not be started or has failed its proof, and why.
    pub missing: BTreeMap<String, String>,
}

/// A system that listens and has proven itself.
pub struct System {
    pub running: Running,
    peer: Box<dyn Peer>,
    keeps_connections: bool,
}

impl System {
    pub fn name(&self) -> &'static str {
        self.peer.about().name
    }

    pub fn title(&self) -> &'static str {
        self.peer.about().title
    }

    /// Path of a request that is treated so; `None` when the system does not offer that.
    pub fn path(&self, way: Way) -> Option<&'static str> {
        self.peer.path(way)
    }

    fn note(&self) -> String {
        let doubt = if self.keeps_connections { "" } else { "It does not keep its connections to the upstream." };
        [self.peer.about().note, doubt].join(" ").trim().to_owned()
    }

    fn finding(&self) -> finding::System {
        finding::System {
            name: self.name().into(),
            title: self.title().into(),
            version: self.running.version().into(),
            note: self.note(),
            ours: self.peer.is_ours(),
        }
    }
}

impl Lab {
    /// Makes tokens and files, starts the upstream and every chosen system, the edge first, and has each prove itself.
    ///
    /// # Errors
    /// When the edge does not start or lets a bad token pass, or this machine lacks what a run needs. A peer that does not is missing.
    pub fn prepare(options: &Options, now: UnixMillis, progress: &mut dyn Progress) -> Result<Self, BenchError> {
        let at = |path: &Path, action| {
            let path = path.to_owned();
            move |source| BenchError::File { action, path, source }
        };
        let folder = TempDir::with_prefix("tollgate-bench-").map_err(at(&std::env::temp_dir(), "make a folder in"))?;
        let installed = installed(options)?;
        let issuer = Issuer::generate(now)?;
        for (path, text) in [(jwks(folder.path()), issuer.jwks()), (pem(folder.path()), issuer.public_pem())] {
            fs::write(&path, text).map_err(at(&path, "write"))?;
        }
        // Before pinning: signing uses every processor.
        let known = issuer.tokens(options.known_tokens)?;
        let cores = match options.pinning {
            Pinning::WherePossible => Cores::divide(),
            Pinning::Off => None,
        };
        let upstream = Upstream::start().map_err(BenchError::Upstream)?;
        let revoked = (0..options.revocations).map(|_| Change::Revoked(Revoked::Session { origin_jti: session_id() }));
        let feed = FeedIssuer::start(
            PoolId::parse(Issuer::POOL).map_err(FeedError::from)?,
            issuer.changes().map_err(FeedError::from)?.into_iter().chain(revoked),
        )?;
        let (systems, missing) = (Vec::new(), BTreeMap::new());
        let beside = Vec::new();
        let mut lab = Self { folder, installed, issuer, known, upstream, feed, cores, systems, beside, missing };
        lab.start_edges(options)?;
        lab.start_peers(options, progress);
        Ok(lab)
    }

    pub fn system(&self, name: &str) -> Option<&System> {
        self.systems.iter().find(|system| system.name() == name)
    }

    /// What the edge hears of its pool.
    pub fn feed(&self) -> &FeedIssuer {
        &self.feed
    }

    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    pub fn pinned(&self) -> Option<Pinned> {
        self.cores.as_ref().map(|cores| Pinned {
            measured: cores.measured().to_owned(),
            generator_and_upstream: cores.generator().to_owned(),
        })
    }

    /// Everything that was started, in the order of a report.
    pub fn findings(&self) -> Vec<finding::System> {
        self.systems.iter().map(System::finding).chain(self.beside.iter().cloned()).collect()
    }

    /// What bare work costs here; what can't be had is missing from then on.
    pub fn prepare_limits(&mut self, options: &Options) -> Result<Limits, BenchError> {
        let folder = self.folder.path().join("limits");
        fs::create_dir(&folder).map_err(|source| BenchError::File { action: "make", path: folder.clone(), source })?;
        let mut limits = limit::all();
        limits.retain(|limit| options.limits.includes(limit.name()));
        Ok(Limits::prepare(limits, &folder, &mut self.missing))
    }

    /// Issuer and edge, with the upstream of this run behind the edge, on the measured processor.
    pub fn start_stack(&self, options: &Options) -> Result<Stack, BenchError> {
        let program = program(options).map_err(BenchError::StackStart)?;
        let folder = self.folder.path().join("stack");
        // What an earlier one has left after it failed.
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|source| BenchError::File {
                action: "remove",
                path: folder.clone(),
                source,
            })?;
        }
        let cores = self.cores.as_ref();
        Stack::start(&program, &folder, self.upstream.address(), cores).map_err(BenchError::StackStart)
    }

    /// Starts an edge of its own that hears from `feed`: a new one that has to join, or that of an earlier call by the same name, with what it
    /// left on disk. Nobody waits until it listens.
    pub fn begin_edge(
        &self,
        options: &Options,
        name: &str,
        feed: &FeedIssuer,
        upstream: SocketAddr,
    ) -> Result<Running, BenchError> {
        let edge = TollgateEdge::new(program(options).map_err(BenchError::EdgeStart)?);
        let folder = self.folder.path().join(name);
        if !folder.exists() {
            self.enrol(&folder, name, feed)?;
        }
        let site = Site { upstream, ..self.site(folder, feed).map_err(BenchError::EdgeStart)? };
        Running::begin(&edge, &site, &self.installed, self.cores.as_ref()).map_err(BenchError::EdgeStart)
    }

    /// Starts an edge with a web ACL of 30 rules, that hears what the others of this run hear.
    pub fn begin_ruled_edge(&self, options: &Options) -> Result<Running, BenchError> {
        let edge = TollgateEdge::with_rules(program(options).map_err(BenchError::EdgeStart)?);
        let name = edge.about().name;
        self.enrol(&self.folder.path().join(name), name, &self.feed)?;
        self.start(&edge).map_err(BenchError::EdgeStart)
    }

    /// Starts a system that one scenario needs beside those of the run, and lets the report name it.
    pub fn start_beside(&mut self, peer: &dyn Peer) -> Result<Running, BenchError> {
        let folder = self.folder.path().join("beside").join(peer.about().name);
        let at = |source| BenchError::File { action: "make", path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(at)?;
        let site = self.site(folder, &self.feed).map_err(BenchError::Beside)?;
        let running = Running::start(peer, &site, &self.installed, self.cores.as_ref()).map_err(BenchError::Beside)?;
        let (about, version) = (peer.about(), running.version().to_owned());
        if !peer.is_ours() && self.system(about.name).is_none() {
            let (name, title, note) = (about.name.into(), about.title.into(), about.note.into());
            self.beside.push(finding::System { name, title, version, note, ours: false });
        }
        Ok(running)
    }

    /// Makes an edge's folder, with a token to join.
    fn enrol(&self, folder: &Path, name: &str, feed: &FeedIssuer) -> Result<(), BenchError> {
        let token = feed.join_token(&name.replace('_', "-"))?;
        let file = folder.join("join.token");
        fs::create_dir(folder).and_then(|()| fs::write(&file, token.expose())).map_err(|source| BenchError::File {
            action: "write",
            path: file,
            source,
        })
    }

    fn start_edges(&mut self, options: &Options) -> Result<(), BenchError> {
        let command = program(options).map_err(BenchError::EdgeStart)?;
        let baseline = options.baseline_command.clone().map(TollgateEdge::baseline);
        for edge in [Some(TollgateEdge::new(command)), baseline].into_iter().flatten() {
            let name = edge.about().name;
            self.enrol(&self.folder.path().join(name), name, &self.feed)?;
            let running = self.start(&edge).map_err(BenchError::EdgeStart)?;
            let keeps_connections = self.prove(&edge, &running).map_err(BenchError::EdgeProof)?;
            self.systems.push(System { running, peer: Box::new(edge), keeps_connections });
        }
        Ok(())
    }

    fn start_peers(&mut self, options: &Options, progress: &mut dyn Progress) {
        let chosen: Vec<_> =
            peers::all().into_iter().filter(|peer| options.peers.includes(peer.about().name)).collect();
        let of = chosen.len();
        for (index, peer) in chosen.into_iter().enumerate() {
            if options.stop.is_wanted() {
                return;
            }
            progress.step(Step { what: "starting and proving", system: peer.about().title, number: index + 1, of });
            let started = self.start(peer.as_ref()).map_err(|error| error.to_string()).and_then(|running| {
                self.prove(peer.as_ref(), &running).map(|keeps| (running, keeps)).map_err(|error| error.to_string())
            });
            match started {
                Ok((running, keeps_connections)) => self.systems.push(System { running, peer, keeps_connections }),
                Err(reason) => drop(self.missing.insert(peer.about().name.to_owned(), reason)),
            }
        }
    }

    /// Proves every way of a system, and tells whether it keeps its connections to the upstream.
    fn prove(&self, peer: &dyn Peer, running: &Running) -> Result<bool, ProofError> {
        let mut kept = true;
        for way in Way::ALL {
            if let Some(path) = peer.path(way) {
                let duty = if way == Way::Plain { Duty::Pass } else { peer.about().duty };
                prove(running.address(), path, duty, &self.issuer)?;
                kept &= keeps_connections(running.address(), path, &self.issuer, &self.upstream)?;
            }
        }
        Ok(kept)
    }

    fn start(&self, peer: &dyn Peer) -> Result<Running, PeerError> {
        let folder = self.folder.path().join(peer.about().name);
        fs::create_dir_all(&folder).map_err(|source| PeerError::Start { action: "make its folder", source })?;
        Running::start(peer, &self.site(folder, &self.feed)?, &self.installed, self.cores.as_ref())
    }

    fn site(&self, folder: PathBuf, feed: &FeedIssuer) -> Result<Site, PeerError> {
        let root = self.folder.path();
        let (jwks, pem) = (jwks(root), pem(root));
        let (listen, admin, upstream) = (free_address()?, free_address()?, self.upstream.address());
        let (issuer, client, feed, pool) = (Issuer::NAME, Issuer::CLIENT, feed.address(), Issuer::POOL);
        let spki = self.issuer.public_spki();
        Ok(Site { listen, admin, upstream, folder, jwks, pem, spki, issuer, client, feed, pool })
    }
}

/// What is installed, after installing what is missing and may be.
fn installed(options: &Options) -> Result<Installed, BenchError> {
    let mut wanted = peers::all();
    wanted.retain(|peer| options.peers.includes(peer.about().name));
    if options.scenarios.includes(super::WAF_SHIPPED) {
        wanted.extend(peers::web_acls().into_iter().filter(|peer| options.peers.includes(peer.about().name)));
    }
    install(&wanted, options.peers_folder.clone(), options.installing)
}

/// What is installed below a folder, or below the usual one, after installing what of `wanted` is missing and may be.
pub fn install(
    wanted: &[Box<dyn Peer>],
    folder: Option<PathBuf>,
    installing: Installing,
) -> Result<Installed, BenchError> {
    let folder = folder.or_else(Installed::default_folder).ok_or(BenchError::NoPeersFolder)?;
    let mut installed = Installed::in_folder(folder);
    if installing == Installing::WherePossible && !installed.is_complete(wanted) {
        installed.install(INSTALL_LIMIT).map_err(BenchError::Install)?;
    }
    Ok(installed)
}

/// The program under test with its leading arguments.
pub fn program(options: &Options) -> Result<Vec<OsString>, PeerError> {
    program_or_this(options.edge_command.as_ref())
}

/// That command, or this program.
pub fn program_or_this(command: Option<&Vec<OsString>>) -> Result<Vec<OsString>, PeerError> {
    let this_program = || std::env::current_exe().map(|path| vec![path.into_os_string()]);
    match command {
        Some(command) => Ok(command.clone()),
        None => this_program().map_err(|source| PeerError::Start { action: "find this program", source }),
    }
}

fn jwks(root: &Path) -> PathBuf {
    root.join("jwks.json")
}

fn pem(root: &Path) -> PathBuf {
    root.join("public.pem")
}

/// A session that no token of the run belongs to.
fn session_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
