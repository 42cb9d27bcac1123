//! An issuer alone, on either engine: the program's own `issuer`, set up by its own `admin`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::secret::SecretString;

use super::child::last_words;
use super::{PeerError, free_address};

const START_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
/// What follows the prefix of a pool's domain.
pub const DOMAINS: &str = "auth.bench.test";
/// Files in its folder.
const CONFIG: &str = "issuer.toml";
const OUTPUT: &str = "output.log";

/// A running issuer; it ends when this is dropped.
#[derive(Debug)]
pub struct Alone {
    child: Child,
    program: Vec<OsString>,
    folder: PathBuf,
    admin_address: SocketAddr,
    /// Base URLs of Cognito's API and of the admin listener.
    pub url: String,
    pub admin: String,
    pub access_key_id: String,
    pub secret_access_key: SecretString,
}

impl Alone {
    /// Starts `program issuer` in `folder`, which must not exist. `storage` is the text of its `[storage]` section.
    ///
    /// # Errors
    /// When it does not start, ends, or does not get ready.
    pub fn start(program: &[OsString], folder: &Path, storage: &str) -> Result<Self, PeerError> {
        let at = |action| move |source| PeerError::Start { action, source };
        fs::create_dir(folder).map_err(at("make its folder"))?;
        fs::create_dir(folder.join("outbox")).map_err(at("make its outbox"))?;
        let (http, admin, feed) = (free_address()?, free_address()?, free_address()?);
        let config = folder.join(CONFIG);
        private(&folder.join("root.key"), &"5a".repeat(32)).map_err(at("write its root key"))?;
        let text = format!(
            "[listen]\nhttp = \"{http}\"\nadmin = \"{admin}\"\nfeed = \"{feed}\"\n[issuer]\npublic_url = \"http://{http}\"\n\
             region = \"us-east-1\"\n[storage]\n{storage}\n[secrets]\nroot_key_file = {:?}\n[messages]\noutbox = {:?}\n\
             [feed]\npublic_address = \"{feed}\"\n[quotas]\nenabled = false\n[domains]\nsuffix = \"{DOMAINS}\"\n",
            folder.join("root.key"),
            folder.join("outbox"),
        );
        private(&config, &text).map_err(at("write its settings"))?;
        let first = folder.join("first.key");
        let words =
            ["admin".as_ref(), "first-key".as_ref(), "--config".as_ref(), &*config, "--output".as_ref(), &*first];
        run(program, &words)?;
        // From here on, an error ends it.
        let mut issuer = Self {
            child: spawn(program, folder)?,
            program: program.to_vec(),
            folder: folder.to_owned(),
            admin_address: admin,
            url: format!("http://{http}"),
            admin: format!("http://{admin}"),
            access_key_id: String::new(),
            secret_access_key: SecretString::new(String::new()),
        };
        issuer.await_ready()?;
        let admin = issuer.admin.clone();
        let words = ["admin", "keys", "create", "bench", "--admin", &admin, "--first-key"].map(Path::new);
        let said = run(program, &words.into_iter().chain([&*first]).collect::<Vec<_>>())?;
        let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
        issuer.access_key_id = value("AWS_ACCESS_KEY_ID=");
        issuer.secret_access_key = SecretString::new(value("AWS_SECRET_ACCESS_KEY="));
        Ok(issuer)
    }

    /// Ends it and starts it again on what it stored, at the same addresses: nothing that it held ready is left.
    ///
    /// # Errors
    /// As [`Alone::start`].
    pub fn restart(&mut self) -> Result<(), PeerError> {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = spawn(&self.program, &self.folder)?;
        self.await_ready()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn await_ready(&mut self) -> Result<(), PeerError> {
        let output = self.folder.join(OUTPUT);
        let begun = Instant::now();
        while begun.elapsed() < START_LIMIT {
            let ended = self.child.try_wait().map_err(|source| PeerError::Start { action: "watch it", source })?;
            if let Some(status) = ended {
                return Err(PeerError::Ended { status: status.to_string(), said: last_words(&output) });
            }
            if is_healthy(self.admin_address).unwrap_or(false) {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        Err(PeerError::Silent { seconds: START_LIMIT.as_secs(), said: last_words(&output) })
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &[OsString], folder: &Path) -> Result<Child, PeerError> {
    let at = |action| move |source| PeerError::Start { action, source };
    let log = File::create(folder.join(OUTPUT)).map_err(at("make its log"))?;
    let mut command = command(program)?;
    command.arg("issuer").arg("--config").arg(folder.join(CONFIG)).stdin(Stdio::null());
    command.stdout(log.try_clone().map_err(at("make its log"))?).stderr(log);
    command.spawn().map_err(at("start its program"))
}

fn command(program: &[OsString]) -> Result<Command, PeerError> {
    let (first, rest) = program.split_first().ok_or(PeerError::NoCommand)?;
    let mut command = Command::new(first);
    command.args(rest);
    Ok(command)
}

/// Whether an admin listener answers 200.
fn is_healthy(admin: SocketAddr) -> io::Result<bool> {
    let mut connection = TcpStream::connect_timeout(&admin, POLL)?;
    connection.set_read_timeout(Some(START_LIMIT))?;
    write!(connection, "GET /healthz HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n")?;
    let mut answer = [0; 12];
    connection.read_exact(&mut answer)?;
    Ok(answer.ends_with(b" 200"))
}

/// Runs a command of the program to its end; what it printed.
fn run(program: &[OsString], words: &[&Path]) -> Result<String, PeerError> {
    let made = command(program)?.args(words).stdin(Stdio::null()).output();
    let made = made.map_err(|source| PeerError::Start { action: "set it up", source })?;
    if !made.status.success() {
        let said = String::from_utf8_lossy(&made.stderr).trim().to_owned();
        return Err(PeerError::Ended { status: made.status.to_string(), said });
    }
    Ok(String::from_utf8_lossy(&made.stdout).into_owned())
}

fn private(path: &Path, text: &str) -> io::Result<()> {
    let path = PathBuf::from(path);
    File::options().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}
