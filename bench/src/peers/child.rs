//! A started peer. However the bench ends, it leaves no process behind: dropping ends its whole process group, and where `setpriv` is
//! installed the kernel ends the child when the bench itself is killed.
//!
//! The kernel does so when the *thread* that has started the child ends (prctl(2), `PR_SET_PDEATHSIG`): start peers on a thread that
//! outlives them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::group::Group;
use super::{Cores, Installed, Peer, PeerError, Site, find};

const START_LIMIT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);
/// Time that a server which was asked to end has before it is killed.
const GRACE: Duration = Duration::from_secs(2);
/// Where a child's words go, in its folder.
const OUTPUT: &str = "output.log";
/// Bytes of a failed child's output that an error shows.
const SAID_LIMIT: usize = 600;
/// Bytes of a version that a report shows.
const VERSION_LIMIT: usize = 160;

/// A peer that listens. It ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    group: Group,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    version: String,
}

impl Running {
    /// Writes the peer's configuration, starts it and waits until it listens.
    ///
    /// # Errors
    /// When it is not installed, does not start, or ends or stays silent instead of listening.
    pub fn start(
        peer: &dyn Peer,
        site: &Site,
        installed: &Installed,
        cores: Option<&Cores>,
    ) -> Result<Self, PeerError> {
        let mut running = Self::begin(peer, site, installed, cores)?;
        running.version = versions(peer, &peer.program(installed)?);
        running.wait_until_it_listens(&site.folder.join(OUTPUT))?;
        Ok(running)
    }

    /// Writes the peer's configuration and starts it, for those who watch how long it takes.
    ///
    /// # Errors
    /// When it is not installed or can't be started.
    pub fn begin(
        peer: &dyn Peer,
        site: &Site,
        installed: &Installed,
        cores: Option<&Cores>,
    ) -> Result<Self, PeerError> {
        let at = |action| move |source| PeerError::Start { action, source };
        let program = peer.program(installed)?;
        for file in peer.files(site) {
            fs::write(site.folder.join(file.name), file.text).map_err(at("write its configuration"))?;
        }
        let output = site.folder.join(OUTPUT);
        let log = File::create(&output).map_err(at("make its log"))?;
        let words = command_line(&program, &peer.arguments(site), cores);
        let (first, rest) = words.split_first().ok_or(PeerError::NoCommand)?;
        let mut command = Command::new(first);
        command.args(rest).current_dir(&site.folder).stdin(Stdio::null());
        command.stdout(log.try_clone().map_err(at("make its log"))?).stderr(log);
        let group = Group::spawn(&mut command).map_err(at("start its program"))?;
        let admin = peer.has_admin().then_some(site.admin);
        Ok(Self { group, address: site.listen, admin, version: String::new() })
    }

