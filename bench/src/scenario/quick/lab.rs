//! The set-up of a quick run: tokens, files, upstream, and the systems that could be started and have proven themselves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::clock::UnixMillis;
use tempfile::TempDir;

use crate::load::{Issuer, Upstream};
use crate::peers::{
    Cores, Duty, EnvoyJwtCached, HaproxyJwt, NginxPlain, Peer, PeerError, Route, Running, Site, TollgateEdge,
    free_address,
};
use crate::scenario::error::BenchError;
use crate::scenario::proof::prove;
use crate::scenario::{Case, Options, Pinning};

/// Path of requests to peers, which have one route only.
const PEER_PATH: &str = "/orders";

/// What all systems of a run share.
pub struct Lab {
    folder: TempDir,
    pub issuer: Issuer,
    pub known: Vec<String>,
    upstream: Upstream,
    pub cores: Option<Cores>,
}

/// A system that listens and has proven itself, with the cases that are measured on it.
pub struct System {
    name: &'static str,
    pub running: Running,
    pub cases: Vec<(Case, &'static str)>,
}

impl System {
    pub fn name_and_version(&self) -> (String, String) {
        (self.name.to_owned(), self.running.version().to_owned())
    }
}

impl Lab {
    pub fn prepare(options: &Options, now: UnixMillis) -> Result<Self, BenchError> {
        let at = |path: &Path, action| {
            let path = path.to_owned();
            move |source| BenchError::File { action, path, source }
        };
        let folder = TempDir::with_prefix("tollgate-bench-").map_err(at(&std::env::temp_dir(), "make a folder in"))?;
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
        Ok(Self { folder, issuer, known, upstream, cores })
    }

    /// The edge, which must start, and the peers that are there; the others go to `without` with the reason.
    pub fn start_systems(
        &self,
        options: &Options,
        without: &mut BTreeMap<String, String>,
    ) -> Result<Vec<System>, BenchError> {
        let mut systems = vec![self.start_edge(options)?];
        let peers: [(&dyn Peer, Case); 3] =
            [(&NginxPlain, Case::NginxPlain), (&HaproxyJwt, Case::HaproxyJwt), (&EnvoyJwtCached, Case::EnvoyJwtCached)];
        for (peer, case) in peers {
            match self.start_peer(peer, case) {
                Ok(system) => systems.push(system),
                Err(reason) => drop(without.insert(peer.name().to_owned(), reason)),
            }
        }
        Ok(systems)
    }

    fn start_edge(&self, options: &Options) -> Result<System, BenchError> {
        let this_program = || std::env::current_exe().map(|path| vec![path.into_os_string()]);
        let command = match &options.edge_command {
            Some(command) => command.clone(),
            None => this_program()
                .map_err(|source| BenchError::EdgeStart(PeerError::Start { action: "find this program", source }))?,
        };
        let edge = TollgateEdge { command };
        let running = self.start(&edge).map_err(BenchError::EdgeStart)?;
        for (route, duty) in [(Route::Plain, Duty::Pass), (Route::Token, edge.duty()), (Route::Full, edge.duty())] {
            prove(running.address(), route.path(), duty, &self.issuer).map_err(BenchError::EdgeProof)?;
        }
        let cases = vec![
            (Case::EdgePlain, Route::Plain.path()),
            (Case::EdgeToken, Route::Token.path()),
            (Case::EdgeKnown, Route::Full.path()),
            (Case::EdgeNew, Route::Token.path()),
        ];
        Ok(System { name: edge.name(), running, cases })
    }

    fn start_peer(&self, peer: &dyn Peer, case: Case) -> Result<System, String> {
        let running = self.start(peer).map_err(|error| error.to_string())?;
        prove(running.address(), PEER_PATH, peer.duty(), &self.issuer).map_err(|error| error.to_string())?;
        Ok(System { name: peer.name(), running, cases: vec![(case, PEER_PATH)] })
    }

    fn start(&self, peer: &dyn Peer) -> Result<Running, PeerError> {
        let root = self.folder.path();
        let folder = root.join(peer.name());
        fs::create_dir(&folder).map_err(|source| PeerError::Start { action: "make its folder", source })?;
        let (jwks, pem) = (jwks(root), pem(root));
        let (listen, upstream) = (free_address()?, self.upstream.address());
        let site = Site { listen, upstream, folder, jwks, pem, issuer: Issuer::NAME, client: Issuer::CLIENT };
        Running::start(peer, &site, self.cores.as_ref())
    }
}

fn jwks(root: &Path) -> PathBuf {
    root.join("jwks.json")
}

fn pem(root: &Path) -> PathBuf {
    root.join("public.pem")
}
