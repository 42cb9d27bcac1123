//! Reloads and binary upgrades under load: nobody is refused, and what fails before its first byte succeeds at the second try.

mod load;
mod origin;

use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use self::load::{Load, WebSocket};
use self::origin::Origin;
use crate::short_or_long;
use crate::system::until;
use crate::world::{PortBase, TOLLGATE};

const DRAIN: Duration = Duration::from_secs(2);

/// An edge before an origin, and the service manager that it reports to.
struct Edge {
    process: Child,
    manager: UnixDatagram,
    folder: TempDir,
    address: SocketAddr,
    _ports: PortBase,
}

impl Edge {
    fn start(origin: &Origin) -> Self {
        let (folder, ports) = (tempfile::tempdir().unwrap(), PortBase::take());
        let [http, admin] = [100, 102].map(|offset| ports.address(offset));
        let config = format!(
            "[listen]\nhttp = \"{http}\"\nadmin = \"{admin}\"\nh2c = true\ndrain_timeout = \"{}s\"\n\
             upgrade_sock = \"upgrade.sock\"\nmax_connections_per_client = 10000\n[log]\naccess = \"off\"\n\
             [[upstream]]\nname = \"origin\"\nservers = [\"{}\"]\n[[route]]\nmatch = {{}}\nupstream = \"origin\"\n",
            DRAIN.as_secs(),
            origin.address
        );
        std::fs::write(folder.path().join("edge.toml"), config).unwrap();
        let manager = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let process = spawn(folder.path(), &[]);
        let edge = Self { process, manager, folder, address: http, _ports: ports };
        edge.await_notice("READY=1\n");
        edge
    }

    /// The next one takes over; answers when the old one has ended, in good order.
    fn upgrade(&mut self) {
        let mut old = self.successor();
        let ended = old.wait().unwrap();
        assert!(ended.success(), "the old edge ended with {ended}");
    }

    /// Starts the next one; answers the old one when the next one serves.
    fn successor(&mut self) -> Child {
        let next = spawn(self.folder.path(), &["--upgrade"]);
        self.await_notice(&format!("MAINPID={}\n", next.id()));
        self.await_notice("READY=1\n");
        std::mem::replace(&mut self.process, next)
    }

    fn reload(&self) {
        signal(&self.process, "HUP");
        self.await_notice("RELOADING=1\n");
        self.await_notice("READY=1\n");
    }

    fn await_notice(&self, expected: &str) {
        let mut buffer = [0; 64];
        let length = self.manager.recv(&mut buffer).unwrap();
        assert_eq!(String::from_utf8_lossy(&buffer[..length]), expected);
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &Path, more: &[&str]) -> Child {
    let mut command = Command::new(TOLLGATE);
    command.arg("edge").arg("--config").arg(folder.join("edge.toml")).args(more);
    command.env("NOTIFY_SOCKET", folder.join("notify")).stdin(Stdio::null()).spawn().unwrap()
}

fn signal(process: &Child, name: &str) {
    let id = process.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

/// Issue's own numbers in the long form: 20 of each, 500,000 requests.
#[test]
fn nobody_notices_reloads_and_upgrades() {
    let rounds = short_or_long(3, 20);
    let at_least = u64::from(short_or_long(3_000, 500_000));
    let origin = Origin::start();
    let mut edge = Edge::start(&origin);
    let load = Load::start(edge.address);
    for _ in 0..rounds {
        edge.reload();
        // Of the old edge: it goes on until the drain limit, and is what the old edge waits for.
        let mut open = WebSocket::open(edge.address).unwrap();
        let mut old = edge.successor();
        assert!(open.echo(b"still there"), "an open WebSocket outlives the upgrade");
        assert!(old.wait().unwrap().success());
        assert!(!open.echo(b"gone"), "and ends with the drain");
    }
    until("enough requests", Duration::from_secs(1_200), || load.requests() >= at_least);
    let totals = load.stop();
    println!("{rounds} reloads, {rounds} upgrades: {totals}");
    assert_eq!(totals.failed, 0, "{totals}");
    assert_eq!(totals.web_sockets_refused, 0, "{totals}");
    assert!(totals.is_everything_used(), "{totals}");
}

#[test]
fn a_signal_starts_the_successor_and_a_bad_one_changes_nothing() {
    let origin = Origin::start();
    let mut edge = Edge::start(&origin);
    // A second edge on the same folder, without the word, does not start.
    let second = Command::new(TOLLGATE).arg("edge").arg("--config").arg(edge.folder.path().join("edge.toml")).output();
    let second = second.unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("--upgrade"), "{second:?}");
    // A configuration that does not validate: the successor ends, the old one serves.
    let file = edge.folder.path().join("edge.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, good.replace("match", "mtach")).unwrap();
    let refused = spawn(edge.folder.path(), &["--upgrade"]).wait().unwrap();
    assert_eq!(refused.code(), Some(64));
    assert_eq!(load::once(edge.address), Some(200));
    std::fs::write(&file, good).unwrap();

    signal(&edge.process, "USR2");
    let mut buffer = [0; 64];
    let length = edge.manager.recv(&mut buffer).unwrap();
    let notice = String::from_utf8_lossy(&buffer[..length]).into_owned();
    let successor: u32 = notice.trim().strip_prefix("MAINPID=").unwrap().parse().unwrap();
    edge.await_notice("READY=1\n");
    assert!(edge.process.wait().unwrap().success());
    assert_eq!(load::once(edge.address), Some(200));
    assert!(Command::new("kill").arg(successor.to_string()).status().unwrap().success());
    edge.await_notice("STOPPING=1\n");
    until("nobody listens", Duration::from_secs(20), || load::once(edge.address).is_none());
    assert!(!edge.folder.path().join("upgrade.sock").exists(), "nothing is left behind");
}

#[test]
fn a_second_upgrade_follows_the_first() {
    let origin = Origin::start();
    let mut edge = Edge::start(&origin);
    for _ in 0..2 {
        edge.upgrade();
        assert_eq!(load::once(edge.address), Some(200));
    }
}
