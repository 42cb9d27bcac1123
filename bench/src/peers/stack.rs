//! A whole Tollgate, issuer and edge joined by the feed: the program's own `up`, with the bench's upstream behind the edge.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::secret::SecretString;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use super::child::{command_line, last_words};
use super::{Cores, PeerError};

const START_LIMIT: Duration = Duration::from_secs(60);
const END_LIMIT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);
/// Ports that `up` takes above its base (`--port-base` in docs/CONFIG.md): TCP, and one UDP.
const TCP_OFFSETS: [u16; 6] = [0, 2, 3, 100, 102, 143];
const UDP_OFFSET: u16 = 1;
/// Bases below the ports that Linux hands out by itself.
const BASES: std::ops::Range<u16> = 12_000..19_800;
const BASE_STEP: usize = 200;

/// A running `tollgate up`. It ends with its children when this is dropped.
#[derive(Debug)]
pub struct Stack {
    child: Child,
    pub up: Up,
}

/// What `up.json` says of it.
#[derive(Debug, Deserialize)]
pub struct Up {
    /// Base URL of Cognito's API.
    pub issuer: String,
    edge: String,
    edge_tls: String,
    /// PEM of the authority that signed the edge's certificate for `localhost`.
    pub ca: PathBuf,
    /// Base URL of the issuer's admin listener.
    #[serde(rename = "metrics")]
    pub admin: String,
    pub region: String,
    pub pool_id: String,
    pub client_id: String,
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    pub protected_path: String,
    pids: Pids,
}

#[derive(Debug, Deserialize)]
struct Pids {
    issuer: u32,
    edge: u32,
}

impl Up {
    /// The edge's plain listener.
    pub fn edge(&self) -> Option<SocketAddr> {
        self.edge.strip_prefix("http://")?.parse().ok()
    }

