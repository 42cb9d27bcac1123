//! The two sides: how each is started and proven, and what an answer means.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::load::{Said, send_all};
use crate::peers::{Installed, Peer, PeerError, Running, Site, free_address};

/// A running side has so long to pass an honest request.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// Number of the requests of a proof: none of those that are measured.
const PROBE: usize = 10_000_000;
const POLL: Duration = Duration::from_millis(100);
const HONEST: &str =
    "GET /search?q=hello+world HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n";
const ATTACK: &str = "GET /search?q=%3Cscript%3Ealert%281%29%3C%2Fscript%3E%27+OR+1%3D1--+ HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n";

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// By a rule: 403.
    Refused,
    /// By the server, which could not or would not read it: another 4xx, 501, 505, or the end of the connection.
    ByServer,
    /// None of both; the reason is named.
    Failed(&'static str),
}

impl Verdict {
    /// Refused, by whomever.
    pub fn is_detected(self) -> bool {
        matches!(self, Self::Refused | Self::ByServer)
    }
}

impl From<Said> for Verdict {
    fn from(said: Said) -> Self {
        match said {
            Said::Status(200..=399) => Self::Passed,
            Said::Status(403) => Self::Refused,
            Said::Status(400..=499 | 501 | 505) | Said::Closed => Self::ByServer,
            Said::Status(_) => Self::Failed("an error of the server"),
            Said::Malformed => Self::Failed("an answer that is no HTTP/1"),
            Said::Silent => Self::Failed("no answer in time"),
            Said::Unreachable => Self::Failed("no connection"),
            Said::Unsent => Self::Failed("no time left"),
        }
    }
}

/// Why a side can't be measured.
#[derive(Debug, thiserror::Error)]
pub enum SideError {
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error("it does not pass an honest request: {0:?}")]
    HonestRefused(Said),
    #[error("it does not refuse a plain attack: {0:?}")]
    AttackPassed(Said),
    #[error("its web ACL {}: {source}", path.display())]
    Acl { path: PathBuf, source: std::io::Error },
    #[error("no web ACL is named for this level (--acl)")]
    NoAcl,
    #[error("cannot send: {0}")]
    Send(#[from] std::io::Error),
}

/// A side that has proven itself.
pub struct Side {
    pub running: Running,
    pub title: &'static str,
    pub folder: PathBuf,
}

impl Side {
    /// Starts it in a folder of its own below `root`, in front of `upstream`, and has it prove itself.
    ///
    /// # Errors
    /// When it does not start, or does not tell an attack from an honest request.
    pub fn start(peer: &dyn Peer, root: &Path, upstream: SocketAddr, installed: &Installed) -> Result<Self, SideError> {
        let (name, title) = (peer.about().name, peer.about().title);
        let folder = root.join(name);
        fs::create_dir_all(&folder).map_err(|source| PeerError::Start { action: "make its folder", source })?;
        let (listen, admin) = (free_address()?, free_address()?);
        // It checks no tokens: nothing of these is read.
        let (jwks, pem, spki, issuer, client, pool) = (PathBuf::new(), PathBuf::new(), String::new(), "", "", "");
        let (site_folder, feed) = (folder.clone(), upstream);
        let site = Site { listen, admin, upstream, folder: site_folder, jwks, pem, spki, issuer, client, feed, pool };
        let running = Running::start(peer, &site, installed, None)?;
        prove(running.address())?;
        Ok(Self { running, title, folder })
    }
}

/// An honest request passes, a plain attack does not.
fn prove(address: SocketAddr) -> Result<(), SideError> {
    let begun = Instant::now();
    loop {
        match ask(address, HONEST)? {
            Said::Status(200) => break,
            said if begun.elapsed() > READY_LIMIT => return Err(SideError::HonestRefused(said)),
            _ => std::thread::sleep(POLL),
        }
    }
    match ask(address, ATTACK)? {
        Said::Status(403) => Ok(()),
        said => Err(SideError::AttackPassed(said)),
    }
}

fn ask(address: SocketAddr, request: &str) -> Result<Said, SideError> {
    let found = send_all(&[address], PROBE, &[request.as_bytes().to_vec()], READY_LIMIT)?;
    Ok(found.into_iter().flatten().next().unwrap_or(Said::Unsent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Sink;

    #[test]
    fn a_side_that_passes_everything_fails_its_proof() {
        let sink = Sink::start().unwrap();
        assert!(matches!(prove(sink.address()), Err(SideError::AttackPassed(Said::Status(200)))));
    }

    #[test]
    fn verdicts() {
        let table = [
            (Said::Status(200), Verdict::Passed),
            (Said::Status(304), Verdict::Passed),
            (Said::Status(403), Verdict::Refused),
            (Said::Status(400), Verdict::ByServer),
            (Said::Status(501), Verdict::ByServer),
            (Said::Closed, Verdict::ByServer),
            (Said::Status(502), Verdict::Failed("an error of the server")),
            (Said::Silent, Verdict::Failed("no answer in time")),
        ];
        for (said, verdict) in table {
            assert_eq!(Verdict::from(said), verdict, "{said:?}");
        }
    }
}
