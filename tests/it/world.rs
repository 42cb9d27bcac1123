//! A whole `tollgate up` of a test's own: its folder, its ports, and the proof that nothing of it is left afterwards.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::http::once;
use crate::system::{System, until};

const START_LIMIT: Duration = Duration::from_secs(60);
const END_LIMIT: Duration = Duration::from_secs(30);
/// The ports that `up` takes above its base.
const TCP_OFFSETS: [u16; 6] = [0, 2, 3, 100, 102, 143];
const UDP_OFFSET: u16 = 1;

/// The program under test.
pub const TOLLGATE: &str = env!("CARGO_BIN_EXE_tollgate");

/// A running system.
pub struct World {
    up: Child,
    json: Value,
    /// How long it took until everything was ready.
    pub start_took: Duration,
    home: Arc<Home>,
}

/// What outlives a restart.
pub struct Home {
    folder: TempDir,
    ports: PortBase,
}

impl Home {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { folder: tempfile::tempdir().unwrap(), ports: PortBase::take() })
    }

    /// The `--data` folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file beside it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn port_base(&self) -> u16 {
        self.ports.base
    }

    /// `tollgate up` in this folder, with its words in `up.log`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_by(Command::new(TOLLGATE), arguments)
    }

    /// The same by a program that becomes it, such as a shell that sets limits first.
    pub fn command_by(&self, mut program: Command, arguments: &[&str]) -> Command {
        let log = File::options().create(true).append(true).open(self.file("up.log")).unwrap();
        program.args(["up", "--port-base", &self.ports.base.to_string(), "--data"]).arg(self.data()).args(arguments);
        program.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        program
    }

    pub fn start(self: &Arc<Self>, arguments: &[&str]) -> World {
        self.launch(self.command(arguments))
    }

    /// Starts `command`, which is or becomes `tollgate up`, and waits until everything is ready.
    pub fn launch(self: &Arc<Self>, mut command: Command) -> World {
        let begun = Instant::now();
        let up = command.spawn().unwrap();
        let mut world = World { up, json: Value::Null, start_took: Duration::ZERO, home: Arc::clone(self) };
        let file = world.json_path();
        while !file.exists() {
            let ended = world.up.try_wait().unwrap();
            assert!(ended.is_none(), "tollgate up ended ({ended:?}): {}", world.log());
            assert!(begun.elapsed() < START_LIMIT, "tollgate up is not ready: {}", world.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        world.start_took = begun.elapsed();
        world.json = world.read_json();
        let ready = once(world.text("metrics"), "GET", "/readyz", &[]).unwrap();
        assert_eq!(ready.status, 200, "/readyz: {}", ready.text());
        world
    }
}

impl World {
    /// With the sample API behind the edge.
    pub fn start() -> Self {
        Home::new().start(&[])
    }

    /// A key of `up.json`, as it was when the system became ready.
    pub fn text(&self, key: &str) -> &str {
        self.json.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("up.json has no {key}"))
    }

    /// The process that plays a role now.
    pub fn pid(&self, role: &str) -> Option<u64> {
        self.read_json().get("pids")?.get(role)?.as_u64()
    }

    pub fn home(&self) -> &Arc<Home> {
        &self.home
    }

    pub fn json_path(&self) -> PathBuf {
        self.home.data().join("up.json")
    }

    pub fn system(&self) -> System {
        let text = |key: &str| self.text(key).to_owned();
        System {
            issuer: text("issuer"),
            edge: text("edge"),
            region: text("region"),
            pool_id: text("pool_id"),
            client_id: text("client_id"),
            access_key_id: text("access_key_id"),
            secret_access_key: text("secret_access_key"),
            protected_path: text("protected_path"),
        }
    }

    /// The last words of `up` and its children.
    pub fn log(&self) -> String {
        let data = self.home.data();
        let logs = [self.home.file("up.log"), data.join("issuer.log"), data.join("edge.log")];
        logs.iter().map(|path| format!("--- {}\n{}\n", path.display(), tail(path))).collect()
    }

    /// Ends it by SIGTERM and proves that no process of it is left.
    pub fn stop(mut self) -> ExitStatus {
        let status = self.end();
        let left = self.processes();
        assert!(left.is_empty(), "still running after `up` ended: {left:?}");
        assert!(!self.json_path().exists(), "up.json speaks of a system that is gone");
        status
    }

    fn end(&mut self) -> ExitStatus {
        signal("TERM", u64::from(self.up.id()));
        let begun = Instant::now();
        while begun.elapsed() < END_LIMIT {
            if let Some(status) = self.up.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.up.kill().unwrap();
        let status = self.up.wait().unwrap();
        assert!(std::thread::panicking(), "tollgate up does not end: {}", self.log());
        status
    }

    /// Command lines that speak of this world's folder or sample API.
    fn processes(&self) -> Vec<String> {
        let folder = self.home.data().display().to_string();
        let sample = format!("127.0.0.1:{}", self.home.port_base() + 3);
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
        lines.filter(|line| line.contains(&folder) || line.contains(&sample)).collect()
    }

    fn read_json(&self) -> Value {
        fs::read(self.json_path()).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
        if self.up.try_wait().unwrap().is_none() {
            self.end();
        }
        if !std::thread::panicking() {
            until("the children of `up` are gone", Duration::from_secs(2), || self.processes().is_empty());
        }
    }
}

/// Sends a signal: the standard library can only kill.
pub fn signal(name: &str, pid: u64) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap();
    assert!(sent.success(), "process {pid} takes no SIG{name}");
}

fn tail(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n")
}

/// A `--port-base` whose ports nobody else takes while this lives: other tests, of other processes too, respect its lock file.
pub struct PortBase {
    base: u16,
    _lock: File,
}

impl PortBase {
    /// One of 60 below the ports that Linux hands out by itself.
    pub fn take() -> Self {
        let folder = std::env::temp_dir().join("tollgate-test-ports");
        fs::create_dir_all(&folder).unwrap();
        let first = std::process::id() % 60;
        for step in 0..60 {
            let base = 20_000 + 200 * u16::try_from((first + step) % 60).unwrap();
            let path = folder.join(format!("{base}.lock"));
            let Ok(lock) = File::options().create(true).append(true).open(path) else { continue };
            if lock.try_lock().is_ok() && free(base) {
                return Self { base, _lock: lock };
            }
        }
        panic!("no free ports for tollgate up");
    }

    pub fn address(&self, offset: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.base + offset))
    }

    pub fn at(&self, offset: u16) -> String {
        format!("127.0.0.1:{}", self.base + offset)
    }
}

fn free(base: u16) -> bool {
    TCP_OFFSETS.iter().all(|offset| TcpListener::bind((Ipv4Addr::LOCALHOST, base + offset)).is_ok())
        && UdpSocket::bind((Ipv4Addr::LOCALHOST, base + UDP_OFFSET)).is_ok()
}
