//! A started peer. However the bench ends, it leaves no process behind: dropping kills and reaps, and where `setpriv` is
//! installed the kernel ends the child when the bench itself is killed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Cores, Peer, PeerError, Site, find};

const START_LIMIT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);
/// Bytes of a failed child's output that an error shows.
const SAID_LIMIT: usize = 600;
/// Bytes of a version that a report shows.
const VERSION_LIMIT: usize = 100;

/// A peer that listens. It ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    address: SocketAddr,
    version: String,
}

impl Running {
    /// Writes the peer's configuration, starts it and waits until it listens.
    ///
    /// # Errors
    /// When it is not installed, does not start, or ends or stays silent instead of listening.
    pub fn start(peer: &dyn Peer, site: &Site, cores: Option<&Cores>) -> Result<Self, PeerError> {
        let at = |action| move |source| PeerError::Start { action, source };
        let program = peer.program().ok_or(PeerError::Missing)?;
        let version = version(&program, peer.version_arguments());
        let config = site.folder.join(peer.config_name());
        fs::write(&config, peer.config(site)).map_err(at("write its configuration"))?;
        let output = site.folder.join("output.log");
        let log = File::create(&output).map_err(at("make its log"))?;
        let words = command_line(&program, &peer.arguments(&config, site), cores);
        let (first, rest) = words.split_first().ok_or(PeerError::Missing)?;
        let mut command = Command::new(first);
        command.args(rest).current_dir(&site.folder).stdin(Stdio::null());
        command.stdout(log.try_clone().map_err(at("make its log"))?).stderr(log);
        let child = command.spawn().map_err(at("start its program"))?;
        let mut running = Self { child, address: site.listen, version };
        running.wait_until_it_listens(&output)?;
        Ok(running)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// First line of what the program says about its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    fn wait_until_it_listens(&mut self, output: &Path) -> Result<(), PeerError> {
        let begun = Instant::now();
        while begun.elapsed() < START_LIMIT {
            let ended = self.child.try_wait().map_err(|source| PeerError::Start { action: "watch it", source })?;
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
        // Both fail only when the child has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `setpriv --pdeathsig KILL -- taskset -c 0 program arguments`, as far as the first two are there. Each replaces itself by the
/// next, so the child's id is the program's.
fn command_line(program: &[OsString], arguments: &[OsString], cores: Option<&Cores>) -> Vec<OsString> {
    let mut words = Vec::new();
    if let Some(setpriv) = find("setpriv") {
        words.extend([setpriv.into(), "--pdeathsig".into(), "KILL".into(), "--".into()]);
    }
    words.extend(cores.map(Cores::prefix).into_iter().flatten());
    words.extend(program.iter().chain(arguments).cloned());
    words
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
fn last_words(output: &Path) -> String {
    let text = fs::read(output).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let skip = text.chars().count().saturating_sub(SAID_LIMIT);
    if text.is_empty() { "it said nothing".into() } else { text.chars().skip(skip).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::{Duty, free_address};

    /// A shell script in the place of a peer.
    struct Script(&'static str);

    impl Peer for Script {
        fn name(&self) -> &'static str {
            "script"
        }
        fn duty(&self) -> Duty {
            Duty::Pass
        }
        fn program(&self) -> Option<Vec<OsString>> {
            find("sh").map(|sh| vec![sh.into(), "-c".into(), self.0.into()])
        }
        fn version_arguments(&self) -> &'static [&'static str] {
            &["version"]
        }
        fn config_name(&self) -> &'static str {
            "script.conf"
        }
        fn config(&self, _: &Site) -> String {
            "setting".into()
        }
        fn arguments(&self, config: &Path, _: &Site) -> Vec<OsString> {
            vec![config.into()]
        }
    }

    fn site(folder: &Path) -> Site {
        let listen = free_address().unwrap();
        let (jwks, pem) = (folder.join("a"), folder.join("b"));
        Site { listen, upstream: listen, folder: folder.into(), jwks, pem, issuer: "i", client: "c" }
    }

    #[test]
    fn a_child_that_ends_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let error = Running::start(
            &Script("[ $0 = version ] || cat $0; echo ' wrong' >&2; exit 3"),
            &site(folder.path()),
            None,
        )
        .unwrap_err();
        let PeerError::Ended { status, said } = error else { panic!("{error}") };
        assert!(status.contains('3'), "{status}");
        assert_eq!(said, "setting wrong");
    }

    #[test]
    fn dropping_ends_the_child() {
        let folder = tempfile::tempdir().unwrap();
        let site = site(folder.path());
        let _someone_listens = std::net::TcpListener::bind(site.listen).unwrap();
        let running =
            Running::start(&Script("[ $0 = version ] && echo 'sh version: v1 ' || exec sleep 60"), &site, None)
                .unwrap();
        let proc = Path::new("/proc").join(running.pid().to_string());
        assert!(proc.exists());
        assert_eq!(running.version(), "v1");
        drop(running);
        assert!(!proc.exists());
    }
}
