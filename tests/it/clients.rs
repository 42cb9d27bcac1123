//! Clients that others wrote, unmodified, against a whole `tollgate up`: the programs of tests/clients.
//!
//! They need Python, node and Chromium packages, so a plain `cargo test` leaves them out; `scripts/clients install` fetches the
//! packages, and scripts/test runs these tests too (`cargo test --test it clients -- --include-ignored`).

use std::fs;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const START_LIMIT: Duration = Duration::from_secs(60);
/// The last port of `up` above its base, and those that it takes besides.
const TCP_OFFSETS: [u16; 6] = [0, 2, 3, 100, 102, 143];
const UDP_OFFSET: u16 = 1;

/// A system of its own in a folder of its own. Its children end with it: they read a pipe that it holds.
struct Up {
    child: Child,
    folder: TempDir,
}

impl Up {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = fs::File::create(folder.path().join("up.log")).expect("a log file");
        let child = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .args(["up", "--port-base", &free_port_base().to_string(), "--data"])
            .arg(folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .expect("tollgate up");
        let mut up = Self { child, folder };
        let begun = Instant::now();
        while !up.json().exists() {
            let ended = up.child.try_wait().expect("the state of tollgate up");
            assert!(ended.is_none(), "tollgate up ended ({ended:?}): {}", up.log());
            assert!(begun.elapsed() < START_LIMIT, "tollgate up is not ready: {}", up.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        up
    }

    /// Appears when everything is ready.
    fn json(&self) -> PathBuf {
        self.folder.path().join("data/up.json")
    }

    fn log(&self) -> String {
        let text = fs::read_to_string(self.folder.path().join("up.log")).unwrap_or_default();
        let tail: Vec<&str> = text.lines().rev().take(20).collect();
        tail.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Runs a program of tests/clients; its own words are the failure.
    fn run(&self, program: &str, arguments: &[&str]) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = Command::new(root.join("scripts/clients"))
            .arg("run")
            .arg(self.json())
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("scripts/clients");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}\n--- tollgate up:\n{}", self.log());
        println!("{said}");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // SIGTERM would be kinder; the standard library has no safe way to send it, and children end on their own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next of 60 bases below the ports that Linux hands out by itself. Tests of one process run at the same time, so each takes
/// another; the process id keeps test runs apart.
static NEXT_BASE: AtomicU32 = AtomicU32::new(0);

/// A base with every port of `up` free.
fn free_port_base() -> u16 {
    for _ in 0..60 {
        let step = std::process::id().wrapping_add(NEXT_BASE.fetch_add(1, Ordering::Relaxed)) % 60;
        let base = 20_000 + 200 * u16::try_from(step).expect("below 60");
        let mut tcp = TCP_OFFSETS.iter().map(|offset| TcpListener::bind((Ipv4Addr::LOCALHOST, base + offset)));
        if tcp.all(|bound| bound.is_ok()) && UdpSocket::bind((Ipv4Addr::LOCALHOST, base + UDP_OFFSET)).is_ok() {
            return base;
        }
    }
    panic!("no free ports for tollgate up");
}

macro_rules! client {
    ($name:ident, $program:literal $(, $argument:literal)*) => {
        #[test]
        #[ignore = "needs scripts/clients install"]
        fn $name() {
            Up::start().run($program, &[$($argument),*]);
        }
    };
}

client!(main_job_by_boto3, "main_job.py");
client!(aws_cli, "aws_cli.sh");
client!(tokens_by_jose, "jose.mjs");
client!(bad_input, "errors.py");
client!(edge_refusals_and_headers, "edge.py");
client!(srp_by_pycognito, "srp.py", "100");
client!(srp_by_cognito_identity_js, "srp.mjs", "100");
client!(sign_in_from_another_origin, "browser.mjs");
client!(sign_out_reaches_the_edge, "signout_latency.py", "--events", "40", "--limit-ms", "1000");
