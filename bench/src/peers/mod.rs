//! The measured systems: how each is found, configured and started, one file a product.
//!
//! All are configured alike: one worker thread or process, kept-alive connections to the upstream, no access log, in the foreground. Those
//! that check tokens accept RS256 only and judge signature, issuer and expiry; where one differs, its note says so.

mod apache;
mod child;
mod envoy;
mod fastify;
mod group;
mod haproxy;
mod install;
mod issuer;
mod nginx;
mod nginx_auth_jwt;
mod nginx_modsecurity;
mod nginx_njs;
mod oidc_provider;
mod pinning;
mod stack;
mod tollgate;
mod tollgate_acl;

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

pub use apache::ApacheOidc;
pub use child::Running;
pub use envoy::Envoy;
pub use fastify::FastifyJwt;
pub use haproxy::Haproxy;
pub use install::Installed;
pub use issuer::{Alone, DOMAINS};
pub use nginx::NginxPlain;
pub use nginx_auth_jwt::NginxAuthJwt;
pub use nginx_modsecurity::{AUDIT_LOG, NginxModsecurity, RULES as CRS_RULES};
pub use nginx_njs::NginxNjs;
pub use oidc_provider::{CLIENT as OIDC_PROVIDER_CLIENT, OidcProvider};
pub use pinning::Cores;
pub use stack::{Stack, Up};
pub use tollgate::TollgateEdge;
pub use tollgate_acl::{ACCESS_LOG, TollgateAcl};

/// Host that every request names.
pub const HOST: &str = "bench.test";

/// Verified tokens that a peer with a cache may remember: more than are known, so that its size is never the reason for a miss.
const CACHED_TOKENS: usize = 8192;

/// What every checking peer is configured to check; one that can't has its own words.
const CHECKS: &str = "RS256 only, signature, issuer, expiry; passes the subject on";

/// Every product that Tollgate's edge is compared with, in the order of reports.
pub fn all() -> Vec<Box<dyn Peer>> {
    vec![
        Box::new(NginxPlain),
        Box::new(Haproxy::Plain),
        Box::new(Envoy::Plain),
        Box::new(Haproxy::Jwt),
        Box::new(Envoy::Jwt),
        Box::new(Envoy::JwtCached),
        Box::new(NginxAuthJwt),
        Box::new(NginxNjs),
        Box::new(ApacheOidc),
        Box::new(FastifyJwt),
    ]
}

/// Every product that web ACLs are compared with.
pub fn web_acls() -> Vec<Box<dyn Peer>> {
    NginxModsecurity::MEASURED.into_iter().map(|peer| Box::new(peer) as Box<dyn Peer>).collect()
}

/// What a peer's configuration is made from.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where the peer listens, on loopback.
    pub listen: SocketAddr,
    /// Where it takes commands, if it does.
    pub admin: SocketAddr,
    pub upstream: SocketAddr,
    /// Folder of this peer's files.
    pub folder: PathBuf,
    /// Public key as a JWK set.
    pub jwks: PathBuf,
    /// Public key as PEM.
    pub pem: PathBuf,
    /// Public key as base64 of its `SubjectPublicKeyInfo`.
    pub spki: String,
    pub issuer: &'static str,
    pub client: &'static str,
    /// Where Tollgate's edge hears of the pool; its join token lies in [`Site::join_token`].
    pub feed: SocketAddr,
    pub pool: &'static str,
}

impl Site {
    /// The file with the edge's join token.
    pub fn join_token(&self) -> PathBuf {
        self.folder.join("join.token")
    }
}

/// What the peer does with a token; each is proven before it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Passes every request on.
    Pass,
    /// Passes good tokens, refuses all others.
    Check,
    /// As [`Duty::Check`], but it can't be told to accept RS256 only: any RSA algorithm of the key passes.
    CheckAnyRsa,
}

/// How a request is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Passed on unchecked.
    Plain,
    /// Its token is checked.
    Token,
    /// Everything that the product does for a request.
    Full,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::Plain, Self::Token, Self::Full];
}

/// What a report tells of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Name in rows and of its folder: `haproxy_jwt`.
    pub name: &'static str,
    /// Name for readers: "HAProxy, jwt_verify".
    pub title: &'static str,
    /// What a reader must know to judge it fairly; may be empty.
    pub note: &'static str,
    pub duty: Duty,
    /// Whether it remembers tokens that it has verified, so that a known one costs it no signature.
    pub caches: bool,
    /// What it checks, in words; empty where it checks nothing.
    pub checks: &'static str,
    /// The packages that it is made of, by their names in `bench/peers/`; whether they are there is asked of [`Peer::program`].
    pub packages: &'static [&'static str],
}