    pub fn pid(&self) -> u32 {
        self.group.pid()
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it takes commands.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// First line of what the program says about its version, and the packages of its modules.
    pub fn version(&self) -> &str {
        &self.version
    }

    fn wait_until_it_listens(&mut self, output: &Path) -> Result<(), PeerError> {
        let begun = Instant::now();
        while begun.elapsed() < START_LIMIT {
            let ended = self.group.ended().map_err(|source| PeerError::Start { action: "watch it", source })?;
            if let Some(status) = ended {
                return Err(PeerError::Ended { status: status.to_string(), said: last_words(output) });
            }
            if TcpStream::connect_timeout(&self.address, POLL).is_ok() {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        Err(PeerError::Silent { seconds: START_LIMIT.as_secs(), said: last_words(output) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.group.end(GRACE);
    }
}

/// `setpriv --pdeathsig KILL -- taskset -c 0 program arguments`, as far as the first two are there. Each replaces itself by the
/// next, so the child's id is the program's.
pub(super) fn command_line(program: &[OsString], arguments: &[OsString], cores: Option<&Cores>) -> Vec<OsString> {
    let mut words = Vec::new();
    if let Some(setpriv) = find("setpriv") {
        words.extend([setpriv.into(), "--pdeathsig".into(), "KILL".into(), "--".into()]);
    }
    words.extend(cores.map(Cores::prefix).into_iter().flatten());
    words.extend(program.iter().chain(arguments).cloned());
    words
}

fn versions(peer: &dyn Peer, program: &[OsString]) -> String {
    let mut said = version(program, peer.version_arguments());
    for package in peer.modules() {
        let query = ["dpkg-query", "-W", "-f", "${Package} ${Version}"].map(OsString::from);
        said = format!("{said}, {}", version(&query, &[package]));
    }
    said
}

fn version(program: &[OsString], arguments: &[&str]) -> String {
    let said = program.split_first().and_then(|(first, rest)| output_of(first, rest, arguments).ok());
    let line = said.as_deref().and_then(|text| text.lines().find(|line| !line.trim().is_empty())).unwrap_or("unknown");
    let number = line.split_once("version:").map_or(line, |(_, number)| number);
    number.trim().chars().take(VERSION_LIMIT).collect()
}

/// nginx tells its version on standard error, the others on standard output.
fn output_of(first: &OsString, rest: &[OsString], arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(first).args(rest).args(arguments).stdin(Stdio::null()).output()?;
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// The end of what a child wrote, on one line.
pub(super) fn last_words(output: &Path) -> String {
    let text = fs::read(output).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let skip = text.chars().count().saturating_sub(SAID_LIMIT);
    if text.is_empty() { "it said nothing".into() } else { text.chars().skip(skip).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::{About, ConfigFile, Duty, free_address};

    /// A shell script in the place of a peer.
    struct Script(&'static str);

    impl Peer for Script {
        fn about(&self) -> About {
            let (name, duty) = ("script", Duty::Pass);
            About { name, title: name, note: "", duty, caches: false, checks: "", packages: &[] }
        }
        fn program(&self, _: &Installed) -> Result<Vec<OsString>, PeerError> {
            Ok(["sh", "-c", self.0].map(OsString::from).to_vec())
        }
        fn version_arguments(&self) -> &'static [&'static str] {
            &["version"]
        }
        fn files(&self, _: &Site) -> Vec<ConfigFile> {
            vec![ConfigFile { name: "script.conf", text: "setting".into() }]
        }
        fn arguments(&self, site: &Site) -> Vec<OsString> {
            vec![site.folder.join("script.conf").into()]
        }
    }

    fn start(script: &'static str, site: &Site) -> Result<Running, PeerError> {
        Running::start(&Script(script), site, &Installed::in_folder(site.folder.clone()), None)
    }

    fn site(folder: &Path) -> Site {
        let listen = free_address().unwrap();
        let (jwks, pem) = (folder.join("a"), folder.join("b"));
        let spki = String::new();
        Site {
            listen,
            admin: listen,
            upstream: listen,
            folder: folder.into(),
            jwks,
            pem,
            spki,
            issuer: "i",
            client: "c",
            feed: listen,
            pool: "p",
        }
    }

    #[test]
    fn a_child_that_ends_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let error = start("[ $0 = version ] || cat $0; echo ' wrong' >&2; exit 3", &site(folder.path())).unwrap_err();
        let PeerError::Ended { status, said } = error else { panic!("{error}") };
        assert!(status.contains('3'), "{status}");
        assert_eq!(said, "setting wrong");
    }

    #[test]
    fn dropping_ends_the_child() {
        let folder = tempfile::tempdir().unwrap();
        let site = site(folder.path());
        let _someone_listens = std::net::TcpListener::bind(site.listen).unwrap();
        let running = start("[ $0 = version ] && echo 'sh version: v1 ' || exec sleep 60", &site).unwrap();
        let proc = Path::new("/proc").join(running.pid().to_string());
        assert!(proc.exists());
        assert_eq!(running.version(), "v1");
        drop(running);
        assert!(!proc.exists());
    }
}
