//! Servers that others wrote, as origins behind an edge: nginx, Apache and node, each on loopback and with a log of what it has seen.
//!
//! A keeper ends the server when this process goes, whichever way: its standard input closes.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::super::harness::{Edge, ISS, free_addresses};

const KEEPER: &str = r#"
"$@" >/dev/null 2>"$FOLDER/said" &
pid=$!
trap '' TERM INT
cat >/dev/null
kill "$pid" 2>/dev/null
wait "$pid"
"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Apache,
    Node,
    /// node with `insecureHTTPParser`: it takes what the others refuse, so that what an edge lets through shows.
    LenientNode,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Nginx, Self::Apache, Self::Node, Self::LenientNode];
}

/// A running server.
pub struct Origin {
    pub kind: Kind,
    pub address: SocketAddr,
    folder: tempfile::TempDir,
    keeper: Child,
}

/// A request that an origin has received whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    pub target: String,
    /// Bytes.
    pub body: u64,
}

impl Origin {
    /// Panics where the server is not installed: `scripts/test` installs it.
    pub fn start(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Apache reads its script as another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let [address, inner] = free_addresses();
        let arguments = arguments(kind, [address, inner], folder.path());
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).args(arguments).env("FOLDER", folder.path());
        let keeper = command.stdin(Stdio::piped()).spawn().unwrap();
        let origin = Self { kind, address, folder, keeper };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{kind:?} does not start: {}", origin.said());
            std::thread::sleep(Duration::from_millis(20));
        }
        origin
    }

    /// Everything so far, in the order of the log.
    pub fn seen(&self) -> Vec<Seen> {
        let parse = |line: &str| {
            let mut parts = line.split('\t');
            let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
            Some(Seen { method, target, body: parts.next()?.parse().unwrap_or(0) })
        };
        self.read("seen.log").lines().filter_map(parse).collect()
    }

    /// Every request line that was read from the wire, good or bad; node keeps no such log.
    pub fn wire(&self) -> String {
        self.read("wire.log")
    }

    /// Asks it directly, and then waits until its log shows that; so everything from before is in the log.
    pub fn settle(&self) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(b"GET /settled HTTP/1.1\r\nHost: origin.test\r\nConnection: close\r\n\r\n").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
        let begun = Instant::now();
        while !self.seen().iter().any(|seen| seen.target == "/settled") {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?} writes no log: {}", self.kind, self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn read(&self, name: &str) -> String {
        fs::read(self.folder.path().join(name))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn said(&self) -> String {
        format!("{} {}", self.read("said"), self.read("error.log"))
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// An edge with one thread, and so one pool of connections to the origin. The protected paths want a token, all others lead to it as well.
pub fn edge_before(origin: SocketAddr, protected: &[&str]) -> Edge {
    let routes: String = protected
        .iter()
        .map(|path| {
            format!("[[route]]\nmatch = {{ path = \"{path}\" }}\nupstream = \"origin\"\ntoken = {{ issuers = [\"corp\"] }}\n")
        })
        .collect();
    Edge::start_as(|address, admin| {
        format!(
            r#"
[listen]
http = "{address}"
admin = "{admin}"
threads = 1
header_timeout = "2s"
[log]
access = "off"
[[issuer]]
name = "corp"
iss = "{ISS}"
profile = "cognito"
jwks = {{ file = "jwks.json" }}
[[upstream]]
name = "origin"
servers = ["{origin}"]
{routes}
[[route]]
match = {{ path = "/*" }}
upstream = "origin"
"#
        )
    })
}

fn arguments(kind: Kind, [address, inner]: [SocketAddr; 2], folder: &Path) -> Vec<String> {
    let write = |name: &str, template: &str| {
        let text = template
            .replace("FOLDER", &folder.to_string_lossy())
            .replace("LISTEN", &address.to_string())
            .replace("INNER", &inner.to_string())
            .replace("MODULES", "/usr/lib/apache2/modules");
        let file = folder.join(name);
        fs::write(&file, text).unwrap();
        file.to_string_lossy().into_owned()
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match kind {
        Kind::Nginx => {
            let conf = write("nginx.conf", include_str!("nginx.conf"));
            let folder = folder.to_string_lossy();
            words(&[&program("nginx"), "-p", &folder, "-c", &conf, "-g", "daemon off; master_process off;"])
        }
        Kind::Apache => {
            write("seen.lua", include_str!("apache.lua"));
            let conf = write("apache.conf", include_str!("apache.conf"));
            words(&[&program("apache2"), "-D", "FOREGROUND", "-f", &conf])
        }
        Kind::Node | Kind::LenientNode => {
            let script = write("origin.cjs", include_str!("node.cjs"));
            let log = folder.join("seen.log");
            let leniency = if kind == Kind::LenientNode { "lenient" } else { "strict" };
            words(&[&program("node"), &script, &address.port().to_string(), &log.to_string_lossy(), leniency])
        }
    }
}

/// Debian's servers lie where only root's PATH looks.
fn program(name: &str) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = folders.map(|folder| folder.join(name)).find(|file| file.is_file());
    let found = found.unwrap_or_else(|| panic!("{name} is not installed; scripts/test installs it"));
    found.to_string_lossy().into_owned()
}