/// A file that a peer is started with, in its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    pub name: &'static str,
    pub text: String,
}

/// One compared product in one configuration.
pub trait Peer {
    fn about(&self) -> About;
    /// Whether it is a build of Tollgate.
    fn is_ours(&self) -> bool {
        false
    }
    /// Whether it takes commands at [`Site::admin`].
    fn has_admin(&self) -> bool {
        false
    }
    /// Path of a request that is treated so; `None` when the product is not set up for that.
    fn path(&self, way: Way) -> Option<&'static str> {
        match (way, self.about().duty) {
            (Way::Plain, Duty::Pass) => Some("/orders"),
            (Way::Token, duty) if duty != Duty::Pass => Some("/orders"),
            _ => None,
        }
    }
    /// Program and leading arguments.
    ///
    /// # Errors
    /// [`PeerError::Missing`] when a part of it is not installed.
    fn program(&self, installed: &Installed) -> Result<Vec<OsString>, PeerError>;
    /// Arguments that make the program print its version and end.
    fn version_arguments(&self) -> &'static [&'static str];
    /// Debian packages of modules whose version the program does not tell.
    fn modules(&self) -> &'static [&'static str] {
        &[]
    }
    fn files(&self, site: &Site) -> Vec<ConfigFile>;
    /// Arguments that start it in the foreground with one worker.
    fn arguments(&self, site: &Site) -> Vec<OsString>;
}

/// Why a peer cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    #[error("{package} is not installed{}", reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    Missing { package: &'static str, reason: Option<String> },
    #[error("it has no command")]
    NoCommand,
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
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Run with `BLESS=1` to write the golden files anew, and read the difference before committing it.
    #[test]
    fn configurations_are_as_reviewed() {
        let site = Site {
            listen: "127.0.0.1:18080".parse().unwrap(),
            admin: "127.0.0.1:18082".parse().unwrap(),
            upstream: "127.0.0.1:19080".parse().unwrap(),
            folder: "/site".into(),
            jwks: "/keys/jwks.json".into(),
            pem: "/keys/public.pem".into(),
            spki: "MIIBbase64".into(),
            issuer: "https://issuer.test/pool",
            client: "client1",
            feed: "127.0.0.1:18701".parse().unwrap(),
            pool: "us-east-1_Bench0001",
        };
        let mut peers = all();
        peers.extend(web_acls());
        peers.extend([1, 2].map(|level| Box::new(NginxModsecurity::audited(level)) as Box<dyn Peer>));
        peers.push(Box::new(TollgateEdge::new(vec!["tollgate".into()])));
        peers.push(Box::new(TollgateEdge::with_rules(vec!["tollgate".into()])));
        peers.push(Box::new(TollgateAcl::new(vec!["tollgate".into()], "{}\n".into())));
        peers.push(Box::new(TollgateAcl::audited(vec!["tollgate".into()], 1, "{}\n".into())));
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
        let mut expected = BTreeSet::new();
        for peer in peers {
            let folder = golden.join(peer.about().name);
            for file in peer.files(&site) {
                let path = folder.join(file.name);
                if std::env::var_os("BLESS").is_some() {
                    std::fs::create_dir_all(&folder).unwrap();
                    std::fs::write(&path, &file.text).unwrap();
                }
                assert_eq!(file.text, std::fs::read_to_string(&path).unwrap(), "{}", path.display());
                expected.insert(path);
            }
        }
        let folders = std::fs::read_dir(&golden).unwrap().map(|entry| entry.unwrap().path());
        let found = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
        assert_eq!(found.collect::<BTreeSet<_>>(), expected, "a golden file is nobody's");
    }

    #[test]
    fn names_are_distinct_and_facts_agree_with_duties() {
        let every = || all().into_iter().chain(web_acls());
        let names: BTreeSet<_> = every().map(|peer| peer.about().name).collect();
        assert_eq!(names.len(), every().count());
        for peer in every() {
            let about = peer.about();
            assert_eq!(about.duty != Duty::Pass, !about.checks.is_empty(), "{}", about.name);
            assert!(!about.caches || about.duty != Duty::Pass, "{}", about.name);
            assert!(!about.packages.is_empty(), "{}", about.name);
        }
    }

    #[test]
    fn free_addresses_can_be_bound() {
        assert!(TcpListener::bind(free_address().unwrap()).is_ok());
    }
}
