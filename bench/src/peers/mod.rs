//! The measured systems: how each is found, configured and started, one file each.

mod child;
mod envoy;
mod haproxy;
mod nginx;
mod pinning;
mod tollgate;

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

pub use child::Running;
pub use envoy::EnvoyJwtCached;
pub use haproxy::HaproxyJwt;
pub use nginx::NginxPlain;
pub use pinning::Cores;
pub use tollgate::{Route, TollgateEdge};

/// Host that every request names.
pub const HOST: &str = "bench.test";

/// What a peer's configuration is made from.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where the peer listens, on loopback.
    pub listen: SocketAddr,
    pub upstream: SocketAddr,
    /// Folder of this peer's files.
    pub folder: PathBuf,
    /// Public key as a JWK set.
    pub jwks: PathBuf,
    /// Public key as PEM.
    pub pem: PathBuf,
    pub issuer: &'static str,
    pub client: &'static str,
}

/// What the peer does with a token; each is proven before it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Passes every request on.
    Pass,
    /// Passes good tokens, refuses forged and expired ones.
    Check,
}

/// One compared product in one configuration.
pub trait Peer {
    /// Name in reports and of its folder.
    fn name(&self) -> &'static str;
    fn duty(&self) -> Duty;
    /// Program and leading arguments; `None` when it is not installed.
    fn program(&self) -> Option<Vec<OsString>>;
    /// Arguments that make the program print its version and end.
    fn version_arguments(&self) -> &'static [&'static str];
    fn config_name(&self) -> &'static str;
    fn config(&self, site: &Site) -> String;
    /// Arguments that start it in the foreground with one worker thread.
    fn arguments(&self, config: &Path, site: &Site) -> Vec<OsString>;
}

/// Why a peer cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    #[error("it is not installed")]
    Missing,
    #[error("cannot {action}: {source}")]
    Start { action: &'static str, source: io::Error },
    #[error("it ended at once ({status}): {said}")]
    Ended { status: String, said: String },
    #[error("it did not listen within {seconds} s: {said}")]
    Silent { seconds: u64, said: String },
}

/// A loopback address whose port was free a moment ago.
pub fn free_address() -> Result<SocketAddr, PeerError> {
    let at = |source| PeerError::Start { action: "find a free port", source };
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).map_err(at)
}

/// Finds a program in `PATH` and in the folders where Debian keeps servers.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run with `BLESS=1` to write the golden files anew, and read the difference before committing it.
    #[test]
    fn configurations_are_as_reviewed() {
        let site = Site {
            listen: "127.0.0.1:18080".parse().unwrap(),
            upstream: "127.0.0.1:19080".parse().unwrap(),
            folder: "/site".into(),
            jwks: "/keys/jwks.json".into(),
            pem: "/keys/public.pem".into(),
            issuer: "https://issuer.test/pool",
            client: "client1",
        };
        let tollgate = TollgateEdge { command: vec!["tollgate".into()] };
        let peers: [&dyn Peer; 4] = [&tollgate, &NginxPlain, &HaproxyJwt, &EnvoyJwtCached];
        for peer in peers {
            let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(peer.config_name());
            if std::env::var_os("BLESS").is_some() {
                std::fs::write(&golden, peer.config(&site)).unwrap();
            }
            assert_eq!(peer.config(&site), std::fs::read_to_string(&golden).unwrap(), "{}", peer.name());
        }
    }

    #[test]
    fn free_addresses_can_be_bound() {
        assert!(TcpListener::bind(free_address().unwrap()).is_ok());
    }
}