    /// The edge's TLS listener, whose certificate is for `localhost`.
    pub fn edge_tls(&self) -> Option<SocketAddr> {
        let port = self.edge_tls.rsplit_once(':')?.1.parse().ok()?;
        Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    pub fn issuer_pid(&self) -> u32 {
        self.pids.issuer
    }

    pub fn edge_pid(&self) -> u32 {
        self.pids.edge
    }
}

impl Stack {
    /// Starts `program up` with its data in `folder`, which must not exist, and waits until everything is ready.
    ///
    /// # Errors
    /// When it does not start, ends or does not get ready, or no ports are free.
    pub fn start(
        program: &[OsString],
        folder: &Path,
        upstream: SocketAddr,
        cores: Option<&Cores>,
    ) -> Result<Self, PeerError> {
        let at = |action| move |source| PeerError::Start { action, source };
        fs::create_dir(folder).map_err(at("make its folder"))?;
        let (data, output) = (folder.join("data"), folder.join("output.log"));
        let log = File::create(&output).map_err(at("make its log"))?;
        let arguments = arguments(&data, free_base()?, upstream);
        let words = command_line(program, &arguments, cores);
        let (first, rest) = words.split_first().ok_or(PeerError::NoCommand)?;
        let mut command = Command::new(first);
        command.args(rest).stdin(Stdio::null());
        command.stdout(log.try_clone().map_err(at("make its log"))?).stderr(log);
        let child = command.spawn().map_err(at("start its program"))?;
        // From here on, an error ends it.
        let mut starting = Starting(Some(child));
        let up = starting.wait(&data.join("up.json"), &output)?;
        let child = starting.0.take().ok_or(PeerError::NoCommand)?;
        Ok(Self { child, up })
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A child that is ended unless it gets ready.
struct Starting(Option<Child>);

impl Starting {
    fn wait(&mut self, file: &Path, output: &Path) -> Result<Up, PeerError> {
        let begun = Instant::now();
        while begun.elapsed() < START_LIMIT {
            let ended = self.0.as_mut().map(Child::try_wait).transpose();
            let ended = ended.map_err(|source| PeerError::Start { action: "watch it", source })?.flatten();
            if let Some(status) = ended {
                return Err(PeerError::Ended { status: status.to_string(), said: last_words(output) });
            }
            // It is written whole or not at all, when everything is ready.
            if let Ok(text) = fs::read(file) {
                let broken = |error| PeerError::Start { action: "read its up.json", source: io::Error::other(error) };
                return serde_json::from_slice(&text).map_err(broken);
            }
            std::thread::sleep(POLL);
        }
        Err(PeerError::Silent { seconds: START_LIMIT.as_secs(), said: last_words(output) })
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let _ = self.0.as_mut().map(end);
    }
}

/// By SIGTERM, so that it ends and reaps its own children; by force when that takes too long, upon which they end by the end of
/// their input.
fn end(child: &mut Child) {
    let asked = i32::try_from(child.id()).ok().and_then(Pid::from_raw).map(|pid| kill_process(pid, Signal::TERM));
    let begun = Instant::now();
    while asked.is_some() && begun.elapsed() < END_LIMIT {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(POLL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn arguments(data: &Path, base: u16, upstream: SocketAddr) -> Vec<OsString> {
    let (base, upstream) = (base.to_string(), format!("http://{upstream}"));
    let words: [&OsStr; 7] = [
        "up".as_ref(),
        "--data".as_ref(),
        data.as_ref(),
        "--port-base".as_ref(),
        base.as_ref(),
        "--upstream".as_ref(),
        upstream.as_ref(),
    ];
    words.map(OsStr::to_owned).to_vec()
}

/// A base whose ports were all free a moment ago. Runs beside each other begin at different ones.
fn free_base() -> Result<u16, PeerError> {
    let bases: Vec<u16> = BASES.step_by(BASE_STEP).collect();
    let first = usize::try_from(std::process::id()).unwrap_or_default() % bases.len();
    let mut candidates = bases.iter().cycle().skip(first).take(bases.len()).copied();
    let free = |base: &u16| {
        let at = |offset: u16| (Ipv4Addr::LOCALHOST, base.saturating_add(offset));
        TCP_OFFSETS.iter().all(|offset| TcpListener::bind(at(*offset)).is_ok())
            && UdpSocket::bind(at(UDP_OFFSET)).is_ok()
    };
    let none = || PeerError::Start { action: "find free ports", source: io::ErrorKind::AddrInUse.into() };
    candidates.find(free).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell script in the place of the program: `$3` is the folder.
    fn script(text: &str) -> Vec<OsString> {
        ["sh", "-c", text].map(OsString::from).to_vec()
    }

    fn start(text: &str, folder: &Path) -> Result<Stack, PeerError> {
        Stack::start(&script(text), &folder.join("stack"), "127.0.0.1:9".parse().unwrap(), None)
    }

    #[test]
    fn one_that_ends_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let error = start("echo no room for $0 >&2; exit 64", folder.path()).unwrap_err();
        assert!(matches!(&error, PeerError::Ended { said, .. } if said == "no room for up"), "{error}");
    }

    #[test]
    fn what_it_says_is_read_and_it_ends_when_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let up = r#"{"issuer":"http://127.0.0.1:1","edge":"http://127.0.0.1:2","edge_tls":"https://localhost:3","ca":"/ca",
            "metrics":"http://127.0.0.1:4","region":"r","pool_id":"p","client_id":"c","access_key_id":"a","secret_access_key":"s",
            "protected_path":"/x","outbox":"/o","pids":{"up":1,"issuer":2,"edge":3}}"#;
        let text = format!("mkdir $2 && echo '{up}' > $2/draft && mv $2/draft $2/up.json && exec sleep 60");
        let stack = start(&text, folder.path()).unwrap();
        assert_eq!(stack.up.edge(), "127.0.0.1:2".parse().ok());
        assert_eq!((stack.up.edge_tls(), stack.up.edge_pid()), ("127.0.0.1:3".parse().ok(), 3));
        assert_eq!(stack.up.issuer_pid(), 2);
        let proc = Path::new("/proc").join(stack.child.id().to_string());
        assert!(proc.exists());
        drop(stack);
        assert!(!proc.exists());
    }

    #[test]
    fn bases_have_all_their_ports_free() {
        let base = free_base().unwrap();
        assert!(BASES.contains(&base));
        assert!(UdpSocket::bind((Ipv4Addr::LOCALHOST, base + UDP_OFFSET)).is_ok());
    }
}
